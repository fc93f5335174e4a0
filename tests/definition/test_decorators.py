"""The Python door: what decorated functions become, and what is said when they cannot."""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indelible.definition.decorators import Input, Retry, WorkflowBuilder
from indelible.definition.model import Definition, InputType, Node, Python, TriggerRule
from indelible.definition.options import NODE, NodeOptions
from indelible.definition.yaml_file import load_workflow
from indelible.errors import DefinitionError

NAMES = ("a", "b", "c", "d")


def new_flow() -> WorkflowBuilder:
    return WorkflowBuilder("etl")


def node_of(definition: Definition, name: str) -> Node:
    return next(node for node in definition.nodes if node.id == name)


def parameters_of(definition: Definition, name: str) -> dict[str, str]:
    body = node_of(definition, name).body
    assert isinstance(body, Python)
    return dict(body.parameters)


def complaints_of(flow: WorkflowBuilder) -> str:
    with pytest.raises(DefinitionError) as caught:
        flow.build()
    return str(caught.value)


def line_of(function: Callable[..., Any]) -> str:
    return f"{function.__code__.co_filename}:{function.__code__.co_firstlineno}: "


def takes(*names: str) -> Callable[[], None]:
    """A function whose parameters have these names."""

    def function() -> None: ...

    kinds = [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY) for name in names]
    function.__signature__ = inspect.Signature(kinds)  # type: ignore[attr-defined]
    return function


def test_a_decorated_function_stays_what_it_was() -> None:
    flow = new_flow()

    def double(number: int) -> int:
        return number * 2

    assert flow.node(double) is double
    assert flow.node(id="again")(double) is double
    assert double(4) == 8
    assert flow.functions == {"double": double, "again": double}


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


def test_everything_wrong_is_said_at_once_with_its_line() -> None:
    flow = WorkflowBuilder("etl", timeout="soon", max_parallel=-1)

    @flow.node(timeout="30 parsecs", trigger_rule="one_succes")  # type: ignore[call-overload, untyped-decorator]
    def fetch() -> None: ...

    @flow.node(depends_on=["fetsch"], retries=3)  # type: ignore[call-overload, untyped-decorator]
    def clean() -> None: ...

    flow.bash("clean", "true")
    with pytest.raises(DefinitionError) as caught:
        flow.build()
    text = str(caught.value)
    assert "`timeout` is wrong: 'soon' is not a duration" in text
    assert f"{line_of(fetch)}node fetch: `timeout` is wrong: '30 parsecs'" in text
    assert "Did you mean one_success?" in text
    assert f"{line_of(clean)}node clean: unknown option `retries`" in text
    assert 'depends on "fetsch"' in text
    assert 'the id "clean" is taken' in text
    assert {complaint.file for complaint in caught.value.complaints} == {__file__}
    assert all(complaint.line for complaint in caught.value.complaints)


def test_a_doubled_id_is_refused_where_it_was_added() -> None:
    flow = new_flow()
    flow.bash("load", "true")
    flow.bash("load", "true")
    line = inspect.currentframe().f_lineno - 1  # type: ignore[union-attr]
    said = complaints_of(flow)
    assert f"{__file__}:{line}: node load: " in said


def test_a_lambda_needs_an_id() -> None:
    flow = new_flow()
    flow.node(lambda: 1)
    assert "node <lambda>: this cannot be an id" in complaints_of(flow)
    flow = new_flow()
    flow.node(id="one")(lambda: 1)
    assert flow.build().nodes[0].id == "one"


def test_templates_in_a_command_are_refused_as_in_a_file() -> None:
    flow = new_flow()
    flow.bash("load", "echo ${{ inputs.day }}")
    assert 'env: {VALUE: "${{ inputs.day }}"}' in complaints_of(flow)


