"""Short names for what engine tests begin with: a plan, some events, the actions that follow."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from msgspec import Raw

from indelible.definition.model import Bash, Definition, Node
from indelible.engine.actions import Action
from indelible.engine.decide import decide
from indelible.engine.fold import fold
from indelible.engine.state import RunState
from indelible.events import (
    FORMAT,
    Event,
    NodeCompleted,
    NodeError,
    NodeFailed,
    NodeSkipped,
    NodeStarted,
    WorkflowStarted,
)
from indelible.plan import Plan, make_plan

AT = datetime(2026, 11, 23, 12, tzinfo=UTC)


def node(node_id: str, *upstream: str, **fields: Any) -> Node:
    return Node(id=node_id, body=Bash(command="true"), depends_on=upstream, **fields)


def plan(*nodes: Node, **fields: Any) -> Plan:
    return make_plan(Definition(name="w", nodes=nodes, **fields))


def chain(length: int) -> Plan:
    names = [f"n{number}" for number in range(1, length + 1)]
    return plan(*(node(name, *names[max(0, at - 1) : at]) for at, name in enumerate(names)))


def opened(attempt: int = 1, **fields: Any) -> WorkflowStarted:
    return WorkflowStarted(
        format=FORMAT,
        workflow="w",
        attempt=attempt,
        definition_digest="0" * 64,
        engine="test",
        **fields,
    )


def started(node_id: str, attempt: int = 1) -> NodeStarted:
    return NodeStarted(node_id=node_id, attempt=attempt)


def completed(node_id: str, attempt: int = 1, output: bytes = b"null") -> NodeCompleted:
    return NodeCompleted(node_id=node_id, attempt=attempt, duration=0.0, output=Raw(output))


def failed(
    node_id: str, attempt: int = 1, kind: str = "ExitCode", retry_at: datetime | None = None
) -> NodeFailed:
    error = NodeError(type=kind, message="it failed")
    return NodeFailed(node_id=node_id, attempt=attempt, error=error, retry_at=retry_at)


def skipped(node_id: str, *, upstream_failed: bool = False) -> NodeSkipped:
    return NodeSkipped(node_id=node_id, reason="trigger_rule", upstream_failed=upstream_failed)


def ran(*node_ids: str) -> list[Event]:
    """Each of the nodes, started and completed."""
    return [event for name in node_ids for event in (started(name), completed(name))]


def state(of: Plan, *events: Event | Iterable[Event]) -> RunState:
    flat: list[Event] = []
    for event in events:
        flat.extend(event if isinstance(event, list | tuple) else [event])  # type: ignore[list-item]
    return fold(of, "r1", flat)


def actions(of: Plan, *events: Event | Iterable[Event], now: datetime = AT) -> tuple[Action, ...]:
    return decide(state(of, *events), now, {})
