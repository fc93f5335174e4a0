"""Where parameters of decorated functions get their values, or why they cannot."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Iterator
from datetime import date
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.definition.flows import complaints_of, line_of, new_flow, node_of, parameters_of, takes

from indelible.definition.decorators import Input, WorkflowBuilder
from indelible.definition.model import InputType

NAMES = ("a", "b", "c", "d")


def test_a_parameter_named_like_a_node_takes_its_output_and_depends_on_it() -> None:
    flow = new_flow()

    @flow.node
    def clean(extract: list[int], day: str) -> None: ...

    @flow.node
    def extract() -> None: ...

    built = flow.build()
    assert parameters_of(built, "clean") == {"extract": "nodes.extract", "day": "inputs.day"}
    assert node_of(built, "clean").depends_on == ("extract",)
    assert list(built.inputs) == ["day"]


def test_written_upstream_comes_first_and_nothing_comes_twice() -> None:
    flow = new_flow()
    flow.bash("one", "true")
    flow.bash("two", "true")
    flow.bash("three", "true")

    @flow.node(depends_on=["three", "one"])
    def last(one: str, two: str) -> None: ...

    assert node_of(flow.build(), "last").depends_on == ("three", "one", "two")


def test_upstream_can_be_named_by_the_function() -> None:
    flow = new_flow()

    @flow.node
    def first() -> None: ...

    @functools.wraps(first)
    def around() -> None:
        first()

    @flow.node(depends_on=(first, "third"))
    def second() -> None: ...

    @flow.node(depends_on=[around])
    def third() -> None: ...

    built = flow.build()
    assert node_of(built, "second").depends_on == ("first", "third")
    assert node_of(built, "third").depends_on == ("first",)


def test_a_function_that_is_not_one_node_is_no_upstream() -> None:
    flow = new_flow()

    def often() -> None: ...

    flow.add(often, id="once")
    flow.add(often, id="twice")
    flow.bash("after", "true", depends_on=[often, line_of])
    said = complaints_of(flow)
    assert "often, which is several nodes: once, twice" in said
    assert "Name those that are meant by id." in said
    assert "line_of, which is not a node" in said


def test_a_json_default_makes_an_input_optional_and_any_other_is_left_to_python() -> None:
    flow = new_flow()

    @flow.node
    def fetch(
        limit: int = 100,
        name: str | None = None,
        tags: tuple[str, ...] = ("x",),
        day: date = date(2026, 11, 23),
        mark: object = object(),
    ) -> None: ...

    built = flow.build()
    assert list(built.inputs) == ["limit", "name", "tags"]
    assert list(parameters_of(built, "fetch")) == ["limit", "name", "tags"]
    assert built.inputs["limit"].default == 100
    assert built.inputs["tags"].default == ["x"]
    assert built.inputs["name"].type is InputType.STRING
    assert all(spec.has_default and not spec.required for spec in built.inputs.values())


def test_a_declared_input_is_taken_as_declared() -> None:
    declared = Input("integer", default=3, enum=[3, 4])
    flow = WorkflowBuilder("etl", inputs={"limit": declared, "day": Input(required=True)})

    @flow.node
    def fetch(day: date = date(2026, 11, 23), limit: str = "many") -> None: ...

    built = flow.build()
    assert built.inputs == {"limit": declared, "day": Input(required=True)}
    assert parameters_of(built, "fetch") == {"day": "inputs.day", "limit": "inputs.limit"}


def test_with_is_bound_by_name_and_asks_for_no_input() -> None:
    flow = new_flow()
    flow.bash("fetch", "echo 3")

    @flow.node(depends_on=["fetch"], with_={"rows": "${{ nodes.fetch.output }}", "mode": ["a"]})
    def clean(rows: str, mode: list[str]) -> None: ...

    built = flow.build()
    assert built.inputs == {}
    assert parameters_of(built, "clean") == {}
    assert node_of(built, "clean").with_["mode"] == ["a"]


@given(
    wanted=st.sets(st.sampled_from(NAMES)),
    nodes=st.sets(st.sampled_from(NAMES)),
    declared=st.sets(st.sampled_from(NAMES)),
    written=st.sets(st.sampled_from(NAMES)),
)
def test_every_parameter_has_exactly_one_source(
    wanted: set[str], nodes: set[str], declared: set[str], written: set[str]
) -> None:
    flow = WorkflowBuilder("x", inputs={name: Input() for name in declared - nodes})
    for name in nodes:
        flow.bash(name, "true")
    flow.add(takes(*wanted), id="it", with_=dict.fromkeys(written & wanted, 1))
    built = flow.build()
    expected = {
        name: f"nodes.{name}" if name in nodes else f"inputs.{name}" for name in wanted - written
    }
    assert parameters_of(built, "it") == expected
    assert set(node_of(built, "it").depends_on) == (wanted - written) & nodes
    assert set(built.inputs) == (declared - nodes) | (wanted - written - nodes)


def test_two_functions_share_an_input_when_they_agree_on_it() -> None:
    flow = new_flow()

    @flow.node
    def one(day: str = "today", rest: Any = None) -> None: ...

    @flow.node
    def two(day: str, rest: int) -> None: ...

    built = flow.build()
    assert built.inputs["day"] == Input(required=True)
    assert built.inputs["rest"] == Input("integer", required=True)


def test_two_functions_that_disagree_on_an_input_are_told_to_declare_it() -> None:
    flow = new_flow()

    @flow.node
    def one(day: str, limit: int = 1) -> None: ...

    @flow.node
    def two(day: int, limit: int = 2) -> None: ...

    said = complaints_of(flow)
    assert f"{line_of(two)}node two: the input day is string elsewhere and integer here" in said
    assert "the input limit defaults to 1 elsewhere and to 2 here" in said
    assert "Declare it: Workflow(…, inputs={'day': ink.Input(…)})." in said


def test_a_name_that_is_a_node_and_an_input_is_refused() -> None:
    flow = WorkflowBuilder("etl", inputs={"day": Input()})
    flow.bash("day", "date")
    flow.node(id="use")(takes("day"))
    assert "node use: day is both a node and an input" in complaints_of(flow)


def test_a_parameter_that_cannot_be_bound_by_name_is_refused_with_the_way_out() -> None:
    flow = new_flow()

    @flow.node
    def many(*rows: int) -> None: ...

    @flow.node
    def any_name(**rest: int) -> None: ...

    @flow.node
    def by_place(day: str, /) -> None: ...

    class Pipeline:
        @flow.node
        def step(self, day: str) -> None: ...

    said = complaints_of(flow)
    assert f"{line_of(many)}node many: the function takes *rows" in said
    assert "node any_name: the function takes **rest" in said
    assert "node by_place: the function takes day by position only" in said
    assert "node step: the function takes self: it is a method" in said
    assert "flow.add(thing.method, id=…)" in said
    assert "Pipeline" in Pipeline.step.__qualname__


def test_the_context_is_not_a_parameter() -> None:
    class Context: ...

    Context.__module__ = "indelible.executors.attempt"

    def step(here: object) -> None: ...

    step.__annotations__["here"] = Context
    flow = new_flow()
    flow.node(step)
    said = complaints_of(flow)
    assert "the function takes the context as here" in said
    assert "call indelible.context() inside the function" in said


def test_a_generator_is_no_node() -> None:
    flow = new_flow()

    @flow.node
    def rows() -> Iterator[int]:
        yield 1

    @flow.node
    async def later() -> AsyncIterator[int]:
        yield 1

    said = complaints_of(flow)
    assert "node rows: the function is a generator" in said
    assert "node later: the function is a generator" in said


def test_with_must_name_parameters_and_hold_json() -> None:
    flow = new_flow()

    @flow.node(with_={"row": 1})
    def clean(rows: int = 0) -> None: ...

    @flow.node(with_={"day": date(2026, 11, 23)})  # type: ignore[dict-item]
    def load(day: str) -> None: ...

    said = complaints_of(flow)
    assert "`with_` gives row, which it does not take" in said
    assert "Did you mean rows?" in said
    assert "`with_`: $.day: datetime.date is not JSON" in said


def test_a_method_of_an_object_is_a_node_without_its_self() -> None:
    class Pipeline:
        def step(self, day: str) -> None: ...

    flow = new_flow()
    pipeline = Pipeline()
    flow.add(pipeline.step, id="step")
    flow.bash("after", "true", depends_on=[pipeline.step])
    assert node_of(flow.build(), "after").depends_on == ("step",)
    assert parameters_of(flow.build(), "step") == {"day": "inputs.day"}


def test_a_parameter_without_a_hint_takes_any_json() -> None:
    flow = new_flow()

    @flow.node
    def fetch(what, limit=100) -> None: ...  # type: ignore[no-untyped-def]

    built = flow.build()
    assert built.inputs["what"] == Input("any", required=True)
    assert built.inputs["limit"] == Input("any", default=100)
