"""What a value in a workflow file can look like: how it is read, and its JSON Schema.

A shape reads plain data into the model.  It raises ``UnfitError`` when the whole value is wrong;
what is wrong inside of it is reported on the way, so that one reading finds everything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any, Protocol

import msgspec

from indelible.definition.durations import PATTERN, parse_duration
from indelible.definition.model import Body, Node
from indelible.definition.places import Locate, Spot, inside_node
from indelible.definition.wording import describe, did_you_mean, shortened

Schema = Mapping[str, object]


class UnfitError(Exception):
    """The value does not have the shape; whoever reads it knows where it stands."""

    def __init__(self, problem: str, hint: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.hint = hint


class Opener(Protocol):
    """How a door reads what a composite is made of.  Raises ``UnfitError``."""

    def nodes(self, value: object, at: At) -> tuple[Node, ...]:
        """The graph that ``value`` spells out."""
        ...

    def workflow(self, path: str, at: At) -> Body:
        """The body that another file is; a stand-in if that is wrong."""
        ...


class At(msgspec.Struct, frozen=True):
    """A place in a file while it is read."""

    spot: Spot
    locate_key: Locate
    opener: Opener | None = None

    def read(self, step: str | int, shape: Shape, value: object) -> Any:
        """``value``, which stands below here, or ``UNSET`` once it has been complained about."""
        below = At(self.spot.below(step), self.locate_key, self.opener)
        try:
            return shape.read(value, below)
        except UnfitError as error:
            below.complain(error.problem, error.hint)
            return msgspec.UNSET

    def complain(self, problem: str, hint: str = "") -> None:
        self.spot.complain(self._named(problem), hint=hint)

    def complain_of_key(self, key: str, problem: str, hint: str = "") -> None:
        place = self.locate_key((*self.spot.path, key))
        self.spot.report.add(place, problem, hint=hint, node=self.spot.node)

    def _named(self, problem: str) -> str:
        path = inside_node(self.spot.path)
        names = ".".join(step for step in path if isinstance(step, str))
        return f"`{names}` {problem}" if names else f"this {problem}"


class Shape(msgspec.Struct, frozen=True):
    """One way a value can look."""

    read: Callable[[Any, At], Any]
    schema: Schema


class Field(msgspec.Struct, frozen=True):
    """One key of a mapping: its shape and what it means.  ``into`` is its name in the model."""

    key: str
    shape: Shape
    description: str
    required: bool = False
    into: str = ""

    @property
    def attribute(self) -> str:
        return self.into or self.key


def _of_type(
    kinds: type | tuple[type, ...], noun: str, hint: Callable[[object], str] = lambda _: ""
) -> Callable[[object, At], object]:
    def read(value: object, at: At) -> object:
        is_stray_flag = isinstance(value, bool) and kinds is not bool
        if is_stray_flag or not isinstance(value, kinds):
            raise UnfitError(f"must be {noun}, not {describe(value)}", hint(value))
        return value

    return read


def _in_quotes(value: object) -> str:
    plain = isinstance(value, bool | int | float)
    return "Put it in quotes to make it text." if plain else ""


_text = _of_type(str, "text", _in_quotes)
_number = _of_type((int, float), "a number")
_list = _of_type(list, "a list", lambda value: "Write it in [ ]." if isinstance(value, str) else "")
mapping: Callable[[object, At], Any] = _of_type(dict, "a mapping")
"""The value itself, if it is a mapping."""


def _nonempty(value: object, at: At) -> object:
    if not str(_text(value, at)).strip():
        raise UnfitError("must not be empty")
    return value


def _duration(value: object, at: At) -> object:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise UnfitError(f"must be a duration, not {describe(value)}", "Such as 30s or 1h30m.")
    try:
        return parse_duration(value)
    except ValueError as error:
        raise UnfitError(f"is wrong: {error}") from None


def _condition(value: object, at: At) -> object:
    return str(value).lower() if isinstance(value, bool) else _nonempty(value, at)


ANYTHING = Shape(lambda value, at: value, {})
TEXT = Shape(_text, {"type": "string"})
NONEMPTY = Shape(_nonempty, {"type": "string", "minLength": 1})
FLAG = Shape(_of_type(bool, "true or false"), {"type": "boolean"})
CONDITION = Shape(_condition, {"type": ["string", "boolean"]})
OBJECT = Shape(mapping, {"type": "object"})
DURATION = Shape(
    _duration, {"anyOf": [{"type": "string", "pattern": PATTERN}, {"type": "number", "minimum": 0}]}
)


def integer(minimum: int) -> Shape:
    """A whole number.  The schema tells editors the minimum; the check holds it for both doors."""
    return Shape(_of_type(int, "a whole number"), {"type": "integer", "minimum": minimum})


def number(minimum: float, maximum: float | None = None) -> Shape:
    """A number; the bounds as in ``integer``."""

    def read(value: object, at: At) -> object:
        found: Any = _number(value, at)
        return float(found)

    schema: dict[str, object] = {"type": "number", "minimum": minimum}
    return Shape(read, schema | ({"maximum": maximum} if maximum else {}))


def choice(kind: type[StrEnum]) -> Shape:
    """The value of one of the members of ``kind``."""

    def read(value: object, at: At) -> object:
        known = [member.value for member in kind]
        if not isinstance(value, str) or value not in known:
            said = shortened(value) if isinstance(value, str) else describe(value)
            hint = did_you_mean(str(value), known, what="It is one of")
            raise UnfitError(f"cannot be {said}", hint)
        return kind(value)

    return Shape(read, {"type": "string", "enum": [member.value for member in kind]})


def list_of(item: Shape, stand_in: object = msgspec.UNSET) -> Shape:
    """A list, as a tuple.  An item that is unfit is left out, or replaced by ``stand_in``."""

    def read(value: object, at: At) -> object:
        items: Any = _list(value, at)
        if item is TEXT and all(type(each) is str for each in items):
            return tuple(items)  # nearly every `depends_on`, at a tenth of the price
        found = (at.read(step, item, each) for step, each in enumerate(items))
        kept = (stand_in if each is msgspec.UNSET else each for each in found)
        return tuple(each for each in kept if each is not msgspec.UNSET)

    return Shape(read, {"type": "array", "items": item.schema})


def mapping_of(item: Shape, key_pattern: str = "") -> Shape:
    """A mapping with keys of the author's choosing; the check holds the pattern, for both doors."""

    def read(value: object, at: At) -> object:
        items: Any = mapping(value, at)
        found = {key: at.read(key, item, each) for key, each in items.items()}
        return {key: each for key, each in found.items() if each is not msgspec.UNSET}

    keys = {"propertyNames": {"pattern": f"^{key_pattern}$"}} if key_pattern else {}
    return Shape(read, {"type": "object", "additionalProperties": item.schema, **keys})


