"""Given events, when decide, then actions."""

from __future__ import annotations

from datetime import timedelta

from msgspec import Raw

from indelible.definition.model import OnInterrupt, TriggerRule
from indelible.engine.actions import (
    Action,
    CompleteRun,
    FailNode,
    FailRun,
    FetchBlobs,
    RefuseNode,
    SkipNode,
    StartNode,
    StopNode,
)
from indelible.engine.decide import decide, next_moment
from indelible.events import BlobRef, Event, NodeCompleted, WorkflowCancelled
from tests.engine.given import (
    AT,
    actions,
    chain,
    completed,
    failed,
    node,
    opened,
    plan,
    ran,
    skipped,
    started,
    state,
)

LATER = AT + timedelta(seconds=30)


def starts(found: tuple[Action, ...]) -> list[str]:
    return [action.node_id for action in found if isinstance(action, StartNode)]


def test_a_run_begins_with_the_nodes_that_have_no_upstream() -> None:
    diamond = plan(node("a"), node("b", "a"), node("c"), node("d", "b", "c"))
    assert actions(diamond, opened()) == (StartNode("a", 1), StartNode("c", 1))


def test_nothing_is_decided_before_the_run_has_started() -> None:
    assert actions(chain(2)) == ()


def test_a_node_starts_when_all_its_upstream_has_ended() -> None:
    diamond = plan(node("a"), node("b", "a"), node("c", "a"), node("d", "b", "c"))
    assert starts(actions(diamond, opened(), ran("a"))) == ["b", "c"]
    assert starts(actions(diamond, opened(), ran("a", "b"), started("c"))) == []
    assert starts(actions(diamond, opened(), ran("a", "b", "c"))) == ["d"]


def test_the_run_completes_when_every_node_has_ended_well() -> None:
    assert actions(chain(2), opened(), ran("n1", "n2")) == (CompleteRun(),)


def test_a_workflow_without_nodes_completes_at_once() -> None:
    assert actions(plan(), opened()) == (CompleteRun(),)


def test_declared_outputs_are_computed_at_the_end() -> None:
    flow = plan(
        node("a"), outputs={"rows": "${{ nodes.a.output.n }}", "text": "n=${{ nodes.a.output.n }}"}
    )
    found = actions(flow, opened(), started("a"), completed("a", output=b'{"n":3}'))
    assert found == (CompleteRun(b'{"rows":3,"text":"n=3"}'),)


def test_an_output_that_has_no_value_fails_the_run() -> None:
    flow = plan(node("a"), outputs={"rows": "${{ nodes.a.output.n }}"})
    (action,) = actions(flow, opened(), ran("a"))
    assert isinstance(action, FailRun)
    assert "outputs of the workflow" in action.event.error.message


def test_a_failure_fails_the_run_though_a_later_node_is_green() -> None:
    flow = plan(node("a"), node("b", "a", trigger_rule=TriggerRule.ALL_DONE))
    (action,) = actions(flow, opened(), started("a"), failed("a"), ran("b"))
    assert isinstance(action, FailRun)
    assert action.event.failed == ("a",)


def test_an_allowed_failure_fails_nothing_but_is_seen_by_those_that_watch() -> None:
    flow = plan(
        node("a", allow_failure=True),
        node("next", "a"),
        node("alarm", "a", trigger_rule=TriggerRule.ONE_FAILED),
    )
    events = (opened(), started("a"), failed("a"))
    assert starts(actions(flow, *events)) == ["next", "alarm"]
    assert actions(flow, *events, ran("next", "alarm")) == (CompleteRun(),)


def test_a_skip_names_its_rule_its_upstream_and_its_root_cause() -> None:
    flow = plan(node("a"), node("b"), node("c", "a", "b"), node("d", "c"))
    (skip,) = actions(flow, opened(), ran("b"), started("a"), failed("a"))
    assert isinstance(skip, SkipNode)
    assert skip.event.node_id == "c"
    assert skip.event.rule == "all_success"
    assert skip.event.upstream == {"success": 1, "failed": 1}
    assert (skip.event.cause, skip.event.cause_count) == (("a",), 1)
    assert skip.event.upstream_failed
    (below,) = actions(flow, opened(), ran("b"), started("a"), failed("a"), skip.event)
    assert isinstance(below, SkipNode)
    assert (below.event.node_id, below.event.cause) == ("d", ("a",))


def test_when_is_asked_after_the_rule_and_skips() -> None:
    flow = plan(node("a"), node("b", "a", when="nodes.a.output > 3"), node("c", "b"))
    assert starts(actions(flow, opened(), started("a"), completed("a", output=b"4"))) == ["b"]
    (skip,) = actions(flow, opened(), started("a"), completed("a", output=b"3"))
    assert isinstance(skip, SkipNode)
    assert (skip.event.reason, skip.event.when) == ("when", "nodes.a.output > 3")
    assert skip.event.cause == ("b",)


def test_an_expression_without_a_value_fails_its_node_at_once() -> None:
    flow = plan(node("a"), node("b", "a", env={"X": "${{ nodes.a.output.missing }}"}))
    (refusal,) = actions(flow, opened(), started("a"), completed("a", output=b"{}"))
    assert isinstance(refusal, RefuseNode)
    assert (refusal.node_id, refusal.attempt) == ("b", 1)
    assert "missing" in refusal.error.message


