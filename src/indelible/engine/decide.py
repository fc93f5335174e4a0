"""What to do next, given what has happened.  No clock, no randomness, no I/O.

``decide`` looks only at queues that ``evolve`` keeps: nodes that end without starting, retries that
are due, nodes that may start.  It never scans all nodes, so a turn costs what it changes.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import chain

from indelible.engine.actions import (
    Action,
    CompleteRun,
    FailNode,
    FailRun,
    FetchBlob,
    RefuseNode,
    SkipNode,
    StartNode,
    StopNode,
)
from indelible.engine.fold import roots_of
from indelible.engine.render import (
    UNRENDERABLE,
    arguments_of,
    environment_of,
    holds,
    outputs_of,
)
from indelible.engine.scope import BlobNeeded, Blobs, Scope
from indelible.engine.state import INTERRUPTED, STOPPED, NodeState, RunState, RunStatus
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


def next_moment(state: RunState) -> datetime | None:
    """When there may be something to decide though nothing happens: a retry, the run's deadline."""
    retry = state.retries.first()
    moments = [retry[0]] if retry and _has_slot(state) else []
    if state.deadline is not None and state.status is RunStatus.RUNNING:
        moments.append(state.deadline)
    return min(moments, default=None)


def _decide_running(state: RunState, now: datetime, blobs: Blobs) -> tuple[Action, ...]:
    if state.open_nodes == 0 and not state.stopped:
        return (_finish(state, blobs),)
    if state.deadline is not None and state.deadline <= now:
        return _wind_up(state, NodeError(type=TIMEOUT, message="the run passed its timeout"))
    if state.plan.definition.fail_fast and state.failed:
        return _wind_up(state, _failure(state))
    if state.open_nodes == 0:
        return (_finish(state, blobs),)
    scope = Scope(state, blobs)
    return tuple(chain(_close_nodes(state), _start_nodes(state, now, scope)))


def _close_nodes(state: RunState) -> Iterator[Action]:
    for order in state.closing:
        node = state.at(order)
        if node.is_given_up:
            yield FailNode(node.id, node.attempt, _interrupted(node))
        else:
            yield SkipNode(_skipped_by_rule(state, node))


def _start_nodes(state: RunState, now: datetime, scope: Scope) -> Iterator[Action]:
    limit = state.plan.max_parallel
    slots = limit - len(state.running) if limit else len(state.nodes)
    waiting = chain(_due_retries(state, now), state.ready)
    while slots > 0 and (order := next(waiting, None)) is not None:
        action = _begin(state, state.at(order), scope)
        slots -= isinstance(action, StartNode)
        yield action


def _due_retries(state: RunState, now: datetime) -> Iterator[int]:
    for moment, order in state.retries:
        if moment > now:
            return
        yield order


def _begin(state: RunState, node: NodeState, scope: Scope) -> Action:
    planned = node.planned.node
    attempt = node.attempt + 1
    try:
        # A condition is asked once, before the first attempt.
        if planned.when is not None and node.is_judged and not holds(planned.when, scope):
            return SkipNode(_skipped_by_when(state, node, planned.when))
        return StartNode(
            node.id,
            attempt,
            arguments_of(planned, scope),
            environment_of(state.plan.definition, planned, scope),
        )
    except BlobNeeded as needed:
        return FetchBlob(needed.ref)
    except UNRENDERABLE as error:
        return RefuseNode(node.id, attempt, _expression_error(error))


def _finish(state: RunState, blobs: Blobs) -> Action:
    if state.failed or state.stopped:
        return _fail_run(state, _failure(state))
    try:
        return CompleteRun(outputs_of(state.plan.definition, Scope(state, blobs)))
    except BlobNeeded as needed:
        return FetchBlob(needed.ref)
    except UNRENDERABLE as error:
        return _fail_run(state, _expression_error(error, "outputs of the workflow: "))


def _wind_up(state: RunState, error: NodeError) -> tuple[Action, ...]:
    """End the run early: stop what runs, and once nothing does, fail."""
    if state.running:
        return _stop_all(state, error.message)
    return (_fail_run(state, error),)


def _stop_all(state: RunState, reason: str) -> tuple[Action, ...]:
    error = NodeError(type=STOPPED, message=f"stopped: {reason}")
    return tuple(StopNode(name, error) for name in state.running)


def _fail_run(state: RunState, error: NodeError) -> FailRun:
    failed = tuple(state.failed or state.stopped)
    return FailRun(WorkflowFailed(error=error, failed=failed[:MAX_NAMED], failed_count=len(failed)))


def _failure(state: RunState) -> NodeError:
    names = tuple(state.failed or state.stopped)
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


def _skipped_by_rule(state: RunState, node: NodeState) -> NodeSkipped:
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


def _skipped_by_when(state: RunState, node: NodeState, when: str) -> NodeSkipped:
    return NodeSkipped(
        node_id=node.id,
        reason="when",
        when=when,
        upstream=node.upstream.counts(),
        cause=(node.id,),
        cause_count=1,
    )


def _has_slot(state: RunState) -> bool:
    limit = state.plan.max_parallel
    return not limit or len(state.running) < limit
