"""What the audit holds against a log of plain nodes: each forgery is made in one that passes."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec import Raw
from msgspec.structs import replace

from indelible.definition.model import Node, Wait
from indelible.events import (
    Event,
    NodeCompleted,
    NodeError,
    NodeFailed,
    NodeSkipped,
    NodeStarted,
    WorkflowCompleted,
    WorkflowFailed,
)
from tests.engine.forging import (
    DIAMOND,
    RETRY,
    a_log,
    assert_found,
    place_of,
    swapped,
)
from tests.engine.given import node, skipped, started


def test_a_start_before_its_upstream_ended_is_found() -> None:
    log = a_log(*DIAMOND)
    place = place_of(log, NodeStarted, "d")
    log.insert(place - 2, log.pop(place - 1))
    assert_found(log, place - 1, "started before its upstream had ended")


def test_a_verdict_that_no_rule_gives_is_found() -> None:
    log = a_log(*DIAMOND, fails=("b",))
    place = swapped(log, NodeSkipped, lambda event: replace(event, upstream_failed=False))
    assert_found(log, place, "d was skipped with upstream_failed False, not True")


def test_a_skip_where_the_rule_lets_start_is_found() -> None:
    log = a_log(*DIAMOND)
    place = swapped(log, NodeStarted, lambda event: skipped(event.node_id), "d")
    assert_found(log, place, "d was skipped, but its trigger rule and its condition let it start")


def test_a_start_where_the_rule_skips_is_found() -> None:
    log = a_log(*DIAMOND, fails=("b",))
    place = swapped(log, NodeSkipped, lambda event: started(event.node_id))
    assert_found(log, place, "its trigger rule all_success says upstream_failed")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("cause", ("c",)),
        ("cause_count", 2),
        ("upstream", {"success": 2}),
        ("rule", "all_done"),
        ("reason", "when"),
    ],
)
def test_a_skip_that_tells_another_reason_is_found(field: str, value: object) -> None:
    log = a_log(*DIAMOND, fails=("b",))
    place = swapped(log, NodeSkipped, lambda event: replace(event, **{field: value}))
    assert_found(log, place, f"d was skipped with {field}")


def test_a_skip_that_was_left_out_is_found_where_the_run_went_on() -> None:
    nodes = (node("a"), node("b", "a"), node("c"), node("d", "c"))
    log = a_log(*nodes, fails=("a",), max_parallel=1)
    place = place_of(log, NodeSkipped, "b")
    del log[place - 1]
    assert_found(log, place + 1, "b was to be ended or taken further, which the log does not have")


def test_a_start_that_was_left_out_is_found_where_the_run_went_on() -> None:
    log = a_log(node("a"), node("b"), node("c", "b"), max_parallel=0)
    places = [at for at, (event, _) in enumerate(log) if getattr(event, "node_id", "") == "a"]
    kept = [entry for at, entry in enumerate(log) if at not in places]
    assert_found(kept, 3, "after event 2 a was to start, which the log does not have")


def test_a_condition_that_does_not_hold_is_found() -> None:
    log = a_log(node("a"), node("b", "a", when="nodes.a.output == 'x'"))
    place = swapped(log, NodeSkipped, lambda event: started("b"))
    assert_found(log, place, "b started, but its condition does not hold")


def test_a_condition_that_holds_is_found_where_the_node_was_skipped() -> None:
    log = a_log(node("a"), node("b", "a", when="nodes.a.output == 'a'"))
    when = NodeSkipped(
        node_id="b",
        reason="when",
        when="nodes.a.output == 'a'",
        upstream={"success": 1},
        cause=("b",),
        cause_count=1,
    )
    place = swapped(log, NodeStarted, lambda event: when, "b")
    assert_found(log, place, "b was skipped, but")


def test_an_attempt_that_was_not_made_is_found() -> None:
    log = a_log(*DIAMOND)
    place = swapped(log, NodeStarted, lambda event: started("b", 2), "b")
    assert_found(log, place, "b started as attempt 2 after attempt 0")


def test_a_completed_node_that_runs_again_is_found() -> None:
    log = a_log(*DIAMOND)
    place = place_of(log, NodeStarted, "d")
    log[place - 1 : place - 1] = [(started("a", 2), log[place - 1][1])]
    assert_found(log, place, "a cannot start: it is success")


def test_a_run_that_completed_though_a_node_failed_is_found() -> None:
    log = a_log(*DIAMOND, fails=("b",))
    place = swapped(log, WorkflowFailed, lambda event: WorkflowCompleted())
    assert_found(log, place, "nodes have not ended or have failed")


def test_a_run_that_failed_though_no_node_did_is_found() -> None:
    log = a_log(*DIAMOND)
    error = NodeError(type="NodesFailed", message="1 node failed: b")
    failure = WorkflowFailed(error=error, failed=("b",), failed_count=1)
    place = swapped(log, WorkflowCompleted, lambda event: failure)
    assert_found(log, place, "none of its nodes had failed")


def test_a_failure_of_the_run_that_blames_another_node_is_found() -> None:
    log = a_log(*DIAMOND, fails=("b",))
    place = swapped(log, WorkflowFailed, lambda event: replace(event, failed=("c",)))
    assert_found(log, place, "not because of c")


def test_outputs_that_no_node_gave_are_found() -> None:
    log = a_log(node("a"), outputs={"said": "${{ nodes.a.output }}"})
    change = Raw(b'{"said":"b"}')
    place = swapped(log, WorkflowCompleted, lambda event: replace(event, outputs=change))
    assert_found(log, place, "other outputs than its nodes gave")


def test_a_retry_before_its_time_is_found() -> None:
    log = a_log(node("a", retry=RETRY), fails=("a",))
    place = place_of(log, NodeFailed) + 1
    log[place - 1] = started("a", 2), log[place - 2][1]
    assert_found(log, place, "its retry was to wait until")


@pytest.mark.parametrize("seconds", [8, 12])
def test_a_retry_that_no_dice_give_is_found(seconds: int) -> None:
    log = a_log(node("a", retry=RETRY), fails=("a",))
    place = place_of(log, NodeFailed)
    # Under a timestamp of its own, so that the audit can tell when the driver rolled.
    later = [
        (event, at + timedelta(seconds=1) * (n >= place - 1)) for n, (event, at) in enumerate(log)
    ]
    retry_at = later[place - 1][1] + timedelta(seconds=seconds)
    place = swapped(later, NodeFailed, lambda event: replace(event, retry_at=retry_at))
    assert_found(later, place, "its policy says")


def test_a_failure_that_should_have_been_tried_again_is_found() -> None:
    log = a_log(node("a", retry=RETRY), fails=("a",))
    place = swapped(log, NodeFailed, lambda event: replace(event, retry_at=None))
    assert_found(log, place, "the failure of a is final, but by its policy it is not")


def test_a_failure_that_is_final_is_not_tried_again() -> None:
    log = a_log(node("a"), fails=("a",))
    retry_at = log[2][1]
    place = swapped(log, NodeFailed, lambda event: replace(event, retry_at=retry_at))
    assert_found(log, place, "the failure of a is not final, but by its policy it is so")


def test_a_timer_that_rang_too_early_is_found() -> None:
    log = a_log(Node(id="nap", body=Wait(duration=timedelta(minutes=1))))
    place = place_of(log, NodeCompleted)
    early = [(event, log[0][1]) for event, _ in log]
    assert_found(early, place, "nap ended before its timer had come due")


def test_a_timer_with_the_output_of_other_nodes_is_found() -> None:
    log = a_log(Node(id="nap", body=Wait(duration=timedelta(minutes=1))))
    place = swapped(log, NodeCompleted, lambda event: replace(event, output_from=("a",)))
    assert_found(log, place, "nap is a timer, which completes, and has no output")


def test_a_timer_for_another_moment_is_found() -> None:
    log = a_log(Node(id="nap", body=Wait(duration=timedelta(minutes=1))))

    def longer(event: NodeStarted) -> Event:
        assert event.waiting is not None
        assert event.waiting.until is not None
        until = event.waiting.until + timedelta(seconds=1)
        return replace(event, waiting=replace(event.waiting, until=until))

    assert_found(log, swapped(log, NodeStarted, longer), "nap waits for something else")
