"""Events in words."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from msgspec import Raw

from indelible.events import (
    Event,
    NodeCompleted,
    NodeError,
    NodeFailed,
    NodeSkipped,
    WorkflowCancelled,
    WorkflowCompleted,
    WorkflowFailed,
)
from indelible.projections.reasons import explained, skips, why_skipped
from indelible.testing.logs import sealed_log
from indelible.testing.strategies import events
from tests.engine.given import AT, opened, skipped, started

ERROR = NodeError(type="ExitCode", message="exit code 3: first line\nsecond line")
TOLD: list[tuple[Event, str]] = [
    (opened(), "w; attempt 1"),
    (
        opened(attempt=2, interrupted=("a",), reset=("b", "c")),
        "w; attempt 2; interrupted: a; again: b, c",
    ),
    (WorkflowCompleted(outputs=Raw(b"{}")), ""),
    (WorkflowFailed(error=ERROR), "ExitCode: exit code 3: first line"),
    (WorkflowCancelled(reason="wrong day", by="me"), "by me: wrong day"),
    (WorkflowCancelled(reason="", by="me"), "by me"),
    (started("a"), ""),
    (started("a", 2), "attempt 2"),
    (NodeCompleted(node_id="a", attempt=1, duration=0.25), "in 0.250 s"),
    (NodeFailed(node_id="a", attempt=1, error=ERROR), "ExitCode: exit code 3: first line"),
    (
        NodeFailed(node_id="a", attempt=1, error=NodeError(type="T", message=""), retry_at=AT),
        "T (again at 12:00:00 UTC)",
    ),
]


@pytest.mark.parametrize(("event", "text"), TOLD)
def test_an_event_is_told_in_one_line(event: Event, text: str) -> None:
    assert explained(event) == text


@given(events)
def test_every_event_can_be_told(event: Event) -> None:
    assert isinstance(explained(event), str)


def skip(**fields: Any) -> NodeSkipped:
    return NodeSkipped(node_id="x", **fields)


WHY = [
    (
        skip(
            reason="trigger_rule",
            rule="all_success",
            upstream={"success": 2, "failed": 1},
            cause=("load",),
            cause_count=1,
        ),
        "all_success with 2 success, 1 failed, because of load",
    ),
    (skip(reason="when", when="inputs.n > 1", cause=("x",), cause_count=1), "when: inputs.n > 1"),
    (
        skip(reason="trigger_rule", rule="all_skipped", cause=("a", "b"), cause_count=12),
        "all_skipped, because of a, b and 10 more",
    ),
]


@pytest.mark.parametrize(("event", "text"), WHY)
def test_a_skip_names_what_it_saw_and_where_it_began(event: NodeSkipped, text: str) -> None:
    assert why_skipped(event) == text


def test_only_what_is_still_skipped_is_explained() -> None:
    log = sealed_log("r1", [opened(), skipped("a"), skipped("b"), opened(attempt=2, reset=("a",))])
    assert list(skips(log)) == ["b"]
