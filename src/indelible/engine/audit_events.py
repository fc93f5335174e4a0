"""What ``decide`` would have made of one node, held against the event that the log has of it.

Part of the audit.  The order of a turn's events is left open: it depends on how many attempts the
machine allowed.  Each event by itself follows from the state before it, through the same rules,
plans and expressions that ``decide`` asks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import msgspec
from msgspec import UNSET, Raw, UnsetType

from indelible.definition.model import Definition, Wait
from indelible.engine.actions import Action, CompleteNode, FailNode, OpenNode, RefuseNode, SkipNode
from indelible.engine.audit_turns import Moment, knows_slots
from indelible.engine.begin import Iteration, begin
from indelible.engine.containers import wind_up
from indelible.engine.decide import EXPRESSION_ERROR, skipped_by_rule
from indelible.engine.render import UNRENDERABLE
from indelible.engine.scope import Scope
from indelible.engine.state import NodeState, RunState
from indelible.engine.status import INTERRUPTED, NodeStatus, Role
from indelible.engine.tree import next_attempt, next_iteration
from indelible.engine.trigger_rules import Verdict
from indelible.events import (
    BlobRef,
    NodeCompleted,
    NodeError,
    NodeFailed,
    NodeSkipped,
    NodeStarted,
)


class Misfit(Exception):  # noqa: N818 - what the audit looks for, not a failure of it
    """The event is not what the engine writes in this state.

    ``node`` is set if only the value of an expression of that node speaks against the event.
    """

    def __init__(self, problem: str, *, node: NodeState | None = None) -> None:
        super().__init__(problem)
        self.problem = problem
        self.node = node


def check_start(state: RunState, event: NodeStarted, scope: Scope, moment: Moment) -> Action | None:
    """What ``decide`` would have done to start this node; None if fold will refuse the event.

    A ``RefuseNode`` means that a failure has to follow at once.  Raises ``Misfit``.
    """
    node = state.nodes.get(event.node_id)
    if node is None:
        return _check_iteration(state, event, scope, moment)
    if node.missing or node.is_ended:
        return None
    problem = _not_startable(state, node, moment)
    if problem:
        raise Misfit(f"{node.id} started, though {problem}")
    action = _rendered(node, lambda: begin(_definition(state), node, scope.at(node), moment.at))
    _compare_start(node, action, event, moment)
    return action


def check_skip(state: RunState, event: NodeSkipped, scope: Scope, moment: Moment) -> None:
    """Raises ``Misfit`` if the node was not to be skipped, or not like this."""
    node = state.nodes.get(event.node_id)
    if node is None or not node.is_judged or node.is_instance:
        return
    if node.verdict() is not Verdict.START:
        _compare_skip(node, skipped_by_rule(state, node), event)
        return
    action = _rendered(node, lambda: begin(_definition(state), node, scope.at(node), moment.at))
    if not isinstance(action, SkipNode):
        by_rule = event.reason != "when"
        problem = f"{node.id} was skipped, but its trigger rule and its condition let it start"
        raise Misfit(problem, node=None if by_rule else node)
    _compare_skip(node, action.event, event)


def check_end(
    state: RunState,
    node: NodeState,
    event: NodeCompleted | NodeFailed,
    scope: Scope,
    moment: Moment,
) -> None:
    """An end that no executor and no person reported.  Raises ``Misfit``."""
    if node.status is NodeStatus.RUNNING and node.refused is not None:
        if not isinstance(event, NodeFailed) or event.error != node.refused:
            raise Misfit(f"{node.id} was to fail with the error that it began with")
    elif node.status is NodeStatus.INTERRUPTED:
        if not node.is_given_up or not _is_failure(event, INTERRUPTED):
            raise Misfit(f"{node.id} was interrupted, and may run again; it has not ended")
    elif node.role is Role.TIMER:
        _check_timer(node, event, moment)
    elif node.is_container and node.status is NodeStatus.RUNNING and not node.open_children:
        _compare_end(node, _wound_up(state, node, scope, moment), event)
    elif node.is_container:
        raise Misfit(f"{node.id} ended before everything in it had ended")


def is_same_value(inline: Raw | UnsetType, blob: BlobRef | None, expected: bytes | None) -> bool:
    """Whether an event carries ``expected``: in itself, beside the log, or not at all."""
    if blob is not None:
        digest = "" if expected is None else hashlib.sha256(expected).hexdigest()
        return inline is UNSET and blob.sha256 == digest
    return expected is None if inline is UNSET else bytes(inline) == expected


def _definition(state: RunState) -> Definition:
    return state.plan.definition


def _not_startable(state: RunState, node: NodeState, moment: Moment) -> str:
    match node.status:
        case NodeStatus.PENDING if node.verdict() is not Verdict.START:
            return f"its trigger rule {node.rule} says {node.verdict()}"
        case NodeStatus.RETRYING if node.retry_at and not moment.may_be(node.retry_at):
            return f"its retry was to wait until {node.retry_at.isoformat()}"
        case NodeStatus.INTERRUPTED if node.is_given_up:
            return "it was interrupted too often to run again"
        case NodeStatus.PENDING | NodeStatus.INTERRUPTED if node.role is Role.ATTEMPT:
            is_admitted = node.is_admitted or not knows_slots(state)
            return "" if is_admitted else "max_parallel attempts ran already"
    return ""


def _check_iteration(
    state: RunState, event: NodeStarted, scope: Scope, moment: Moment
) -> Action | None:
    loop = state.nodes.get(event.node_id.rpartition("#")[0])
    if loop is None or loop.role is not Role.LOOP or next_iteration(loop) != event.node_id:
        return None
    if loop.status is not NodeStatus.RUNNING or loop.open_children:
        return None
    action = _wound_up(state, loop, scope, moment)
    if isinstance(action, CompleteNode | FailNode):
        raise Misfit(f"{event.node_id} started, but {loop.id} was to end", node=loop)
    _compare_start(loop, action, event, moment)
    return action


def _wound_up(state: RunState, node: NodeState, scope: Scope, moment: Moment) -> Action:
    """What becomes of a container in which nothing is open."""

    def iterate(loop: NodeState, index: int) -> Action:
        path = f"{loop.id}#{index}"
        iteration = Iteration(path, next_attempt(state, path))
        return begin(_definition(state), loop, scope.at(loop, index), moment.at, iteration)

    try:
        action = wind_up(node, scope.at(node), iterate)
        # There was room for the iteration when it was decided on; others may have taken it since.
        return iterate(node, len(node.children or ()) + 1) if action is None else action
    except UNRENDERABLE as error:
        return FailNode(node.id, node.attempt, _unrenderable(error))


def _rendered(node: NodeState, begun: Callable[[], Action]) -> Action:
    try:
        return begun()
    except UNRENDERABLE as error:
        return RefuseNode(node.id, node.attempt + 1, _unrenderable(error))


def _unrenderable(error: Exception) -> NodeError:
    return NodeError(type=EXPRESSION_ERROR, message=str(error))


def _compare_start(node: NodeState, action: Action, event: NodeStarted, moment: Moment) -> None:
    if isinstance(action, SkipNode):
        raise Misfit(f"{event.node_id} started, but its condition does not hold", node=node)
    if isinstance(action, OpenNode):
        expected = action.event
    else:
        expected = NodeStarted(node_id=event.node_id, attempt=event.attempt)
    if event.instances != expected.instances or event.items_digest != expected.items_digest:
        raise Misfit(
            f"{event.node_id} was expanded to {event.instances} instances, which are not those "
            "that its for_each gives",
            node=node,
        )
    if not _is_same_wait(node, event, expected, moment):
        raise Misfit(f"{event.node_id} waits for something else than it was to", node=node)


def _is_same_wait(
    node: NodeState, event: NodeStarted, expected: NodeStarted, moment: Moment
) -> bool:
    found, wanted = event.waiting, expected.waiting
    if found is None or wanted is None or found.until is None or wanted.until is None:
        return found == wanted
    is_counted = isinstance(node.node.body, Wait) and node.node.body.duration is not None
    if is_counted and not moment.is_exact:
        return found.until <= wanted.until
    return found == wanted


def _compare_skip(node: NodeState, expected: NodeSkipped, event: NodeSkipped) -> None:
    for field in msgspec.structs.fields(NodeSkipped):
        found, wanted = getattr(event, field.name), getattr(expected, field.name)
        if found != wanted:
            raise Misfit(f"{node.id} was skipped with {field.name} {found!r}, not {wanted!r}")


def _compare_end(node: NodeState, action: Action, event: NodeCompleted | NodeFailed) -> None:
    match action, event:
        case CompleteNode(output=output, output_from=output_from), NodeCompleted():
            if event.output_from != output_from:
                raise Misfit(f"{node.id} has the output of other nodes than it was to have")
            if not is_same_value(event.output, event.output_blob, output):
                raise Misfit(f"{node.id} has another output than it was to have", node=node)
        case FailNode(error=error), NodeFailed():
            if not _is_failure(event, error.type):
                raise Misfit(f"{node.id} failed with {event.error.type}, not {error.type}")
        case _:
            done = "complete" if isinstance(action, CompleteNode) else "fail"
            wanted = done if isinstance(action, CompleteNode | FailNode) else "go on"
            raise Misfit(f"{node.id} ended, but it was to {wanted}", node=node)


def _check_timer(node: NodeState, event: NodeCompleted | NodeFailed, moment: Moment) -> None:
    until = None if node.waiting is None else node.waiting.until
    if until is None or not moment.may_be(until):
        raise Misfit(f"{node.id} ended before its timer had come due")
    if (
        isinstance(event, NodeFailed)
        or event.output_from is not None
        or not is_same_value(event.output, event.output_blob, b"null")
    ):
        raise Misfit(f"{node.id} is a timer, which completes, and has no output")


def _is_failure(event: NodeCompleted | NodeFailed, kind: str) -> bool:
    return isinstance(event, NodeFailed) and event.error.type == kind and event.retry_at is None
