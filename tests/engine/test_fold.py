"""What may stand in a log, and what may not."""

from __future__ import annotations

import pytest

from indelible.engine.status import LEGAL_MOVES, Move, NodeStatus
from indelible.errors import IllegalEventError
from indelible.events import (
    Event,
    NodeError,
    WorkflowCancelled,
    WorkflowCompleted,
    WorkflowFailed,
)
from tests.engine.given import (
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

FAILED = WorkflowFailed(error=NodeError(type="NodesFailed", message="1 node failed: n1"))
CANCELLED = WorkflowCancelled(reason="", by="me")

ILLEGAL: dict[str, tuple[list[Event], str]] = {
    "a node before the run": ([started("n1")], "in a run that is pending"),
    "a second beginning": ([opened(), opened(1)], "attempt 1 follows on attempt 1"),
    "an attempt left out": ([opened(), opened(3)], "attempt 3 follows on attempt 1"),
    "a node that is not": ([opened(), started("x")], "x is not a node"),
    "started twice": ([opened(), started("n1"), started("n1", 2)], "cannot start: it is running"),
    "a wrong attempt": ([opened(), started("n1", 2)], "as attempt 2 after attempt 0"),
    "ended without a start": ([opened(), completed("n1")], "cannot complete: it is pending"),
    "ended twice": ([opened(), *ran("n1"), completed("n1")], "cannot complete: it is success"),
    "an outcome of another attempt": ([opened(), started("n1"), completed("n1", 2)], "attempt 2"),
    "before its upstream": ([opened(), started("n2")], "before its upstream had ended"),
    "skipped after its start": ([opened(), started("n1"), skipped("n1")], "cannot skip"),
    "skipped too early": ([opened(), skipped("n2")], "before its upstream had ended"),
    "completed too early": ([opened(), *ran("n1"), WorkflowCompleted()], "have not ended"),
    "failed while running": ([opened(), started("n1"), FAILED], "while n1 still run"),
    "a node after the end": ([opened(), FAILED, started("n1")], "in a run that is failed"),
    "a start after a cancel": ([opened(), CANCELLED, started("n1")], "run that is cancelled"),
    "an end after the end": ([opened(), FAILED, FAILED], "of a run that is failed"),
    "an interruption left out": ([opened(), started("n1"), opened(2)], "in flight were n1"),
    "an interruption made up": ([opened(), opened(2, interrupted=("n1",))], "in flight were none"),
    "a reset of what never began": ([opened(), opened(2, reset=("n1",))], "has not begun"),
}


@pytest.mark.parametrize("name", ILLEGAL)
def test_an_illegal_event_is_refused(name: str) -> None:
    events, message = ILLEGAL[name]
    with pytest.raises(IllegalEventError, match=message) as caught:
        state(chain(2), events)
    assert caught.value.sequence == len(events)


def test_the_table_of_moves_has_a_row_for_each() -> None:
    assert set(LEGAL_MOVES) == set(Move)


def test_outcomes_may_follow_a_cancel_but_only_of_what_ran() -> None:
    after = state(chain(2), opened(), started("n1"), CANCELLED, completed("n1"))
    assert after.nodes["n1"].status is NodeStatus.SUCCESS
    assert after.is_settled
    with pytest.raises(IllegalEventError):
        state(chain(2), opened(), started("n1"), CANCELLED, completed("n1"), started("n2"))


def test_a_reset_node_is_as_if_never_started_but_its_attempts_go_on() -> None:
    flow = plan(node("a"), node("b", "a"))
    after = state(
        flow,
        opened(),
        started("a"),
        failed("a"),
        skipped("b", upstream_failed=True),
        FAILED,
        opened(2, reset=("a", "b")),
    )
    assert [node.status for node in after.nodes.values()] == ["pending", "pending"]
    assert after.nodes["a"].attempt == 1
    assert after.nodes["b"].missing == 1
    assert after.nodes["b"].upstream.total == 0
    assert list(after.ready) == [0]


def test_a_stopped_node_is_never_allowed_to_fail() -> None:
    flow = plan(node("a", allow_failure=True))
    after = state(flow, opened(), started("a"), failed("a", kind="Stopped"))
    assert after.nodes["a"].status is NodeStatus.FAILED


def test_an_interruption_counts_against_no_retry() -> None:
    after = state(chain(1), opened(), started("n1"), failed("n1", kind="Interrupted"))
    assert after.nodes["n1"].tries == 0
