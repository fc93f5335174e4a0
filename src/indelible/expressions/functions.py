"""The functions: one fixed table.  They take JSON values and give JSON values, never the time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from indelible import values
from indelible.errors import ValueNotJsonError
from indelible.expressions.limits import (
    MAX_DIGITS,
    MAX_ITEMS,
    MAX_TEXT,
    Refusal,
    bounded,
    check_length,
    kind,
    weight,
)
from indelible.expressions.operators import FAULTS

Types = tuple[type, ...]

TEXT: Types = (str,)
NUMBER: Types = (int, float)
WHOLE: Types = (int,)
ARRAY: Types = (list,)
OBJECT: Types = (dict,)
SIZED: Types = (str, list, dict)
SCALAR: Types = (str, int, float)
ANY: Types = (object,)


class Function(msgspec.Struct, frozen=True):
    """``takes`` are the types of the arguments in order, the last ``optional`` of them optional.

    With ``is_variadic``, further arguments are like the last.  ``signature`` is for messages.
    """

    signature: str
    takes: tuple[Types, ...]
    call: Callable[..., Any]
    optional: int = 0
    is_variadic: bool = False

    def accepts(self, count: int) -> bool:
        fewest = len(self.takes) - self.optional
        return count >= fewest and (self.is_variadic or count <= len(self.takes))


def call(name: str, arguments: Sequence[object]) -> object:
    """Raises ``Refusal`` for arguments of the wrong type and for results that are too large."""
    function = FUNCTIONS[name]
    for place, argument in enumerate(arguments):
        if not isinstance(argument, function.takes[min(place, len(function.takes) - 1)]):
            raise Refusal(
                f"{name}() does not take {kind(argument)} as argument {place + 1}",
                hint=f"It is written {function.signature}.",
            )
    try:
        return bounded(function.call(*arguments))
    except TypeError:
        raise Refusal(f"{name}() needs values of one kind, to compare or to add") from None
    except tuple(FAULTS) as fault:
        raise Refusal(FAULTS[type(fault)]) from None


def _text(value: object) -> str:
    return value if isinstance(value, str) else _to_json(value)


def _to_json(value: object) -> str:
    if weight(value) > MAX_TEXT:
        raise Refusal(f"the string would be longer than {MAX_TEXT:,} characters")
    try:
        return values.encode(value).decode()
    except (ValueNotJsonError, ValueError) as error:
        raise Refusal(f"this cannot be written as JSON: {error}") from None


def _from_json(text: str) -> object:
    try:
        found = values.decode(text.encode())
        values.encode(found)  # refuses what can be read but not written: half characters, depth
    except (ValueNotJsonError, ValueError) as error:
        raise Refusal(f"from_json() got a string that is not JSON: {error}") from None
    return found


def _split(text: str, separator: str | None = None) -> list[str]:
    if separator == "":
        raise Refusal("split() needs a separator that is not empty")
    return text.split(separator, MAX_ITEMS)


def _join(items: list[object], separator: str = "") -> str:
    # A short expression can name a long string many times, so count before joining.
    check_length("", weight(items) + len(separator) * len(items))
    return separator.join(map(_text, items))


def _extreme(name: str, choose: Callable[[Sequence[Any]], object]) -> Callable[..., object]:
    def pick(*arguments: object) -> object:
        among = arguments[0] if len(arguments) == 1 else arguments
        if not isinstance(among, list | tuple):
            raise Refusal(f"{name}() takes an array, or more than one value")
        if not among:
            raise Refusal(f"{name}() of an empty array", is_absent=True)
        return choose(among)

    return pick


def _round(number: float, digits: int = 0) -> object:
    if abs(digits) > MAX_DIGITS:
        raise Refusal(f"round() takes at most {MAX_DIGITS} digits")
    return round(number, digits) if digits else round(number)


def _contains(container: Any, item: object) -> bool:
    return item in container


def _number(value: str | float) -> object:
    if not isinstance(value, str):
        return value
    for read in (int, float):
        try:
            return read(value)
        except ValueError:
            continue
    raise Refusal("number() got a string that is not a number")


def _integer(value: str | float) -> int:
    try:
        return int(value)
    except ValueError:
        raise Refusal("integer() got a string that is not an integer") from None


FUNCTIONS: Mapping[str, Function] = {
    # The evaluator looks at the fallback only when the value is not there.
    "default": Function("default(value, fallback)", (ANY, ANY), lambda value, fallback: value),
    "len": Function("len(string, array or object)", (SIZED,), len),
    "min": Function("min(array) or min(a, b, ...)", (ANY,), _extreme("min", min), is_variadic=True),
    "max": Function("max(array) or max(a, b, ...)", (ANY,), _extreme("max", max), is_variadic=True),
    "sum": Function("sum(array)", (ARRAY,), sum),
    "abs": Function("abs(number)", (NUMBER,), abs),
    "round": Function("round(number, digits)", (NUMBER, WHOLE), _round, optional=1),
    "lower": Function("lower(string)", (TEXT,), str.lower),
    "upper": Function("upper(string)", (TEXT,), str.upper),
    "trim": Function("trim(string)", (TEXT,), str.strip),
    "split": Function("split(string, separator)", (TEXT, TEXT), _split, optional=1),
    "join": Function("join(array, separator)", (ARRAY, TEXT), _join, optional=1),
    "contains": Function("contains(container, item)", (SIZED, ANY), _contains),
    "starts_with": Function("starts_with(string, prefix)", (TEXT, TEXT), str.startswith),
    "ends_with": Function("ends_with(string, suffix)", (TEXT, TEXT), str.endswith),
    "keys": Function("keys(object)", (OBJECT,), list),
    "values": Function("values(object)", (OBJECT,), lambda item: list(item.values())),
    "string": Function("string(value)", (ANY,), _text),
    "number": Function("number(string)", (SCALAR,), _number),
    "integer": Function("integer(string or number)", (SCALAR,), _integer),
    "json": Function("json(value)", (ANY,), _to_json),
    "from_json": Function("from_json(string)", (TEXT,), _from_json),
    "any": Function("any(array)", (ARRAY,), any),
    "all": Function("all(array)", (ARRAY,), all),
    "sorted": Function("sorted(array)", (ARRAY,), sorted),
}
