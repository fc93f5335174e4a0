"""Composites, maps and loops: nodes inside nodes, told with the same eight events."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from msgspec import Raw

from indelible.definition.model import (
    Approval,
    Bash,
    Body,
    Composite,
    ForEach,
    Input,
    Loop,
    Node,
    OnItemFailure,
    Wait,
)
from indelible.engine.actions import (
    Action,
    CompleteNode,
    CompleteRun,
    FailNode,
    FailRun,
    FetchBlobs,
    OpenNode,
    StartNode,
    events_of,
)
from indelible.engine.decide import decide, next_moment
from indelible.engine.fold import evolve
from indelible.engine.resume import resumption
from indelible.engine.state import RunState
from indelible.events import BlobRef, Event, NodeCompleted, NodeStarted
from indelible.plan import Plan
from tests.engine.given import AT, completed, failed, node, opened, plan, started, state

TRUE = Bash(command="true")


def inside(node_id: str, *nodes: Node, depends_on: Sequence[str] = (), **fields: Any) -> Node:
    body = Composite(nodes=nodes, returns=fields.pop("returns", None))
    return Node(id=node_id, body=body, depends_on=tuple(depends_on), **fields)


def mapped(node_id: str, items: str, body: Body = TRUE, **fields: Any) -> Node:
    on = fields.pop("on_item_failure", OnItemFailure.FAIL)
    each = ForEach(items=items, on_item_failure=on)
    return Node(id=node_id, body=body, for_each=each, **fields)


def looped(node_id: str, until: str, most: int, body: Body = TRUE, **fields: Any) -> Node:
    return Node(id=node_id, body=body, loop=Loop(until=until, max_iterations=most), **fields)


def follow(of: Plan, *events: Event) -> tuple[RunState, list[Action]]:
    """The state after ``events`` and all decisions that follow; gives those decisions too."""
    current = state(of, *events)
    taken: list[Action] = []
    while found := decide(current, AT, {}):
        taken.extend(found)
        for action in found:
            for event in events_of(action, Raw):
                evolve(current, event)
    return current, taken


def paths(taken: Sequence[Action]) -> list[str]:
    return [action.node_id for action in taken if isinstance(action, StartNode)]


def test_a_composite_starts_what_is_inside_it_and_ends_with_it() -> None:
    flow = plan(inside("c", node("a"), node("b", "a"), returns="b"), node("after", "c"))
    _, taken = follow(flow, opened())
    assert [type(action) for action in taken] == [OpenNode, StartNode]
    assert paths(taken) == ["c/a"]
    events: list[Event] = [opened(), started("c"), started("c/a"), completed("c/a")]
    assert paths(follow(flow, *events)[1]) == ["c/b"]
    events += [started("c/b"), completed("c/b", output=b'"out"')]
    _, taken = follow(flow, *events)
    assert taken[0] == CompleteNode("c", 1, output_from=("c/b",))
    assert paths(taken) == ["after"]


def test_the_output_of_a_composite_is_that_of_its_leaves_unless_it_returns_one() -> None:
    flow = plan(
        inside("c", node("a"), node("x"), node("b", "a")),
        outputs={"c": "${{ nodes.c.output }}"},
    )
    events: list[Event] = [opened(), started("c")]
    for name in ("a", "x", "b"):
        events += [started(f"c/{name}"), completed(f"c/{name}", output=b'"%b"' % name.encode())]
    _, taken = follow(flow, *events)
    assert taken[-1] == CompleteRun(b'{"c":{"x":"x","b":"b"}}')


def test_a_failure_inside_fails_the_composite_and_names_the_leaf() -> None:
    flow = plan(inside("c", node("a")), node("after", "c"))
    _, taken = follow(flow, opened(), started("c"), started("c/a"), failed("c/a"))
    assert isinstance(taken[0], FailNode)
    assert taken[0].error.type == "ChildFailed"
    assert isinstance(taken[-1], FailRun)
    assert taken[-1].event.failed == ("c/a",)


def test_a_composite_may_be_allowed_to_fail() -> None:
    flow = plan(inside("c", node("a"), allow_failure=True), node("after", "c"))
    _, taken = follow(flow, opened(), started("c"), started("c/a"), failed("c/a"))
    assert paths(taken) == ["after"]


def test_inner_nodes_see_outer_ones_that_are_upstream() -> None:
    flow = plan(
        node("a"),
        inside("c", node("b", env={"X": "${{ nodes.a.output }}"}), depends_on=["a"]),
    )
    _, taken = follow(flow, opened(), started("a"), completed("a", output=b'"v"'))
    assert taken[-1] == StartNode("c/b", 1, {}, {"X": "v"})


def test_a_body_from_another_file_sees_its_own_inputs_and_nothing_around_it() -> None:
    inner = node("b", env={"X": "${{ inputs.version }}-${{ inputs.kind }}"})
    body = Composite(
        nodes=(inner,),
        is_isolated=True,
        inputs={"version": Input(required=True), "kind": Input(default="big", has_default=True)},
        outputs={"got": "${{ nodes.b.output }}"},
    )
    flow = plan(Node(id="c", body=body, with_={"version": "${{ inputs.day }}"}))
    begun = opened(inputs=Raw(b'{"day":"mon"}'))
    _, taken = follow(flow, begun)
    assert taken[-1] == StartNode("c/b", 1, {}, {"X": "mon-big"})
    _, taken = follow(flow, begun, started("c"), started("c/b"), completed("c/b", output=b"7"))
    assert taken[0] == CompleteNode("c", 1, output=b'{"got":7}')


def test_a_map_has_one_instance_for_each_item() -> None:
    flow = plan(mapped("m", "[10, 20]", env={"I": "${{ item }}@${{ index }}"}))
    _, taken = follow(flow, opened())
    assert isinstance(taken[0], OpenNode)
    assert taken[0].event.instances == 2
    assert taken[1:] == [
        StartNode("m[0]", 1, {}, {"I": "10@0"}),
        StartNode("m[1]", 1, {}, {"I": "20@1"}),
    ]


def opened_map(count: int) -> list[Event]:
    return [opened(), NodeStarted(node_id="m", attempt=1, instances=count)]


def test_the_results_of_a_map_are_in_the_order_of_its_items() -> None:
    flow = plan(mapped("m", "[10, 20]"), outputs={"m": "${{ nodes.m.output }}"})
    events: list[Event] = [*opened_map(2), started("m[0]"), started("m[1]")]
    events += [completed("m[1]", output=b"2"), completed("m[0]", output=b"1")]
    _, taken = follow(flow, *events)
    assert taken[-1] == CompleteRun(b'{"m":[1,2]}')


def test_an_empty_map_completes_with_an_empty_list() -> None:
    flow = plan(mapped("m", "[]"), outputs={"m": "${{ nodes.m.output }}"})
    _, taken = follow(flow, opened())
    assert taken[-1] == CompleteRun(b'{"m":[]}')


def test_an_object_gives_keys_and_values() -> None:
    flow = plan(mapped("m", "{'a': 1}", env={"I": "${{ item.key }}=${{ item.value }}"}))
    assert follow(flow, opened())[1][-1] == StartNode("m[0]", 1, {}, {"I": "a=1"})


def test_a_map_over_something_else_fails_with_the_way_out() -> None:
    flow = plan(mapped("m", "3"))
    current, _ = follow(flow, opened())
    error = current.nodes["m"].error
    assert error is not None
    assert "neither a list nor an object" in error.message


def test_one_failed_item_fails_a_map_that_does_not_collect() -> None:
    flow = plan(mapped("m", "[1, 2]"))
    events: list[Event] = [*opened_map(2), started("m[0]"), started("m[1]"), failed("m[0]")]
    assert follow(flow, *events)[1] == []
    _, taken = follow(flow, *events, completed("m[1]"))
    assert isinstance(taken[0], FailNode)
    assert isinstance(taken[1], FailRun)


def test_a_map_that_collects_has_null_for_a_failed_item() -> None:
    flow = plan(
        mapped("m", "[1, 2]", on_item_failure=OnItemFailure.COLLECT),
        outputs={"m": "${{ nodes.m.output }}"},
    )
    events: list[Event] = [*opened_map(2), started("m[0]"), started("m[1]"), failed("m[0]")]
    _, taken = follow(flow, *events, completed("m[1]", output=b"2"))
    assert taken[-1] == CompleteRun(b'{"m":[null,2]}')


def test_a_map_has_a_limit_of_its_own() -> None:
    flow = plan(mapped("m", "[1, 2, 3]", max_parallel=2), node("other"))
    _, taken = follow(flow, opened())
    assert paths(taken) == ["other", "m[0]", "m[1]"]
    events: list[Event] = [*opened_map(3), started("m[0]"), started("m[1]"), completed("m[0]")]
    assert "m[2]" in paths(follow(flow, *events)[1])


def test_composites_take_no_place_of_the_limit() -> None:
    flow = plan(inside("c", node("a"), node("b")), max_parallel=1)
    _, taken = follow(flow, opened())
    assert paths(taken) == ["c/a"]
    _, taken = follow(flow, opened(), started("c"), started("c/a"), completed("c/a"))
    assert paths(taken) == ["c/b"]


def test_a_loop_goes_round_until_its_condition_holds() -> None:
    flow = plan(
        looped("r", "output >= 2", 5, env={"P": "${{ index }}:${{ default(previous, 0) }}"}),
        outputs={"r": "${{ nodes.r.output }}"},
    )
    _, taken = follow(flow, opened())
    assert taken[-1] == StartNode("r#1", 1, {}, {"P": "1:0"})
    events: list[Event] = [opened(), started("r"), started("r#1"), completed("r#1", output=b"1")]
    _, taken = follow(flow, *events)
    assert taken == [StartNode("r#2", 1, {}, {"P": "2:1"})]
    events += [started("r#2"), completed("r#2", output=b"2")]
    _, taken = follow(flow, *events)
    assert taken == [CompleteNode("r", 1, output_from=("r#2",)), CompleteRun(b'{"r":2}')]


def test_a_loop_that_does_not_get_there_is_exhausted() -> None:
    flow = plan(looped("r", "output > 9", 1))
    _, taken = follow(flow, opened(), started("r"), started("r#1"), completed("r#1", output=b"1"))
    assert isinstance(taken[0], FailNode)
    assert taken[0].error.type == "LoopExhausted"


def test_a_loop_of_a_composite_has_paths_with_both() -> None:
    flow = plan(looped("r", "output", 3, Composite(nodes=(node("draft"),), returns="draft")))
    _, taken = follow(flow, opened())
    assert paths(taken) == ["r#1/draft"]
    events: list[Event] = [opened(), started("r"), started("r#1"), started("r#1/draft")]
    _, taken = follow(flow, *events, completed("r#1/draft", output=b"false"))
    assert taken[0] == CompleteNode("r#1", 1, output_from=("r#1/draft",))
    assert paths(taken) == ["r#2/draft"]


def test_a_map_of_composites_has_a_graph_for_each_item() -> None:
    body = Composite(nodes=(node("build"), node("push", "build", env={"T": "${{ item }}"})))
    flow = plan(mapped("deploy", "['x', 'y']", body))
    _, taken = follow(flow, opened())
    assert paths(taken) == ["deploy[0]/build", "deploy[1]/build"]


def test_a_timer_waits_for_its_moment_and_takes_no_place() -> None:
    flow = plan(Node(id="w", body=Wait(duration=timedelta(minutes=10))), node("a"), max_parallel=1)
    current, taken = follow(flow, opened())
    due = AT + timedelta(minutes=10)
    assert paths(taken) == ["a"]
    assert next_moment(current, AT) == due
    assert decide(current, due, {})[0] == CompleteNode("w", 1, output=b"null")


def test_a_moment_in_the_past_is_due_at_once() -> None:
    flow = plan(Node(id="w", body=Wait(until="2020-01-01T00:00:00Z")))
    assert follow(flow, opened())[1][-1] == CompleteRun()


def test_an_approval_waits_with_its_question() -> None:
    flow = plan(Node(id="g", body=Approval(message="Publish ${{ inputs.day }}?")))
    current, taken = follow(flow, opened(inputs=Raw(b'{"day":"mon"}')))
    assert isinstance(taken[0], OpenNode)
    assert taken[0].event.waiting is not None
    assert taken[0].event.waiting.message == "Publish mon?"
    assert taken[0].event.waiting.choices == ("approve", "reject")
    assert list(current.waiting) == ["g"]
    assert resumption(current).interrupted == ()


def test_a_resume_begins_a_failed_child_anew_and_keeps_its_siblings() -> None:
    flow = plan(inside("c", node("a"), node("b"), node("z", "a", "b")), node("after", "c"))
    current, _ = follow(
        flow,
        opened(),
        started("c"),
        started("c/a"),
        started("c/b"),
        completed("c/b"),
        failed("c/a"),
    )
    assert current.status == "failed"
    again = resumption(current)
    assert again.reset == ("after", "c/a", "c/z")
    evolve(current, opened(2, reset=again.reset))
    assert current.nodes["c"].status == "running"
    assert [a.node_id for a in decide(current, AT, {}) if isinstance(a, StartNode)] == ["c/a"]


def test_a_resume_of_an_exhausted_loop_begins_it_anew() -> None:
    flow = plan(looped("r", "output > 9", 1))
    current, _ = follow(flow, opened(), started("r"), started("r#1"), completed("r#1", output=b"1"))
    assert resumption(current).reset == ("r",)
    evolve(current, opened(2, reset=("r",)))
    assert "r#1" not in current.nodes


def test_an_interrupted_iteration_is_made_again() -> None:
    flow = plan(looped("r", "output > 9", 3))
    events: list[Event] = [opened(), started("r"), started("r#1"), opened(2, interrupted=("r#1",))]
    assert follow(flow, *events)[1] == [StartNode("r#1", 2)]


OK = {"type": "object", "required": ["ok"]}


def test_the_output_of_a_composite_has_to_fit_its_schema() -> None:
    flow = plan(inside("c", node("ok"), node("other"), output_schema=OK))
    fits, actions = follow(flow, opened())
    assert not [action for action in actions if isinstance(action, FailNode)]
    for name in ("c/ok", "c/other"):
        evolve(fits, completed(name, output=b"1"))
    (end,) = decide(fits, AT, {})
    assert isinstance(end, CompleteNode)
    misses = plan(inside("c", node("other"), output_schema=OK))
    state_of_it, _ = follow(misses, opened())
    evolve(state_of_it, completed("c/other", output=b"1"))
    (failure,) = decide(state_of_it, AT, {})
    assert isinstance(failure, FailNode)
    assert failure.error.type == "SchemaMismatch"
    assert "the output misses its schema: " in failure.error.message


def test_a_schema_asks_for_an_output_that_is_kept_beside_the_log() -> None:
    flow = plan(inside("c", node("ok"), output_schema=OK))
    begun, _ = follow(flow, opened())
    ref = BlobRef(sha256="0" * 64, bytes=70_000)
    evolve(begun, NodeCompleted(node_id="c/ok", attempt=1, output_blob=ref))
    assert decide(begun, AT, {}) == (FetchBlobs((ref,)),)
    (end,) = decide(begun, AT, {ref.sha256: b"1"})
    assert isinstance(end, CompleteNode)


def test_a_body_from_a_file_keeps_the_limit_of_that_file() -> None:
    body = Composite(nodes=tuple(node(f"n{at}") for at in range(5)), max_parallel=2)
    flow = plan(Node(id="c", body=body), node("beside"))
    _, actions = follow(flow, opened())
    started = [action.node_id for action in actions if isinstance(action, StartNode)]
    assert sorted(started) == ["beside", "c/n0", "c/n1"]
