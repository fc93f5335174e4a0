"""How much one expression may cost, and the refusal that operators and functions answer with."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from indelible.errors import ExpressionError
from indelible.values import LARGEST, SMALLEST

MAX_SOURCE = 4_096
"""Characters of one expression."""

MAX_PARTS = 1_000
"""Nodes of its syntax tree."""

MAX_DEPTH = 100
"""Levels of its syntax tree; evaluating takes three Python frames a level."""

MAX_TEXT = 1_048_576
"""Characters of a string that an operator or a function makes."""

MAX_ITEMS = 100_000
"""Items of an array that an operator or a function makes."""

MAX_DIGITS = 1_024
"""Digits that a number is rounded to; ten to that power is computed."""

MAX_NAMED = 10
"""How many of the keys that are there an error lists."""

_KINDS: dict[type, str] = {
    type(None): "null",
    bool: "a boolean",
    int: "an integer",
    float: "a number",
    str: "a string",
    list: "an array",
    dict: "an object",
}


class Refusal(Exception):  # noqa: N818 - never leaves this package
    """What is wrong, before it is known where: the evaluator adds the source and the place.

    ``at`` is the byte offset in the source, if it is known.  ``is_absent`` means that a value is
    not there, which is what ``default`` forgives.
    """

    def __init__(
        self, problem: str, *, hint: str = "", at: int | None = None, is_absent: bool = False
    ) -> None:
        super().__init__(problem)
        self.problem = problem
        self.hint = hint
        self.at = at
        self.is_absent = is_absent


def kind(value: object) -> str:
    """The JSON type of ``value`` with its article, for messages: they never show the value."""
    return _KINDS.get(type(value), "something that is not JSON")


def bounded(value: object) -> object:
    """``value`` as it is, or ``Refusal`` if an expression may not make anything that large."""
    match value:
        case str() | list():
            check_length(value, len(value))
        case int() if not SMALLEST <= value <= LARGEST:
            raise Refusal("the integer has more than 64 bits, and no log holds it")
        case float() if not math.isfinite(value):
            raise Refusal("the number is too large, or not a number")
    return value


def check_length(like: Sequence[object], length: int) -> None:
    """Refuse ``length`` for a string or an array like ``like``, before it is made."""
    if isinstance(like, str):
        if length > MAX_TEXT:
            raise Refusal(f"the string would be longer than {MAX_TEXT:,} characters")
    elif length > MAX_ITEMS:
        raise Refusal(f"the array would be longer than {MAX_ITEMS:,} items")


def weight(value: object) -> int:
    """About how many characters ``value`` has as JSON; counts no further than ``MAX_TEXT``."""
    total, rest = 0, [value]
    while rest and total <= MAX_TEXT:
        item = rest.pop()
        total += 1
        match item:
            case str():
                total += len(item)
            case list():
                total += len(item)
                rest.extend(item[: MAX_TEXT + 1])
            case dict():
                total += len(item) + sum(map(len, item))
                rest.extend(item.values())
    return total


def closest(name: str, known: Iterable[str]) -> str:
    """A question that names the likeliest of ``known``, or nothing."""
    from difflib import get_close_matches

    found = get_close_matches(name, list(known), n=1)
    return f"Did you mean {found[0]}? " if found else ""


def shown(source: str) -> str:
    """The expression as messages quote it: on one line, not too long."""
    line = printable(" ".join(source.split()))
    if not line:
        return "the expression"
    return f"`{line[:97]}...`" if len(line) > 100 else f"`{line}`"


def printable(text: str) -> str:
    """``text`` with everything that could move a cursor or break an encoder written as escapes."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def complaint(
    source: str,
    problem: str,
    *,
    column: int = 0,
    hint: str = "",
    error: type[ExpressionError] = ExpressionError,
) -> ExpressionError:
    """The error that the whole package raises: it names the expression and the place."""
    return error(f"{shown(source)}: {problem}", source=source, column=column, hint=hint)
