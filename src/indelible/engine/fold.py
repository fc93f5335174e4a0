"""State from events: ``state = fold(plan, run_id, events)``, and nothing else makes state.

``evolve`` changes the state it is given, in time proportional to the node's out-edges, and refuses
an event that the table of legal moves has no row for.  After such a refusal the state is spoilt;
fold again from the log.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import assert_never

from msgspec import UNSET, Raw, UnsetType

from indelible.engine.admission import count_in, count_outcome, enqueue, release
from indelible.engine.reset import reset
from indelible.engine.roots import roots_inside, roots_of
from indelible.engine.state import NodeState, RunState, illegal
from indelible.engine.status import (
    INTERRUPTED,
    LEGAL_MOVES,
    MOVES_AFTER_CANCEL,
    STOPPED,
    WAITS,
    Move,
    NodeStatus,
    Role,
    RunStatus,
)
from indelible.engine.tree import around, forgives, grow_graph, grow_instance, next_iteration, prune
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
    for node in grow_graph(state, plan.graph, None):
        enqueue(state, node)
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
        raise illegal(state, f"attempt {event.attempt} follows on attempt {state.attempt}")
    if set(event.interrupted) != set(state.running):
        raise illegal(
            state,
            f"lists {_names(event.interrupted)} as interrupted, but in flight were "
            f"{_names(state.running)}",
        )
    state.attempt = event.attempt
    state.status = RunStatus.RUNNING
    state.error = None
    state.deadline = event.deadline
    given = stored(event.inputs, event.inputs_blob)
    state.inputs = state.inputs if given is None else given
    for name in event.interrupted:
        _interrupt(state, state.nodes[name])
    reset(state, [_node(state, name) for name in event.reset], frozenset(event.reset_explicitly))


def _interrupt(state: RunState, node: NodeState) -> None:
    del state.running[node.id]
    node.status = NodeStatus.INTERRUPTED
    node.interruptions += 1
    release(state, node)
    enqueue(state, node)


def _close(state: RunState, status: RunStatus) -> None:
    if state.status is not RunStatus.RUNNING:
        raise illegal(state, f"workflow_{status} of a run that is {state.status}")
    if status is RunStatus.COMPLETED and (state.open_nodes or failed_nodes(state)):
        raise illegal(state, "workflow_completed, but nodes have not ended or have failed")
    if status is not RunStatus.CANCELLED and state.running:
        raise illegal(state, f"workflow_{status} while {_names(state.running)} still run")
    state.status = status


def failed_nodes(state: RunState) -> list[NodeState]:
    """The nodes of the workflow itself that failed, and with which the run fails."""
    failed = (state.nodes[name] for name in (*state.failed, *state.stopped))
    return [node for node in failed if node.parent is None]


def _start(state: RunState, event: NodeStarted) -> None:
    node = state.nodes.get(event.node_id) or _next_iteration(state, event.node_id)
    _check_move(state, node, Move.START)
    if node.missing:
        raise illegal(state, f"{node.id} started before its upstream had ended")
    if event.attempt != node.attempt + 1:
        raise illegal(
            state, f"{node.id} started as attempt {event.attempt} after attempt {node.attempt}"
        )
    was_retrying = node.status is NodeStatus.RETRYING
    node.attempt = event.attempt
    node.retry_at = None
    node.refused = event.refused
    _begin(state, node, event)
    if was_retrying:
        state.retries.settle()
    else:
        state.ready.leave(node.serial)
    if state.closing:
        state.closing.settle()


def _begin(state: RunState, node: NodeState, event: NodeStarted) -> None:
    """What a start means for ``node``, by its role."""
    if event.refused is not None:
        node.status = NodeStatus.RUNNING
        enqueue(state, node)
    elif node.role in WAITS:
        node.status = NodeStatus.WAITING
        node.waiting = event.waiting
        state.waiting[node.id] = None
        enqueue(state, node)
    elif node.is_container:
        node.status = NodeStatus.RUNNING
        _expand(state, node, event.instances)
    else:
        node.status = NodeStatus.RUNNING
        state.running[node.id] = None
        count_in(node)


def _next_iteration(state: RunState, node_id: str) -> NodeState:
    """An iteration of a loop comes to be with its start."""
    loop = state.nodes.get(node_id.rpartition("#")[0])
    if loop is None or loop.role is not Role.LOOP or next_iteration(loop) != node_id:
        raise _unknown(state, node_id)
    if loop.status is not NodeStatus.RUNNING or loop.open_children:
        raise illegal(state, f"{node_id} started while {loop.id} is not at its turn")
    return grow_instance(state, loop, len(loop.children or ()) + 1)


def _expand(state: RunState, node: NodeState, instances: int | None) -> None:
    """What is inside a container comes to be, and can start."""
    inner: Sequence[NodeState] = ()
    if node.role is Role.MAP:
        inner = [grow_instance(state, node, index) for index in range(instances or 0)]
    elif node.planned.inner is not None and node.role is Role.COMPOSITE:
        inner = grow_graph(state, node.planned.inner, node)
    for child in inner:
        enqueue(state, child)
    enqueue(state, node)


def _complete(state: RunState, event: NodeCompleted) -> None:
    node = _move(state, event.node_id, Move.COMPLETE, event.attempt)
    if node.open_children:
        raise illegal(state, f"{node.id} completed before everything in it had ended")
    node.output = stored(event.output, event.output_blob)
    _end(state, node, NodeStatus.SUCCESS)


def _fail(state: RunState, event: NodeFailed) -> None:
    move = Move.FAIL if event.retry_at is None else Move.RETRY
    node = _move(state, event.node_id, move, event.attempt)
    if node.open_children and any(child.is_begun for child in node.children or ()):
        raise illegal(state, f"{node.id} failed before everything in it had ended")
    if node.open_children:
        prune(state, node)  # refused as it began
    node.error = event.error
    if event.error.type != INTERRUPTED:
        node.tries += 1
        node.interruptions = 0
    if event.retry_at is not None:
        del state.running[node.id]
        node.status = NodeStatus.RETRYING
        node.retry_at = event.retry_at
        release(state, node)
        enqueue(state, node)
        return
    node.roots = roots_inside(node) or frozenset((node.id,))
    _end(state, node, _kind_of_failure(state, node))


def _kind_of_failure(state: RunState, node: NodeState) -> NodeStatus:
    assert node.error is not None
    if node.error.type == STOPPED:
        state.stopped[node.id] = None
        return NodeStatus.FAILED
    if node.node.allow_failure and not node.is_instance:
        return NodeStatus.ALLOWED
    state.failed[node.id] = None
    is_root = node.id in node.roots
    if is_root and not any(forgives(parent) for parent in around(node)):
        state.fatal[node.id] = None
    return NodeStatus.FAILED


def _skip(state: RunState, event: NodeSkipped) -> None:
    node = _node(state, event.node_id)
    _check_move(state, node, Move.SKIP)
    if node.missing or node.is_instance:
        raise illegal(state, f"{node.id} skipped before its upstream had ended")
    node.roots = roots_of(state, node) or frozenset((node.id,))
    _end(state, node, NodeStatus.UPSTREAM_FAILED if event.upstream_failed else NodeStatus.SKIPPED)
    state.ready.settle()


def _end(state: RunState, node: NodeState, status: NodeStatus) -> None:
    state.running.pop(node.id, None)
    state.waiting.pop(node.id, None)
    state.open_nodes -= 1
    node.status = status
    release(state, node)
    count_outcome(state, node, +1)
    for below in node.below or ():
        enqueue(state, below)
    parent = node.parent
    if parent is not None:
        parent.open_children -= 1
        if not parent.open_children:
            enqueue(state, parent)
    if state.closing:
        state.closing.settle()


def _move(state: RunState, node_id: str, move: Move, attempt: int) -> NodeState:
    """The node whose attempt has ended in this way."""
    node = _node(state, node_id)
    _check_move(state, node, move)
    if attempt != node.attempt:
        raise illegal(
            state, f"an outcome of attempt {attempt} of {node.id}, which is at {node.attempt}"
        )
    return node


def _check_move(state: RunState, node: NodeState, move: Move) -> None:
    if state.status is not RunStatus.RUNNING and not (
        state.status is RunStatus.CANCELLED and move in MOVES_AFTER_CANCEL
    ):
        raise illegal(state, f"a node event for {node.id} in a run that is {state.status}")
    if node.status not in LEGAL_MOVES[move]:
        raise illegal(state, f"{node.id} cannot {move}: it is {node.status}")


def _node(state: RunState, node_id: str) -> NodeState:
    node = state.nodes.get(node_id)
    if node is None:
        raise _unknown(state, node_id)
    return node


def _unknown(state: RunState, node_id: str) -> IllegalEventError:
    return illegal(state, f"{node_id} is not a node of this workflow")


def _names(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"
