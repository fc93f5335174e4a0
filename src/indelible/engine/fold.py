"""State from events: ``state = fold(plan, run_id, events)``, and nothing else makes state.

``evolve`` changes the state it is given, in time proportional to the node's out-edges, and refuses
an event that the table of legal moves has no row for.  After such a refusal the state is spoilt;
fold again from the log.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import assert_never

from msgspec import UNSET, Raw, UnsetType

from indelible.engine.state import (
    INTERRUPTED,
    LEGAL_MOVES,
    MOVES_AFTER_CANCEL,
    STOPPED,
    Move,
    NodeState,
    NodeStatus,
    RunState,
    RunStatus,
)
from indelible.engine.trigger_rules import Verdict
from indelible.errors import IllegalEventError
from indelible.events import (
    BlobRef,
    Event,
    NodeCompleted,
    NodeFailed,
    NodeSkipped,
    NodeStarted,
    WorkflowCancelled,
    WorkflowCompleted,
    WorkflowFailed,
    WorkflowStarted,
)
from indelible.plan import Plan

Stored = Raw | BlobRef | None


def initial_state(plan: Plan, run_id: str) -> RunState:
    """Before the first event."""
    state = RunState(plan, run_id)
    for planned in plan.in_order:
        if not planned.upstream:
            state.ready.push(planned.order)
    return state


def fold(plan: Plan, run_id: str, events: Iterable[Event]) -> RunState:
    """The state after ``events``.  Raises ``IllegalEventError`` at the first that may not stand."""
    state = initial_state(plan, run_id)
    for event in events:
        evolve(state, event)
    return state


def evolve(state: RunState, event: Event) -> None:
    """One more event.  mypy fails here if one of the eight is forgotten."""
    state.sequence += 1
    match event:
        case NodeStarted():
            _start(state, event)
        case NodeCompleted():
            _complete(state, event)
        case NodeFailed():
            _fail(state, event)
        case NodeSkipped():
            _skip(state, event)
        case WorkflowStarted():
            _open(state, event)
        case WorkflowCompleted():
            _close(state, RunStatus.COMPLETED)
            state.outputs = stored(event.outputs, event.outputs_blob)
        case WorkflowFailed():
            _close(state, RunStatus.FAILED)
            state.error = event.error
        case WorkflowCancelled():
            _close(state, RunStatus.CANCELLED)
        case _:
            assert_never(event)


def stored(inline: Raw | UnsetType, blob: BlobRef | None) -> Stored:
    """Where a value is: in the event itself, in a blob, or nowhere."""
    return blob if inline is UNSET else inline


def _open(state: RunState, event: WorkflowStarted) -> None:
    if event.attempt != state.attempt + 1:
        raise _illegal(state, f"attempt {event.attempt} follows on attempt {state.attempt}")
    if set(event.interrupted) != set(state.running):
        raise _illegal(
            state,
            f"lists {_names(event.interrupted)} as interrupted, but in flight were "
            f"{_names(state.running)}",
        )
    state.attempt = event.attempt
    state.status = RunStatus.RUNNING
    state.error = None
    state.deadline = event.deadline
    if event.attempt == 1:
        state.inputs = stored(event.inputs, event.inputs_blob)
    for name in event.interrupted:
        _interrupt(state, state.nodes[name])
    _reset(state, [_node(state, name) for name in event.reset])


def _interrupt(state: RunState, node: NodeState) -> None:
    del state.running[node.id]
    node.status = NodeStatus.INTERRUPTED
    node.interruptions += 1
    _enqueue(state, node)


def _reset(state: RunState, nodes: list[NodeState]) -> None:
    for node in nodes:
        if not node.is_ended:
            raise _illegal(state, f"resets {node.id}, which has not ended")
        _count(state, node, -1)
        state.open_nodes += 1
        state.failed.pop(node.id, None)
        state.stopped.pop(node.id, None)
        node.status = NodeStatus.PENDING
        node.tries = node.interruptions = 0
        node.output = node.error = node.retry_at = None
        node.roots = frozenset()
    for node in nodes:
        _enqueue(state, node)


def _close(state: RunState, status: RunStatus) -> None:
    if state.status is not RunStatus.RUNNING:
        raise _illegal(state, f"workflow_{status} of a run that is {state.status}")
    if status is RunStatus.COMPLETED and (state.open_nodes or state.failed):
        raise _illegal(state, "workflow_completed, but nodes have not ended or have failed")
    if status is not RunStatus.CANCELLED and state.running:
        raise _illegal(state, f"workflow_{status} while {_names(state.running)} still run")
    state.status = status


def _start(state: RunState, event: NodeStarted) -> None:
    node = _move(state, event.node_id, Move.START)
    if node.missing:
        raise _illegal(state, f"{node.id} started before its upstream had ended")
    if event.attempt != node.attempt + 1:
        raise _illegal(
            state, f"{node.id} started as attempt {event.attempt} after attempt {node.attempt}"
        )
    was_retrying = node.status is NodeStatus.RETRYING
    node.attempt = event.attempt
    node.status = NodeStatus.RUNNING
    node.retry_at = None
    state.running[node.id] = None
    (state.retries if was_retrying else state.ready).settle()


def _complete(state: RunState, event: NodeCompleted) -> None:
    node = _move(state, event.node_id, Move.COMPLETE)
    _same_attempt(state, node, event.attempt)
    node.output = stored(event.output, event.output_blob)
    _end(state, node, NodeStatus.SUCCESS)


def _fail(state: RunState, event: NodeFailed) -> None:
    move = Move.FAIL if event.retry_at is None else Move.RETRY
    node = _move(state, event.node_id, move)
    _same_attempt(state, node, event.attempt)
    node.error = event.error
    if event.error.type != INTERRUPTED:
        node.tries += 1
        node.interruptions = 0
    if event.retry_at is not None:
        _await_retry(state, node, event.retry_at)
        return
    node.roots = frozenset((node.id,))
    if event.error.type == STOPPED:
        state.stopped[node.id] = None
        _end(state, node, NodeStatus.FAILED)
    elif node.planned.node.allow_failure:
        _end(state, node, NodeStatus.ALLOWED)
    else:
        state.failed[node.id] = None
        _end(state, node, NodeStatus.FAILED)
    state.closing.settle()


def _await_retry(state: RunState, node: NodeState, retry_at: datetime) -> None:
    del state.running[node.id]
    node.status = NodeStatus.RETRYING
    node.retry_at = retry_at
    _enqueue(state, node)


def _skip(state: RunState, event: NodeSkipped) -> None:
    node = _move(state, event.node_id, Move.SKIP)
    if node.missing:
        raise _illegal(state, f"{node.id} skipped before its upstream had ended")
    node.roots = roots_of(state, node) or frozenset((node.id,))
    _end(state, node, NodeStatus.UPSTREAM_FAILED if event.upstream_failed else NodeStatus.SKIPPED)
    state.closing.settle()
    state.ready.settle()


def roots_of(state: RunState, node: NodeState) -> frozenset[str]:
    """The nodes that the failures and skips directly upstream of ``node`` go back to."""
    roots: frozenset[str] = frozenset()
    for name in node.planned.upstream:
        # The union is only made where it differs, so that long skipped branches share one set.
        more = state.nodes[name].roots
        roots = more if more >= roots else roots if roots >= more else roots | more
    return roots


def _end(state: RunState, node: NodeState, status: NodeStatus) -> None:
    state.running.pop(node.id, None)
    state.open_nodes -= 1
    node.status = status
    _count(state, node, +1)
    for name in node.planned.downstream:
        _enqueue(state, state.nodes[name])


def _count(state: RunState, node: NodeState, step: int) -> None:
    """Add (+1) or take back (-1) the outcome of ``node`` in everything downstream of it."""
    outcome = node.status.value
    for name in node.planned.downstream:
        below = state.nodes[name]
        below.missing -= step
        setattr(below.upstream, outcome, getattr(below.upstream, outcome) + step)


def _enqueue(state: RunState, node: NodeState) -> None:
    """Put a node that waits for nothing upstream where ``decide`` will look for it."""
    order = node.planned.order
    if node.is_given_up:
        state.closing.push(order)
    elif node.missing:
        return  # also an attempt to be made again waits, if its upstream was reset meanwhile
    elif node.retry_at is not None:
        state.retries.push((node.retry_at, order))
    elif node.status is NodeStatus.INTERRUPTED or (
        node.is_judged and node.verdict() is Verdict.START
    ):
        state.ready.push(order)
    elif node.is_judged:
        state.closing.push(order)


def _move(state: RunState, node_id: str, move: Move) -> NodeState:
    node = _node(state, node_id)
    if state.status is not RunStatus.RUNNING and not (
        state.status is RunStatus.CANCELLED and move in MOVES_AFTER_CANCEL
    ):
        raise _illegal(state, f"a node event for {node_id} in a run that is {state.status}")
    if node.status not in LEGAL_MOVES[move]:
        raise _illegal(state, f"{node_id} cannot {move}: it is {node.status}")
    return node


def _node(state: RunState, node_id: str) -> NodeState:
    node = state.nodes.get(node_id)
    if node is None:
        raise _illegal(state, f"{node_id} is not a node of this workflow")
    return node


def _same_attempt(state: RunState, node: NodeState, attempt: int) -> None:
    if attempt != node.attempt:
        raise _illegal(
            state, f"an outcome of attempt {attempt} of {node.id}, which is at {node.attempt}"
        )


def _illegal(state: RunState, problem: str) -> IllegalEventError:
    return IllegalEventError(problem, sequence=state.sequence)


def _names(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"
