"""Strings with ``${{ }}`` in them, and JSON values with such strings in them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial

import msgspec

from indelible.errors import ExpressionError, ValueNotJsonError
from indelible.expressions.expression import Expression, Reference, parse_expression
from indelible.expressions.limits import complaint
from indelible.values import MAX_DEPTH, Json, encode

Names = Mapping[str, object]

_OPENING = re.compile(r"\$?\$\{\{")
_ESCAPED = "$${{"


class Template(msgspec.Struct, frozen=True, eq=False):
    """A string with expressions in it.  Columns of ``references`` count in all of ``source``."""

    source: str
    references: tuple[Reference, ...]
    pieces: tuple[str | Expression, ...]

    @property
    def is_constant(self) -> bool:
        return not any(isinstance(piece, Expression) for piece in self.pieces)

    def evaluate(self, names: Names) -> Json:
        """A string that is one expression gives that value; otherwise all pieces become one string.

        In it, strings stand as they are and other values as compact JSON.  Raises
        ``ExpressionError``, whose source is the expression that has no value.
        """
        match self.pieces:
            case (Expression() as only,):
                return only.evaluate(names)
        return "".join(_text(piece, names) for piece in self.pieces)


class ValueTemplate(msgspec.Struct, frozen=True, eq=False):
    """A JSON value; its strings are templates, its keys are not.

    A column of ``references`` counts characters of the string that the reference stands in.
    """

    references: tuple[Reference, ...]
    is_constant: bool
    build: Callable[[Names], Json]

    def evaluate(self, names: Names) -> Json:
        """The value with every template replaced; parts without one are shared, not copied."""
        return self.build(names)


def has_template(text: str) -> bool:
    """Whether ``text`` holds a ``${{`` that is not written as ``$${{``."""
    return any(found[0] != _ESCAPED for found in _OPENING.finditer(text))


def parse_template(text: str) -> Template:
    """``$${{`` stands for a literal ``${{``.

    Raises ``ExpressionError`` with ``text`` as its source and the column in it.
    """
    pieces: list[str | Expression] = []
    references: list[Reference] = []
    for start, piece in _split(text):
        if isinstance(piece, Expression):
            references.extend(
                Reference(found.path, found.column + start) for found in piece.references
            )
        pieces.append(piece)
    return Template(text, tuple(references), tuple(pieces))


def parse_value(value: Json) -> ValueTemplate:
    """Raises ``ExpressionError`` with the string that is wrong as its source."""
    references: list[Reference] = []
    build = _builder(value, references, 0)
    if build is None:
        return ValueTemplate((), True, lambda names: value)
    return ValueTemplate(tuple(references), False, build)


def _text(piece: str | Expression, names: Names) -> str:
    if isinstance(piece, str):
        return piece
    value = piece.evaluate(names)
    try:
        return value if isinstance(value, str) else encode(value).decode()
    except ValueNotJsonError as error:
        raise complaint(piece.source, f"the value cannot be written: {error.problem}") from None


def _split(text: str) -> Iterator[tuple[int, str | Expression]]:
    """Literal pieces and expressions, each with its offset in ``text``."""
    from indelible.expressions.spelling import closing_braces

    literal, at = "", 0
    while opening := _OPENING.search(text, at):
        literal += text[at : opening.start()]
        at = opening.end()
        if opening[0] == _ESCAPED:
            literal += "${{"
            continue
        if literal:
            yield opening.start(), literal
        literal = ""
        end = closing_braces(text, at)
        if end is None:
            raise _unclosed(text, at)
        yield at, _parse_inside(text, at, end)
        at = end + 2
    if literal + text[at:]:
        yield at, literal + text[at:]


def _unclosed(text: str, at: int) -> ExpressionError:
    return ExpressionError(
        "a `${{` is never closed",
        source=text,
        column=at - 2,
        hint="End it with `}}`, and check its quotes. For a plain `${{` write `$${{`.",
    )


def _parse_inside(text: str, start: int, end: int) -> Expression:
    try:
        return parse_expression(text[start:end])
    except ExpressionError as error:
        column = max(error.column, 1) + start
        raise ExpressionError(error.problem, source=text, column=column, hint=error.hint) from None


_Build = Callable[[Names], Json]
_Item = tuple[Json, _Build | None]


def _builder(value: Json, references: list[Reference], depth: int) -> _Build | None:
    """What makes the value, or None if it has no templates and stands for itself."""
    if depth > MAX_DEPTH:
        raise ExpressionError(f"nested more than {MAX_DEPTH} levels deep", source="")
    match value:
        case str() if "${{" in value:
            template = parse_template(value)
            references.extend(template.references)
            return template.evaluate
        case list():
            items = _items(value, references, depth)
            return partial(_build_list, items) if items else None
        case dict():
            items = _items(value.values(), references, depth)
            return partial(_build_object, tuple(value), items) if items else None
    return None


def _items(inner: Iterable[Json], references: list[Reference], depth: int) -> list[_Item]:
    """Each part with its builder; nothing if none of them needs one."""
    items = [(part, _builder(part, references, depth + 1)) for part in inner]
    return items if any(build for _, build in items) else []


def _build_list(items: list[_Item], names: Names) -> list[Json]:
    return [build(names) if build else part for part, build in items]


def _build_object(keys: tuple[str, ...], items: list[_Item], names: Names) -> Json:
    return dict(zip(keys, _build_list(items, names), strict=True))
