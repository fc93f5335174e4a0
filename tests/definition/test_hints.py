"""Type hints as the JSON types of inputs."""

from __future__ import annotations

import sys
from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from inspect import Signature
from pathlib import Path
from typing import Annotated, Any, Literal, NewType, Optional, TypedDict, Union
from uuid import UUID

import msgspec
import pytest

from indelible.definition.hints import UNKNOWN, input_type, resolve
from indelible.definition.model import InputType


class Row(msgspec.Struct):
    price: float


@dataclass
class Point:
    x: int


class Options(TypedDict):
    x: int


class Color(StrEnum):
    RED = "red"
    BLUE = "blue"


class Size(IntEnum):
    S = 1
    L = 2


class Odd(Enum):
    THING = object()


Pair = namedtuple("Pair", "left right")
Day = NewType("Day", str)
LaterDay = NewType("LaterDay", Day)


@pytest.mark.parametrize(
    ("hint", "expected"),
    [
        (str, "string"),
        (int, "integer"),
        (float, "number"),
        (bool, "boolean"),
        (list, "array"),
        (list[int], "array"),
        (tuple[int, ...], "array"),
        (set[str], "array"),
        (Sequence[str], "array"),
        (Pair, "array"),
        (dict, "object"),
        (dict[str, int], "object"),
        (Mapping[str, int], "object"),
        (Row, "object"),
        (Point, "object"),
        (Options, "object"),
        (date, "string"),
        (datetime, "string"),
        (timedelta, "string"),
        (UUID, "string"),
        (Decimal, "string"),
        (Path, "string"),
        (bytes, "string"),
        (Day, "string"),
        (LaterDay, "string"),
        (int | bool, "any"),
        (str | Path, "string"),
        (Union[str, bytes], "string"),  # noqa: UP007 - people write it
        (list[int] | tuple[int, ...], "array"),
        (Optional[str], "any"),  # noqa: UP045 - people write it
        (str | None, "any"),
        (None, "any"),
        (Any, "any"),
        (object, "any"),
        (Odd, "any"),
        (Callable[[], int], "any"),
        (UNKNOWN, "any"),
    ],
)
def test_a_hint_has_the_type_that_its_values_are_written_as(hint: object, expected: str) -> None:
    assert input_type(hint) == (InputType(expected), ())


@pytest.mark.parametrize(
    ("hint", "expected", "choices"),
    [
        (Literal["a", "b"], "string", ("a", "b")),
        (Literal[1, 2], "integer", (1, 2)),
        (Literal["a", 1], "any", ("a", 1)),
        (Color, "string", ("red", "blue")),
        (Size, "integer", (1, 2)),
    ],
)
def test_a_hint_that_lists_its_values_allows_no_others(
    hint: object, expected: str, choices: tuple[object, ...]
) -> None:
    assert input_type(hint) == (InputType(expected), choices)


def test_none_in_a_union_does_not_count_when_it_is_the_default() -> None:
    assert input_type(str | None, skip_none=True) == (InputType.STRING, ())
    assert input_type(Color | None, skip_none=True) == (InputType.STRING, ("red", "blue"))
    assert input_type(str | int | None, skip_none=True) == (InputType.ANY, ())


@pytest.mark.parametrize(
    ("annotation", "hint"),
    [
        (int, int),
        ("Row", Row),
        ("list[Row]", list[Row]),
        (Annotated[int, "meters"], int),
        ("Nowhere", UNKNOWN),
        ("1 / 0", UNKNOWN),
        ("not python", UNKNOWN),
        (Signature.empty, UNKNOWN),
    ],
)
def test_an_annotation_is_resolved_or_given_up(annotation: object, hint: object) -> None:
    assert resolve(annotation, vars(sys.modules[__name__])) == hint