def record(fields: Sequence[Field], build: Callable[..., object]) -> Shape:
    """A mapping with the keys of ``fields``, made into a value by ``build``."""

    def read(value: object, at: At) -> object:
        keys: Any = mapping(value, at)
        return build(**read_fields(keys, fields, at))

    return Shape(read, record_schema(fields))


def record_schema(fields: Sequence[Field]) -> dict[str, object]:
    """The JSON Schema of a mapping with these keys and no others."""
    required = [field.key for field in fields if field.required]
    return {
        "type": "object",
        "properties": {
            field.key: {**field.shape.schema, "description": field.description} for field in fields
        },
        "additionalProperties": False,
    } | ({"required": required} if required else {})


def read_fields(
    keys: Mapping[str, object],
    fields: Sequence[Field],
    at: At,
    *,
    others: Sequence[str] = (),
) -> dict[str, Any]:
    """What ``keys`` say, by attribute of the model; the unfit ones are left out.

    ``others`` are keys that somebody else reads.
    """
    _refuse_unknown(keys, [*(field.key for field in fields), *others], at)
    found: dict[str, Any] = {}
    for field in fields:
        if field.key in keys:
            found[field.attribute] = at.read(field.key, field.shape, keys[field.key])
        elif field.required:
            at.complain(f"has no `{field.key}`", field.description)
    return {name: value for name, value in found.items() if value is not msgspec.UNSET}


def _refuse_unknown(keys: Iterable[str], known: Sequence[str], at: At) -> None:
    for key in keys:
        if key not in known:
            hint = did_you_mean(key, known, what="Known keys")
            at.complain_of_key(key, f"unknown key {shortened(key)}", hint)
