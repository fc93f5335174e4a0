from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indelible.definition.inputs import bind_inputs, parse_assignments
from indelible.definition.model import Input, InputType
from indelible.errors import InputError, UsageError
from indelible.values import Json

DECLARED = {
    "day": Input(required=True),
    "limit": Input(type=InputType.INTEGER, default=100, has_default=True),
    "mode": Input(enum=("fast", "slow")),
    "tags": Input(type=InputType.ARRAY),
}


def problems(given: dict[str, Json], declared: dict[str, Input] | None = None) -> tuple[str, ...]:
    with pytest.raises(InputError) as raised:
        bind_inputs(DECLARED if declared is None else declared, given)
    return raised.value.problems


def test_what_is_not_given_has_its_default_or_is_null() -> None:
    assert bind_inputs(DECLARED, {"day": "mon", "tags": ["x"]}) == {
        "day": "mon",
        "limit": 100,
        "mode": None,
        "tags": ["x"],
    }


def test_every_problem_is_named_at_once() -> None:
    assert problems({"limt": 3, "limit": "x", "mode": "medium", "tags": {}}) == (
        "input limt is not declared. Did you mean limit?",
        "input day (string) is missing",
        'input limit must be of type integer, not the text "x"',
        'input mode cannot be the text "medium"; it is one of: the text "fast", the text "slow"',
        "input tags must be of type array, not a mapping",
    )


def test_a_workflow_without_inputs_takes_none() -> None:
    assert problems({"x": 1}, {}) == ("input x is not declared. There are none.",)


@pytest.mark.parametrize(
    ("kind", "fitting", "unfit"),
    [
        (InputType.STRING, ["", "3"], [3, True, ["x"]]),
        (InputType.INTEGER, [3, -1, 0], [3.5, 3.0, True, "3"]),
        (InputType.NUMBER, [3, 3.5], [False, "3", float("nan"), float("inf")]),
        (InputType.BOOLEAN, [True, False], [0, 1, "true"]),
        (InputType.ARRAY, [[], [1]], [{}, "[]"]),
        (InputType.OBJECT, [{}, {"a": 1}], [[], "{}"]),
    ],
)
def test_a_type_takes_its_values_and_no_others(
    kind: InputType, fitting: list[Json], unfit: list[Json]
) -> None:
    declared = {"x": Input(type=kind, required=True)}
    for value in fitting:
        assert bind_inputs(declared, {"x": value}) == {"x": value}
    for value in [*unfit, None]:
        (said,) = problems({"x": value}, declared)
        assert said.startswith(f"input x must be of type {kind.value}, not ")


def test_null_stands_for_an_input_that_may_be_left_out() -> None:
    assert bind_inputs({"x": Input(type=InputType.INTEGER)}, {"x": None}) == {"x": None}
    assert problems({"limit": None, "day": "x"}) == (
        "input limit must be of type integer, not null",
    )


def test_true_is_not_the_one_of_an_enum() -> None:
    declared = {"x": Input(type=InputType.NUMBER, enum=(1, 2.5))}
    assert bind_inputs(declared, {"x": 1.0}) == {"x": 1.0}
    assert len(problems({"x": True}, declared)) == 1


@pytest.mark.parametrize(
    ("pair", "kind", "value"),
    [
        ("x=mon", InputType.STRING, "mon"),
        ("x=3", InputType.STRING, "3"),
        ("x=", InputType.STRING, ""),
        ("x=a=b", InputType.STRING, "a=b"),
        ("x=3", InputType.INTEGER, 3),
        ("x=3.5", InputType.NUMBER, 3.5),
        ("x=true", InputType.BOOLEAN, True),
        ('x=["a", 1]', InputType.ARRAY, ["a", 1]),
        ('x={"a": null}', InputType.OBJECT, {"a": None}),
    ],
)
def test_an_assignment_is_read_by_the_declared_type(
    pair: str, kind: InputType, value: Json
) -> None:
    found = parse_assignments({"x": Input(type=kind)}, [pair])
    assert found == {"x": value}
    assert type(found["x"]) is type(value)


@pytest.mark.parametrize(
    "pair", ["x=abc", "x=", "x=NaN", "x={'a': 1}", "x=[1", "x=" + "[" * 99_999]
)
@pytest.mark.parametrize("kind", sorted(set(InputType) - {InputType.STRING, InputType.ANY}))
def test_an_assignment_that_does_not_read_stays_text_and_is_refused(
    pair: str, kind: InputType
) -> None:
    declared = {"x": Input(type=kind)}
    (said,) = problems(parse_assignments(declared, [pair]), declared)
    assert said.startswith(f"input x must be of type {kind.value}, not the text ")


def test_an_input_of_any_type_is_json_where_it_reads_as_json_and_text_elsewhere() -> None:
    declared = {"x": Input(type=InputType.ANY), "y": Input(type=InputType.ANY)}
    found = parse_assignments(declared, ["x=[1]", "y=[1"])
    assert bind_inputs(declared, found) == {"x": [1], "y": "[1"}


def test_an_undeclared_assignment_is_passed_on_as_text() -> None:
    assert parse_assignments({}, ["y=3"]) == {"y": "3"}


@pytest.mark.parametrize("pair", ["x", "", "=3"])
def test_an_assignment_without_a_name_or_a_sign_is_a_usage_error(pair: str) -> None:
    with pytest.raises(UsageError, match="is not an input") as raised:
        parse_assignments({}, [pair])
    assert raised.value.hint == "Write -i name=value."


def test_an_assignment_that_comes_twice_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="input x is given twice"):
        parse_assignments({}, ["x=1", "x=2"])


@given(st.text(), st.sampled_from(InputType))
def test_no_text_breaks_the_reading_of_an_assignment(text: str, kind: InputType) -> None:
    assert set(parse_assignments({"x": Input(type=kind)}, [f"x={text}"])) == {"x"}


def test_text_that_json_cannot_hold_is_no_input() -> None:
    (said,) = problems({"x": "lat\udce9"}, {"x": Input()})
    assert said == "input x cannot be kept: $: text has a lone surrogate at character 4"
