"""The whole language through the Python door."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.definition.flows import complaints_of, new_flow, node_of, parameters_of, takes

from indelible.definition.decorators import Input, Loop, WorkflowBuilder
from indelible.definition.model import (
    APPROVE,
    Approval,
    Choice,
    Composite,
    Definition,
    ForEach,
    Node,
    OnItemFailure,
    Prompt,
    Python,
    Wait,
)
from indelible.definition.normal import decode_definition, encode_definition
from indelible.definition.yaml_file import load_workflow
from indelible.errors import DefinitionError, UsageError


def inner_of(definition: Definition, name: str) -> dict[str, Node]:
    body = node_of(definition, name).body
    assert isinstance(body, Composite)
    return {node.id: node for node in body.nodes}


def taken_by(node: Node) -> dict[str, str]:
    assert isinstance(node.body, Python)
    return dict(node.body.parameters)


def test_every_kind_of_node_can_be_added() -> None:
    flow = new_flow()
    flow.wait("w", "10m")
    flow.wait("v", timedelta(seconds=3))
    flow.wait("u", until=datetime(2026, 11, 23, tzinfo=UTC))
    flow.approval("g", "Publish?", choices=["approve", {"id": "no", "fails": True}])
    flow.approval("h", "Sure?", answer_schema={"type": "integer"})
    flow.prompt("p", "Sum: ${{ nodes.g.output }}", command=["a", "-x"], depends_on=["g"])
    bodies = {node.id: node.body for node in flow.build().nodes}
    assert bodies == {
        "w": Wait(duration=timedelta(minutes=10)),
        "v": Wait(duration=timedelta(seconds=3)),
        "u": Wait(until="2026-11-23T00:00:00+00:00"),
        "g": Approval(message="Publish?", choices=(APPROVE, Choice(id="no", fails=True))),
        "h": Approval(message="Sure?", answer_schema={"type": "integer"}),
        "p": Prompt(text="Sum: ${{ nodes.g.output }}", command=("a", "-x")),
    }


def test_the_agent_of_a_workflow_is_a_command() -> None:
    flow = WorkflowBuilder("f", agent=["agent", "--stdin"])
    flow.prompt("p", "x")
    assert flow.build().agent == ("agent", "--stdin")


def test_a_mapped_function_takes_its_item() -> None:
    flow = new_flow()
    flow.node(id="rows")(takes())
    flow.node(
        id="each",
        depends_on=["rows"],
        for_each="nodes.rows.output",
        on_item_failure="collect",
        max_parallel=2,
        output_schema={"type": "integer"},
    )(takes("item", "index", "rows", "day"))
    each = node_of(flow.build(), "each")
    assert each.for_each == ForEach(
        items="nodes.rows.output", on_item_failure=OnItemFailure.COLLECT
    )
    assert (each.max_parallel, each.output_schema) == (2, {"type": "integer"})
    assert taken_by(each) == {
        "item": "item",
        "index": "index",
        "rows": "nodes.rows",
        "day": "inputs.day",
    }


def test_a_loop_takes_what_was_before() -> None:
    flow = new_flow()

    @flow.node(loop=Loop("output.ok", max_iterations=3))
    def refine(index: int, previous: dict[str, Any] | None = None) -> dict[str, Any]:
        return {"ok": previous, "index": index}

    assert parameters_of(flow.build(), "refine") == {"index": "index", "previous": "previous"}


def test_elsewhere_these_names_are_inputs() -> None:
    flow = new_flow()
    flow.node(id="a")(takes("item"))
    flow.node(id="b", for_each="[1]")(takes("item"))
    flow.add(takes("item"), id="c", for_each={"items": "[1]"}, with_={"item": 3})
    built = flow.build()
    assert parameters_of(built, "a") == {"item": "inputs.item"}
    assert parameters_of(built, "b") == {"item": "item"}
    assert parameters_of(built, "c") == {}


def test_another_workflow_becomes_a_composite() -> None:
    body, flow = WorkflowBuilder("body"), new_flow()
    build, push = takes("item", "source"), takes("build", "day")
    body.add(build, id="build")
    body.add(push, id="push")
    flow.node(id="source")(takes())
    flow.composite("deploy", body, returns="push", for_each="['a', 'b']", depends_on=["source"])
    built = flow.build()
    deploy = node_of(built, "deploy")
    assert isinstance(deploy.body, Composite)
    assert (deploy.body.returns, deploy.for_each) == ("push", ForEach(items="['a', 'b']"))
    inner = inner_of(built, "deploy")
    assert taken_by(inner["build"]) == {"item": "item", "source": "nodes.source"}
    assert taken_by(inner["push"]) == {"build": "nodes.build", "day": "inputs.day"}
    assert inner["push"].depends_on == ("build",)
    assert set(built.inputs) == {"day"}
    assert decode_definition(encode_definition(built)) == built


def test_a_composite_depends_on_what_its_functions_take() -> None:
    deepest, body, flow = WorkflowBuilder("c"), WorkflowBuilder("b"), new_flow()
    deepest.add(takes("rows", "middle"), id="use")
    body.add(takes(), id="middle")
    body.composite("inner", deepest)
    flow.add(takes(), id="rows")
    flow.composite("outer", body)
    built = flow.build()
    assert node_of(built, "outer").depends_on == ("rows",)
    assert inner_of(built, "outer")["inner"].depends_on == ("middle",)


def test_functions_go_by_the_written_path_of_their_node() -> None:
    body, flow = WorkflowBuilder("body"), new_flow()
    one, two, three = takes(), takes(), takes()
    body.add(one, id="x")
    flow.add(two, id="x")
    flow.composite("a", body)
    flow.composite("b", body, for_each="[1]")
    flow.add(three, id="y", for_each="[1]")
    assert flow.functions == {"x": two, "a/x": one, "b/x": one, "y": three}


def test_a_file_becomes_a_body_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "release.yaml"
    file.write_text("inputs: {version: {required: true}}\nnodes: [{id: tag, bash: x}]")
    flow = new_flow()
    flow.subworkflow("release", str(file), with_={"version": "1"})
    release = node_of(flow.build(), "release")
    assert isinstance(release.body, Composite)
    assert release.body.is_isolated
    assert release.with_ == {"version": "1"}


def test_a_file_is_looked_for_beside_the_code(tmp_path: Path) -> None:
    (tmp_path / "in.yaml").write_text("nodes: [{id: x, bash: x}]")
    flow, code = new_flow(), "flow.subworkflow('a', 'in.yaml')"
    exec(compile(code, str(tmp_path / "etl.py"), "exec"), {"flow": flow})  # noqa: S102
    assert list(inner_of(flow.build(), "a")) == ["x"]


def test_complaints_about_a_file_have_its_name_and_line(tmp_path: Path) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text("nodes:\n  - {id: x, bash: x, tiemout: 3}\n")
    flow = new_flow()
    flow.subworkflow("a", str(file))
    assert complaints_of(flow).startswith(f'{file}:2:22: node x: unknown key "tiemout"')
    flow = new_flow()
    flow.subworkflow("a", str(tmp_path / "none.yaml"))
    assert "node a: `workflow` is wrong: " in complaints_of(flow)


def test_both_doors_make_the_same(tmp_path: Path) -> None:
    body, flow = WorkflowBuilder("body"), WorkflowBuilder("f")
    body.bash("draft", "date")
    flow.composite("refine", body, returns="draft", loop=Loop("output == 'x'", 3))
    flow.bash("each", "date", for_each="[1]", on_item_failure="collect", max_parallel=0)
    flow.wait("w", 90, depends_on=["refine"])
    text = """\
