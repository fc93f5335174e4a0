"""From the fields of a plugged kind, a msgspec struct, to how they are read from a workflow.

What a struct promises with its types is said in the words of all other complaints, at the place of
each mistake; what it promises beyond them (bounds, ``__post_init__``), it says itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence, Set
from enum import Enum
from functools import lru_cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec
from msgspec.structs import FieldInfo

from indelible.definition.shapes import (
    At,
    Field,
    Shape,
    UnfitError,
    list_of,
    mapping,
    mapping_of,
    read_fields,
    record_schema,
)
from indelible.definition.wording import describe, did_you_mean, listed, shortened
from indelible.expressions import has_template

Schema = Mapping[str, object]

_LISTS = frozenset({list, set, frozenset, Sequence, Set, Collection})
_UNIONS = frozenset({Union, UnionType})
_MISFIT = re.compile(r"Expected `([^`]+)`(?:, got `[^`]+`|( (?!- at )[^`,]+))")
_NOUNS = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "a mapping",
}
_FILLED: Schema = {"type": "string", "pattern": r"\$\{\{"}


class Reader(msgspec.Struct, frozen=True):
    """Reads the fields of one kind; ``templates`` are those in which `${{ }}` is filled.

    ``inside`` are the structs that the present one stands in.
    """

    templates: tuple[str, ...]
    is_filled: bool = False
    inside: tuple[type, ...] = ()

    def of_struct(self, kind: type[msgspec.Struct]) -> Shape:
        """A mapping with the fields of ``kind``, and no others."""
        reader = msgspec.structs.replace(self, inside=(*self.inside, kind))
        fields = [reader._field(each) for each in msgspec.structs.fields(kind)]

        def read(value: Any, at: At) -> object:
            read_fields(mapping(value, at), fields, at)
            return value

        return Shape(read, record_schema(fields))

    def _field(self, field: FieldInfo) -> Field:
        is_filled = self.is_filled or (
            len(self.inside) == 1 and field.encode_name in self.templates
        )
        reader = msgspec.structs.replace(self, is_filled=is_filled)
        return Field(
            field.encode_name,
            reader._of(field.type),
            _description(field.type),
            required=field.required,
        )

    def _of(self, hint: Any) -> Shape:
        inner = self._unfilled(hint)

        def read(value: Any, at: At) -> object:
            if isinstance(value, str) and has_template(value):
                return self._template(value)
            return inner.read(value, at)

        schema = {"anyOf": [inner.schema, _FILLED]} if self.is_filled else inner.schema
        return Shape(read, schema)

    def _unfilled(self, hint: Any) -> Shape:
        origin, inner = get_origin(hint), get_args(hint)
        one = _only(hint)
        if one is not None and _has_parts(one):
            shape = self._unfilled(one)
            return _or_null(shape) if origin in _UNIONS else shape
        if origin in _LISTS:
            return list_of(self._of(inner[0]))
        if _is_mapping(hint):
            return mapping_of(self._of(inner[1]))
        if _is_record(hint) and hint not in self.inside:
            return self.of_struct(hint)
        return Shape(self._leaf(hint), _leaf_schema(hint))

    def _leaf(self, hint: Any) -> Callable[[Any, At], object]:
        def read(value: Any, at: At) -> object:
            if is_templated(value):
                return self._template(value)
            try:
                msgspec.convert(value, hint, strict=True)
            except msgspec.ValidationError as error:
                raise _unfit(value, hint, str(error)) from None
            return value

        return read

    def _template(self, value: object) -> object:
        if not self.is_filled:
            hint = f"Fields that do: {listed(self.templates)}." if self.templates else ""
            raise UnfitError("takes no `${{ }}`: data never becomes code", hint)
        return value


@lru_cache
def shape_of(kind: type[msgspec.Struct], templates: tuple[str, ...]) -> Shape:
    """How the fields of a kind are read.  It reads them as they are: plain data."""
    return Reader(templates).of_struct(kind)


def check_whole(kind: type[msgspec.Struct], value: object) -> None:
    """Raise ``UnfitError`` with what ``kind`` itself says of a value whose parts all fit."""
    try:
        msgspec.convert(value, kind, strict=True)
    except msgspec.ValidationError as error:
        raise UnfitError(f"is wrong: {error}") from None


def is_templated(value: object) -> bool:
    """Whether there is a `${{ }}` anywhere in ``value``."""
    return any(has_template(text) for text in _texts_in(value))


def mentions_template(value: object) -> bool:
    """The same, or a `$${{`, out of which something is made as well."""
    return any("${{" in text for text in _texts_in(value))


def _texts_in(value: object) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for each in value.values():
                yield from _texts_in(each)
        case list():
            for each in value:
                yield from _texts_in(each)


def _is_record(hint: object) -> bool:
    if not (isinstance(hint, type) and issubclass(hint, msgspec.Struct)):
        return False
    config = hint.__struct_config__
    return config.tag is None and not config.array_like


def _is_mapping(hint: object) -> bool:
    origin = get_origin(hint)
    is_one = isinstance(origin, type) and issubclass(origin, Mapping)
    return is_one and get_args(hint)[0] is str


def _has_parts(hint: object) -> bool:
    """Whether mistakes in a value for ``hint`` have places of their own."""
    return get_origin(hint) in _LISTS or _is_mapping(hint) or _is_record(hint)


def _only(hint: object) -> object | None:
    """What is annotated, or is the one thing besides null; None for other hints."""
    if get_origin(hint) is Annotated:
        inner: object = get_args(hint)[0]
        return inner
    some = [each for each in get_args(hint) if each is not NoneType]
    return some[0] if get_origin(hint) in _UNIONS and len(some) == 1 else None


def _or_null(inner: Shape) -> Shape:
    def read(value: Any, at: At) -> object:
        return None if value is None else inner.read(value, at)

    return Shape(read, {"anyOf": [inner.schema, {"type": "null"}]})


def _leaf_schema(hint: Any) -> Schema:
    found = msgspec.json.schema(hint)
    # What refers to parts of itself cannot stand inside another schema.
    return {} if "$defs" in found else found


def _unfit(value: object, hint: Any, said: str) -> UnfitError:
    choices = _choices(hint)
    if choices and isinstance(value, str):
        return UnfitError(
            f"cannot be {shortened(value)}", did_you_mean(value, choices, what="It is one of")
        )
    match = _MISFIT.fullmatch(said)
    if match is None:
        return UnfitError(f"is wrong: {said}")
    expected = match[1].split(" | ")
    nouns = " or ".join(_NOUNS.get(each, each) for each in expected)
    in_quotes = "str" in expected and isinstance(value, bool | int | float)
    advice = "Put it in quotes to make it text." if in_quotes else ""
    return UnfitError(f"must be {nouns}{match[2] or ''}, not {describe(value)}", advice)


def _choices(hint: Any) -> list[str]:
    if get_origin(hint) is Literal:
        return [str(each) for each in get_args(hint)]
    if isinstance(hint, type) and issubclass(hint, Enum):
        return [str(each.value) for each in hint]
    return []


def _description(hint: Any) -> str:
    if get_origin(hint) is not Annotated:
        return ""
    metas = [each for each in get_args(hint)[1:] if isinstance(each, msgspec.Meta)]
    return next((each.description for each in metas if each.description), "")
