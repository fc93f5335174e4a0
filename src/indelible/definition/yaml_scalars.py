"""What a plain (unquoted) YAML scalar means: the core schema of YAML 1.2, and no more.

So ``no``, ``on``, ``1:30`` and ``2024-01-01`` are text, as they look; ``012`` is twelve.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping

from indelible.values import LARGEST, SMALLEST, Json


class Scalar:
    """One row of the schema: which texts it matches, and the value they have."""

    def __init__(self, pattern: str, value: Callable[[str], Json]) -> None:
        self.pattern = pattern
        self.value = value


def _integer(base: int) -> Callable[[str], Json]:
    def value(text: str) -> Json:
        # Python itself refuses to read thousands of digits, and says so in its own words.
        if len(text) > 100 or not SMALLEST <= (number := int(text, base)) <= LARGEST:
            raise ValueError("this number is too large; put it in quotes to keep it as text")
        return number

    return value


def _float(text: str) -> Json:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("this number is too large; put it in quotes to keep it as text")
    return number


def _refused(text: str) -> Json:
    raise ValueError(f"{text} is not a JSON number; use null, or put it in quotes")


SCALARS: Mapping[str, Scalar] = {
    "null": Scalar("null|Null|NULL|~|", lambda _: None),
    "true": Scalar("true|True|TRUE", lambda _: True),
    "false": Scalar("false|False|FALSE", lambda _: False),
    "decimal": Scalar("[-+]?[0-9]+", _integer(10)),
    "octal": Scalar("0o[0-7]+", _integer(8)),
    "hexadecimal": Scalar("0x[0-9a-fA-F]+", _integer(16)),
    "float": Scalar(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", _float),
    "not_finite": Scalar(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)", _refused),
}
_ANY = re.compile("|".join(f"(?P<{name}>{row.pattern})" for name, row in SCALARS.items()))


def plain_value(text: str) -> Json:
    """The value of a plain scalar.  Raises ``ValueError`` for numbers that JSON cannot hold."""
    match = _ANY.fullmatch(text)
    if match is None or match.lastgroup is None:
        return text
    return SCALARS[match.lastgroup].value(text)