def test_a_node_gets_its_values_rendered() -> None:
    flow = plan(
        node("a"),
        node(
            "b", "a", env={"X": "${{ nodes.a.output }}"}, with_={"y": "${{ inputs.day }}", "z": [1]}
        ),
        env={"W": "run ${{ run.id }}"},
    )
    found = actions(
        flow, opened(inputs=Raw(b'{"day":"mon"}')), started("a"), completed("a", output=b'{"k":1}')
    )
    assert found == (
        StartNode("b", 1, {"y": b'"mon"', "z": b"[1]"}, {"W": "run r1", "X": '{"k":1}'}),
    )


def test_a_value_in_a_blob_is_asked_for_before_the_decision() -> None:
    flow = plan(node("a"), node("b", "a", when="len(nodes.a.output) == 2"))
    ref = BlobRef(sha256="f" * 64, bytes=5)
    events = (
        opened(),
        started("a"),
        NodeCompleted(node_id="a", attempt=1, duration=0.0, output_blob=ref),
    )
    assert actions(flow, *events) == (FetchBlobs((ref,)),)
    assert decide(state(flow, *events), AT, {"f" * 64: b"[1,2]"}) == (StartNode("b", 1),)


def test_no_more_attempts_run_at_a_time_than_the_workflow_says() -> None:
    flow = plan(*(node(name) for name in "abcde"), max_parallel=2)
    assert starts(actions(flow, opened())) == ["a", "b"]
    assert starts(actions(flow, opened(), started("a"), started("b"))) == []
    assert starts(actions(flow, opened(), ran("a"), started("b"))) == ["c"]


def test_a_skip_takes_no_slot() -> None:
    flow = plan(node("a", when="false"), node("b", when="false"), node("c"), max_parallel=1)
    (first,) = actions(flow, opened())
    assert isinstance(first, SkipNode)
    (second,) = actions(flow, opened(), first.event)
    assert isinstance(second, SkipNode)
    assert starts(actions(flow, opened(), first.event, second.event)) == ["c"]


def test_a_retry_waits_for_its_time() -> None:
    flow = chain(1)
    events = (opened(), started("n1"), failed("n1", retry_at=LATER))
    assert actions(flow, *events, now=AT) == ()
    assert next_moment(state(flow, *events), AT) == LATER
    assert actions(flow, *events, now=LATER) == (StartNode("n1", 2),)


def test_a_condition_is_not_asked_again_for_a_retry() -> None:
    flow = plan(node("a", when="nodes.a.status == 'pending'"))
    events = (opened(), started("a"), failed("a", retry_at=AT))
    assert actions(flow, *events) == (StartNode("a", 2),)


def test_fail_fast_stops_what_runs_and_leaves_the_rest_pending() -> None:
    flow = plan(node("a"), node("b"), node("c", "a"), fail_fast=True)
    (stop,) = actions(flow, opened(), started("a"), started("b"), failed("a"))
    assert isinstance(stop, StopNode)
    assert (stop.node_id, stop.error.type) == ("b", "Stopped")
    (end,) = actions(
        flow, opened(), started("a"), started("b"), failed("a"), failed("b", kind="Stopped")
    )
    assert isinstance(end, FailRun)
    assert end.event.failed == ("a",)


def test_a_run_that_passes_its_deadline_stops_and_fails() -> None:
    flow = plan(node("a"), node("b"))
    events = (opened(deadline=LATER), started("a"), ran("b"))
    assert next_moment(state(flow, *events), AT) == LATER
    assert actions(flow, *events, now=AT) == ()
    (stop,) = actions(flow, *events, now=LATER)
    assert isinstance(stop, StopNode)
    (end,) = actions(flow, *events, failed("a", kind="Stopped"), now=LATER)
    assert isinstance(end, FailRun)
    assert end.event.error.type == "Timeout"


def test_a_cancelled_run_stops_what_runs_and_decides_nothing_more() -> None:
    cancelled = WorkflowCancelled(reason="enough", by="me")
    (stop,) = actions(chain(2), opened(), started("n1"), cancelled)
    assert isinstance(stop, StopNode)
    after = state(chain(2), opened(), started("n1"), cancelled, failed("n1", kind="Stopped"))
    assert decide(after, AT, {}) == ()
    assert after.is_settled


def test_an_interrupted_node_is_run_again_until_it_has_crashed_three_times() -> None:
    flow = chain(2)
    events: list[Event] = [opened(), started("n1")]
    for attempt in (2, 3):
        events.append(opened(attempt, interrupted=("n1",)))
        assert actions(flow, events) == (StartNode("n1", attempt),)
        events.append(started("n1", attempt))
    events.append(opened(4, interrupted=("n1",)))
    (gives_up,) = actions(flow, events)
    assert isinstance(gives_up, FailNode)
    assert (gives_up.attempt, gives_up.error.type) == (3, "Interrupted")


def test_a_node_that_may_not_run_twice_fails_when_it_was_interrupted() -> None:
    flow = plan(node("a", on_interrupt=OnInterrupt.FAIL))
    (gives_up,) = actions(flow, opened(), started("a"), opened(2, interrupted=("a",)))
    assert isinstance(gives_up, FailNode)


def test_an_outcome_between_two_crashes_ends_the_row() -> None:
    flow = chain(1)
    events: list[Event] = [opened(), started("n1"), opened(2, interrupted=("n1",))]
    events += [started("n1", 2)]
    events += [failed("n1", 2, retry_at=AT), started("n1", 3), opened(3, interrupted=("n1",))]
    assert state(flow, events).nodes["n1"].interruptions == 1


def test_skipped_upstream_of_every_kind_is_counted_by_name() -> None:
    flow = plan(node("a"), node("b", "a"))
    found = state(flow, opened(), started("a"), failed("a"), skipped("b", upstream_failed=True))
    assert found.nodes["b"].status == "upstream_failed"