def test_commands_scripts_and_options_make_the_definition_that_a_file_makes(
    tmp_path: Path,
) -> None:
    flow = WorkflowBuilder(
        "report",
        description="Every night.",
        inputs={"day": Input(required=True), "limit": Input("integer", default=100)},
        env={"LANG": "C.UTF-8"},
        max_parallel=2,
        fail_fast=True,
        timeout="2h",
        outputs={"rows": "${{ nodes.count.output }}"},
    )
    assert flow.bash("fetch", "date", env={"DAY": "${{ inputs.day }}"}, output="json") == "fetch"
    flow.script(
        "count",
        "output = rows",
        depends_on=["fetch"],
        with_={"rows": "${{ nodes.fetch.output }}"},
        when="inputs.limit > 3",
        trigger_rule="all_done",
        retry=Retry(4, delay="2s", backoff=3, max_delay=9.5, jitter=0, on=[ValueError, "Timeout"]),
        timeout=timedelta(seconds=90),
        grace=2,
        allow_failure=True,
        on_interrupt="fail",
        max_interruptions=5,
        cwd="work",
        description="Counts.",
    )
    file = tmp_path / "report.yaml"
    file.write_text(
        """
        name: report
        description: Every night.
        inputs: {day: {required: true}, limit: {type: integer, default: 100}}
        env: {LANG: C.UTF-8}
        max_parallel: 2
        fail_fast: true
        timeout: 2h
        outputs: {rows: "${{ nodes.count.output }}"}
        nodes:
          - {id: fetch, bash: date, env: {DAY: "${{ inputs.day }}"}, output: json}
          - id: count
            script: output = rows
            depends_on: [fetch]
            with: {rows: "${{ nodes.fetch.output }}"}
            when: inputs.limit > 3
            trigger_rule: all_done
            retry: {max_attempts: 4, delay: 2s, backoff: 3, max_delay: 9.5, jitter: 0,
                    on: [ValueError, Timeout]}
            timeout: 90s
            grace: 2s
            allow_failure: true
            on_interrupt: fail
            max_interruptions: 5
            cwd: work
            description: Counts.
        """
    )
    written = load_workflow(file)
    assert flow.build().nodes == written.nodes
    for field in ("name", "description", "inputs", "env", "max_parallel", "fail_fast", "timeout"):
        assert getattr(flow.build(), field) == getattr(written, field)


def test_python_can_say_every_field_of_a_node() -> None:
    assert set(NodeOptions.__annotations__) == set(NODE) - {"id"}


def test_none_is_the_same_as_leaving_an_option_out() -> None:
    flow = new_flow()
    flow.bash("a", "true", **dict.fromkeys(NodeOptions.__annotations__))
    plain = new_flow()
    plain.bash("a", "true")
    assert flow.build() == plain.build()


def test_the_first_line_of_the_docstring_describes_the_node() -> None:
    flow = new_flow()

    @flow.node
    def fetch() -> None:
        """
        Gets the rows.

        All of them.
        """

    flow.node(id="named", description="Mine.")(fetch)
    flow.node(id="bound")(functools.partial(fetch))
    said = [node.description for node in flow.build().nodes]
    assert said == ["Gets the rows.", "Mine.", ""]


def test_async_functions_are_marked() -> None:
    flow = new_flow()

    class Caller:
        async def __call__(self) -> int:
            return 1

    async def fetch() -> int:
        return 1

    flow.add(fetch, id="fetch")
    flow.add(functools.partial(fetch), id="partial")
    flow.add(Caller(), id="object")
    flow.add(lambda: 1, id="plain")
    bodies = [node.body for node in flow.build().nodes]
    assert [isinstance(it, Python) and it.is_async for it in bodies] == [True, True, True, False]


def test_a_method_of_an_object_is_a_node_without_its_self() -> None:
    class Pipeline:
        def step(self, day: str) -> None: ...

    flow = new_flow()
    pipeline = Pipeline()
    flow.add(pipeline.step, id="step")
    assert parameters_of(flow.build(), "step") == {"day": "inputs.day"}


