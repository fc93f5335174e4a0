"""Hints at the edge: arguments in, results out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indelible import values
from indelible.events import NodeError
from indelible.executors.failures import AttemptFailedError
from indelible.nodes.edge import Edge
from indelible.values import Json


@dataclass
class Point:
    x: int
    label: str = ""


class Row(msgspec.Struct):
    at: datetime
    price: Decimal


class Closeable(Protocol):
    def close(self) -> None: ...


def call(function: Callable[..., object], **arguments: object) -> bytes:
    raw = {name: values.encode(value) for name, value in arguments.items()}
    work = Edge(function).call("node", raw)
    return asyncio.run(work) if isinstance(work, Coroutine) else work


def error_of(function: Callable[..., object], **arguments: object) -> NodeError:
    with pytest.raises(AttemptFailedError) as caught:
        call(function, **arguments)
    return caught.value.error


def returning(hint: Any, value: object) -> Callable[[], object]:
    def function() -> object:
        return value

    function.__annotations__["return"] = hint
    return function


def taking(hint: Any, check: Callable[[Any], object]) -> Callable[..., object]:
    def function(value: object) -> object:
        return check(value)

    function.__annotations__["value"] = hint
    return function


NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)

ROUND_TRIPS: list[tuple[Any, object]] = [
    (Point, Point(1, "a")),
    (Row, Row(NOON, Decimal("1.10"))),
    (datetime, NOON),
    (date, date(2026, 11, 23)),
    (timedelta, timedelta(seconds=90)),
    (bytes, b"\x00\xff"),
    (Decimal, Decimal("0.1")),
    (UUID, UUID(int=7)),
    (Path, Path("a/b")),
    (list[Path], [Path("a"), Path("b")]),
    (dict[str, Point], {"p": Point(2)}),
    (dict[int, str], {1: "a"}),
    (set[int], {1, 2}),
    (tuple[int, str], (1, "a")),
    (Point | None, None),
    (float, 1.5),
    (list[dict[str, Any]], [{"a": [1, None]}]),
]


@pytest.mark.parametrize(("hint", "value"), ROUND_TRIPS, ids=repr)
def test_a_value_comes_back_through_its_hint(hint: Any, value: object) -> None:
    raw = Edge(returning(hint, value)).call("node", {})
    assert isinstance(raw, bytes)
    seen: list[object] = []
    Edge(taking(hint, seen.append)).call("node", {"value": raw})
    assert seen == [value]
    assert type(seen[0]) is type(value)


JSON_VALUES: st.SearchStrategy[Json] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(JSON_VALUES)
def test_without_hints_json_passes_as_it_is(value: Json) -> None:
    assert values.decode(call(taking(None, lambda found: found), value=value)) == value


@given(JSON_VALUES)
def test_a_hint_of_any_changes_nothing(value: Json) -> None:
    assert call(returning(dict[str, Any], {"a": value})) == call(returning(Any, {"a": value}))


def test_without_a_hint_a_tuple_is_a_list_and_bytes_are_refused() -> None:
    assert call(lambda: (1, (2,))) == b"[1,[2]]"
    error = error_of(lambda: {"a": [b"x"]})
    assert error.type == "OutputError"
    assert error.message.startswith(
        "the result of node node cannot be kept: $.a[0]: bytes are not JSON"
    )


@pytest.mark.parametrize(
    ("hint", "value", "said"),
    [
        (int, "x", "it does not fit the return hint: Expected `int`, got `str`"),
        (list[Point], [{"x": "y"}], "Expected `int`, got `str` - at `$[0].x`"),
        (list[float], [float("nan")], "$[0]: nan is not a JSON number"),
        (list[str], ["\ud800"], "$[0]: text has a lone surrogate"),
        (
            list[Any],
            [print],
            "builtin_function_or_method is not JSON; return dicts, lists, strings, numbers",
        ),
        (Closeable, 3j, "complex is not JSON"),
    ],
    ids=["wrong type", "wrong field", "nan", "surrogate", "object", "complex"],
)
def test_a_result_that_its_hint_cannot_read_is_refused(hint: Any, value: object, said: str) -> None:
    error = error_of(returning(hint, value))
    assert error.type == "OutputError"
    assert error.message.startswith("the result of node node cannot be kept: ")
    assert said in error.message


def test_a_circle_is_refused_with_and_without_a_hint() -> None:
    circle: list[object] = []
    circle.append(circle)
    assert "circle" in error_of(lambda: circle).message
    assert "circle" in error_of(returning(list[Any], circle)).message


@pytest.mark.parametrize(
    ("hint", "value", "said"),
    [
        (int, "x", "parameter value: Expected `int`, got `str`"),
        (Point, {"label": "a"}, "Object missing required field `x`"),
        (Row, {"at": "noon", "price": "1"}, "Invalid RFC3339 encoded datetime - at `$.at`"),
    ],
    ids=repr,
)
def test_an_argument_that_does_not_fit_names_its_parameter(
    hint: Any, value: Json, said: str
) -> None:
    error = error_of(taking(hint, repr), value=value)
    assert error.type == "TypeError"
    assert error.message.startswith("parameter value: ")
    assert said in error.message


@pytest.mark.parametrize("hint", [Any, object, None, Iterable[int], str | datetime, "Missing"])
def test_a_hint_that_cannot_be_checked_lets_plain_json_through(hint: Any) -> None:
    assert call(taking(hint, lambda found: found), value=[1]) == b"[1]"


def test_a_missing_argument_is_pythons_own_type_error() -> None:
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'value'"):
        call(taking(int, repr))


class Caller:
    async def __call__(self, x: int) -> int:
        return x + 1


async def add(x: int, y: int = 1) -> int:
    return x + y


@pytest.mark.parametrize("function", [add, Caller()])
def test_async_callables_are_known_before_they_are_called(function: Callable[..., object]) -> None:
    assert Edge(function).is_async
    assert call(function, x=1) == b"2"


def test_whatever_can_be_awaited_is() -> None:
    assert call(partial(add, y=2), x=1) == b"3"
    assert call(lambda x: add(x), x=1) == b"2"


def test_the_result_of_a_coroutine_is_checked_too() -> None:
    async def wrong() -> int:
        return "x"  # type: ignore[return-value]

    assert "Expected `int`, got `str`" in error_of(wrong).message