name: f
nodes:
  - id: refine
    nodes: [{id: draft, bash: date}]
    returns: draft
    loop: {until: output == 'x', max_iterations: 3}
  - {id: each, bash: date, for_each: "[1]", on_item_failure: collect, max_parallel: 0}
  - {id: w, wait: 1m30s, depends_on: [refine]}
"""
    assert flow.build().nodes == load_workflow("f.yaml", text=text.encode()).nodes


def test_a_workflow_cannot_contain_itself() -> None:
    one, two = WorkflowBuilder("one"), WorkflowBuilder("two")
    one.composite("two", two)
    with pytest.raises(DefinitionError, match="node one: contains itself"):
        two.composite("one", one)
    with pytest.raises(DefinitionError, match=r"test_python_composites\.py:\d+: node me"):
        one.composite("me", one)


def test_a_body_has_no_settings_of_a_whole_workflow() -> None:
    body = WorkflowBuilder("b", env={"A": "x"}, fail_fast=True, inputs={"x": Input()})
    with pytest.raises(DefinitionError, match="its body has env, fail_fast, inputs, which only a"):
        new_flow().composite("c", body)


def test_a_wait_is_for_one_thing() -> None:
    for given in ({}, {"duration": 3, "until": "x"}):
        with pytest.raises(UsageError, match="wait w needs a duration or `until`, and not both"):
            new_flow().wait("w", **given)  # type: ignore[arg-type]


def test_mistakes_inside_have_their_path_and_line() -> None:
    body, flow = WorkflowBuilder("body"), new_flow()
    body.bash("a", "x", timeout="fast")
    body.bash("b", "x", depends_on=["c"])
    flow.composite("out", body, retry=None, timeout=3)
    flow.wait("w", -3)
    flow.approval("g", "x", choices=["a", "a"])
    flow.bash("l", "x", loop={"until": "output"})
    said = complaints_of(flow)
    for each in (
        "node out/a: `timeout` is wrong: 'fast' is not a duration",
        'node out/b: depends on "c", which is not a node',
        "node out: `timeout` makes no sense on a composite",
        "node w: `wait` is wrong: -3 is negative",
        'node g: the choice "a" is there twice',
        "node l: `loop` has no `max_iterations`",
    ):
        assert each in said
    lines = [each for each in said.splitlines() if each.startswith(__file__)]
    assert len(lines) == 6
    assert len({each.split(":")[1] for each in lines}) == 6


def test_a_loop_without_a_bound_is_refused_where_it_is_made() -> None:
    with pytest.raises(DefinitionError, match="must be a whole number"):
        Loop("output", max_iterations="3")  # type: ignore[arg-type]
    flow = new_flow()
    flow.bash("a", "x", loop=Loop("output", max_iterations=0))
    assert "`max_iterations` must be 1 or more" in complaints_of(flow)