def test_many_nodes_with_one_function_share_what_was_read_of_it() -> None:
    class Counted:
        """A function that counts how often somebody asks for its signature."""

        asked = 0

        @property
        def __signature__(self) -> inspect.Signature:
            Counted.asked += 1
            return inspect.Signature()

        def __call__(self) -> None: ...

    flow, step = new_flow(), Counted()
    ids = [flow.add(step, id=f"n{number}") for number in range(10_000)]
    built = flow.build()
    assert [node.id for node in built.nodes] == ids
    assert Counted.asked == 1
    assert len({id(node.body) for node in built.nodes}) == 1


def test_with_only_splits_bodies_by_its_keys() -> None:
    flow = new_flow()

    def step(number: int = 0) -> None: ...

    for number in range(100):
        flow.add(step, id=f"n{number}", with_={"number": number})
    flow.add(step, id="bare")
    bodies = {id(node.body) for node in flow.build().nodes}
    assert len(bodies) == 2


def test_a_workflow_can_grow_after_it_was_built() -> None:
    flow = new_flow()
    flow.node(id="use")(takes("late"))
    assert parameters_of(flow.build(), "use") == {"late": "inputs.late"}
    flow.bash("late", "true")
    assert parameters_of(flow.build(), "use") == {"late": "nodes.late"}


def test_the_folder_is_where_the_functions_can_be_imported_from() -> None:
    flow = new_flow()
    flow.bash("first", "true")
    assert flow.build().folder == ""
    flow.add(load_workflow, id="second", with_={"path": "x.yaml"})
    folder = Path(flow.build().folder)
    assert (folder / "indelible" / "definition" / "yaml_file.py").is_file()


def test_a_workflow_without_a_name_or_nodes_is_refused_where_it_was_made() -> None:
    flow = WorkflowBuilder("")
    line = inspect.currentframe().f_lineno - 1  # type: ignore[union-attr]
    said = complaints_of(flow)
    assert f"{__file__}:{line}: `name` must not be empty" in said


def test_retry_takes_what_people_write_and_refuses_the_rest_at_once() -> None:
    policy = Retry(delay="500ms", max_delay=60)
    assert (policy.delay, policy.max_delay) == (timedelta(milliseconds=500), timedelta(minutes=1))
    assert policy.max_attempts == 3
    with pytest.raises(DefinitionError) as caught:
        Retry("3", delay="later")  # type: ignore[arg-type]
    first, second = (str(complaint) for complaint in caught.value.complaints)
    assert first.startswith(f"{__file__}:")
    assert '`max_attempts` must be a whole number, not the text "3"' in first
    assert "`delay` is wrong: 'later' is not a duration" in second


def test_a_policy_that_makes_no_sense_is_refused_by_build() -> None:
    flow = new_flow()
    flow.bash("load", "true", retry=Retry(0))
    assert "`max_attempts` must be 1 or more" in complaints_of(flow)


def test_an_input_knows_a_default_of_none_from_none_at_all() -> None:
    assert Input("any", default=None).has_default
    assert not Input("any").has_default
    with pytest.raises(DefinitionError, match="Did you mean integer"):
        Input("interger")  # type: ignore[arg-type]


def test_trigger_rules_can_be_members_or_names() -> None:
    flow = new_flow()
    flow.bash("a", "true", trigger_rule=TriggerRule.ONE_DONE)
    flow.bash("b", "true", trigger_rule="one_done")
    assert [node.trigger_rule for node in flow.build().nodes] == [TriggerRule.ONE_DONE] * 2


def test_an_input_that_is_no_declaration_is_refused() -> None:
    flow = WorkflowBuilder("etl", inputs={"day": str})  # type: ignore[dict-item]
    flow.bash("a", "true")
    assert "`inputs.day` must be a mapping, not type" in complaints_of(flow)


def test_a_parameter_without_a_hint_takes_any_json() -> None:
    flow = new_flow()

    @flow.node
    def fetch(what, limit=100) -> None: ...  # type: ignore[no-untyped-def]

    built = flow.build()
    assert built.inputs["what"] == Input("any", required=True)
    assert built.inputs["limit"] == Input("any", default=100)
