"""What to do next, given what has happened.  No clock, no randomness, no I/O.

``decide`` looks only at queues that ``evolve`` keeps: nodes that end without starting, containers
that are through, timers and retries that are due, nodes that may start.  It never scans all nodes,
so a turn costs what it changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import chain

from indelible.engine.actions import (
    Action,
    CompleteNode,
    CompleteRun,
    FailNode,
    FailRun,
    FetchBlobs,
    RefuseNode,
    SkipNode,
    StopNode,
)
from indelible.engine.begin import Iteration, begin
from indelible.engine.containers import wind_up
from indelible.engine.fold import failed_nodes
from indelible.engine.gate import first_full
from indelible.engine.outputs import Blobs, BlobsNeeded
from indelible.engine.render import UNRENDERABLE, outputs_of
from indelible.engine.roots import roots_of, union
from indelible.engine.scope import Scope
from indelible.engine.state import NodeState, RunState
from indelible.engine.status import INTERRUPTED, STOPPED, NodeStatus, RunStatus
from indelible.engine.tree import next_attempt
from indelible.engine.trigger_rules import Verdict
from indelible.events import MAX_NAMED, NodeError, NodeSkipped, WorkflowFailed

EXPRESSION_ERROR = "ExpressionError"
TIMEOUT = "Timeout"


def decide(state: RunState, now: datetime, blobs: Blobs) -> tuple[Action, ...]:
    """Everything that can be done now, in the order in which it is to be recorded.

    Ask again after folding the events of these actions, until nothing follows.
    """
    match state.status:
        case RunStatus.RUNNING:
            return _decide_running(state, now, blobs)
        case RunStatus.CANCELLED:
            return _stop_all(state, "the run was cancelled")
        case _:
            return ()


def next_moment(state: RunState, now: datetime) -> datetime | None:
    """When there may be something to decide though nothing happens: a retry, a timer, the deadline.

    A retry that is due already waits for a place, not for a moment.
    """
    if state.status is not RunStatus.RUNNING:
        return None
    if not (state.retries or state.timers):
        return state.deadline
    retry = next((moment for moment, _ in state.retries if moment > now), None)
    timer = state.timers.first()
    moments = (retry, timer and timer[0], state.deadline)
    return min((moment for moment in moments if moment is not None), default=None)


def _decide_running(state: RunState, now: datetime, blobs: Blobs) -> tuple[Action, ...]:
    if state.open_nodes == 0 and not state.stopped:
        return (_finish(state, blobs),)
    if state.deadline is not None and state.deadline <= now:
        return _end_early(state, NodeError(type=TIMEOUT, message="the run passed its timeout"))
    if state.plan.definition.fail_fast and state.fatal:
        return _end_early(state, _failure(state, state.fatal))
    if state.open_nodes == 0:
        return (_finish(state, blobs),)
    return tuple(_what_follows(state, now, blobs))


def _what_follows(state: RunState, now: datetime, blobs: Blobs) -> list[Action]:
    """All that can be done in a run that goes on."""
    actions: list[Action] = []
    if state.closing:
        actions += _close_nodes(state, now, blobs)
    if state.timers:
        actions += _due_timers(state, now)
    if state.retries or state.ready:
        actions += _starts(state, now, blobs)
    return actions


def _close_nodes(state: RunState, now: datetime, blobs: Blobs) -> Iterator[Action]:
    for serial in state.closing:
        node = state.by_serial[serial]
        if node.refused is not None and node.status is NodeStatus.RUNNING:
            yield FailNode(node.id, node.attempt, node.refused)
        elif node.is_given_up:
            yield FailNode(node.id, node.attempt, _interrupted(node))
        elif node.is_container and not node.is_judged:
            yield from _wind_up(state, node, now, blobs)
        else:
            yield SkipNode(skipped_by_rule(state, node))


def _wind_up(state: RunState, node: NodeState, now: datetime, blobs: Blobs) -> Iterator[Action]:
    def iterate(loop: NodeState, index: int) -> Action:
        return _begin(state, loop, now, blobs, index)

    try:
        action = wind_up(node, Scope(state, blobs, node), iterate)
    except BlobsNeeded as needed:
        action = FetchBlobs(needed.refs)
    except UNRENDERABLE as error:
        action = FailNode(node.id, node.attempt, _expression_error(error))
    if action is not None:
        yield action


def _due_timers(state: RunState, now: datetime) -> Iterator[Action]:
    for moment, serial in state.timers:
        if moment > now:
            return
        node = state.by_serial[serial]
        yield CompleteNode(node.id, node.attempt, output=b"null")


def _starts(state: RunState, now: datetime, blobs: Blobs) -> Iterator[Action]:
    serials = chain(_due_retries(state, now), state.ready) if state.retries else state.ready
    for serial in serials:
        yield _begin(state, state.by_serial[serial], now, blobs)


def _due_retries(state: RunState, now: datetime) -> Iterator[int]:
    """One of them: whether there is room for the next is known when this one has started."""
    for moment, serial in state.retries:
        if moment > now:
            return
        if first_full(state.by_serial[serial].gate) is None:
            yield serial
            return


def _begin(
    state: RunState, node: NodeState, now: datetime, blobs: Blobs, index: int | None = None
) -> Action:
    own = Scope(state, blobs, node, index)
    iteration = None if index is None else _iteration(state, f"{node.id}#{index}")
    try:
        return begin(state.plan.definition, node, own, now, iteration)
    except BlobsNeeded as needed:
        return FetchBlobs(needed.refs)
    except UNRENDERABLE as error:
        if index is not None:
            return FailNode(node.id, node.attempt, _expression_error(error))
        return RefuseNode(node.id, node.attempt + 1, _expression_error(error))


def _iteration(state: RunState, path: str) -> Iteration:
    return Iteration(path, next_attempt(state, path))


def _finish(state: RunState, blobs: Blobs) -> Action:
    failed = failed_nodes(state)
    if failed:
        return _fail_run(state, _failure(state, _roots(failed)))
    try:
        outputs = outputs_of(state.plan.definition.outputs, Scope(state, blobs))
        return CompleteRun(outputs)
    except BlobsNeeded as needed:
        return FetchBlobs(needed.refs)
    except UNRENDERABLE as error:
        return _fail_run(state, _expression_error(error, "outputs of the workflow: "))


def _end_early(state: RunState, error: NodeError) -> tuple[Action, ...]:
    """Stop what runs, and once nothing does, fail."""
    if state.running:
        return _stop_all(state, error.message)
    return (_fail_run(state, error),)


def _stop_all(state: RunState, reason: str) -> tuple[Action, ...]:
    error = NodeError(type=STOPPED, message=f"stopped: {reason}")
    return tuple(StopNode(name, error) for name in state.running)


def _fail_run(state: RunState, error: NodeError) -> FailRun:
    failed = list(state.fatal) or _roots(failed_nodes(state))
    return FailRun(
        WorkflowFailed(error=error, failed=tuple(failed[:MAX_NAMED]), failed_count=len(failed))
    )


def _roots(failed: list[NodeState]) -> list[str]:
    return sorted(union(node.roots for node in failed))


def _failure(state: RunState, failed: Iterable[str]) -> NodeError:
    names = tuple(failed)
    shown = ", ".join(names[:MAX_NAMED]) + (", …" if len(names) > MAX_NAMED else "")
    noun = "node" if len(names) == 1 else "nodes"
    return NodeError(type="NodesFailed", message=f"{len(names)} {noun} failed: {shown}")


def _interrupted(node: NodeState) -> NodeError:
    times = "once" if node.interruptions == 1 else f"{node.interruptions} times in a row"
    return NodeError(
        type=INTERRUPTED,
        message=f"the process that ran it ended {times} while it was running; not run again",
    )


def _expression_error(error: Exception, where: str = "") -> NodeError:
    return NodeError(type=EXPRESSION_ERROR, message=f"{where}{error}")


def skipped_by_rule(state: RunState, node: NodeState) -> NodeSkipped:
    """Why ``node``, which its trigger rule does not let start, is skipped."""
    roots = roots_of(state, node)
    return NodeSkipped(
        node_id=node.id,
        reason="trigger_rule",
        rule=node.rule.value,
        upstream=node.upstream.counts(),
        cause=tuple(sorted(roots)[:MAX_NAMED]),
        cause_count=len(roots),
        upstream_failed=node.verdict() is Verdict.UPSTREAM_FAILED,
    )
