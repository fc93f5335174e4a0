"""The end of a run, held against what ``decide`` makes of the nodes that ended.

Part of the audit.
"""

from __future__ import annotations

from indelible.engine.audit_events import Misfit, is_same_value
from indelible.engine.audit_turns import Moment
from indelible.engine.decide import EXPRESSION_ERROR, TIMEOUT
from indelible.engine.fold import failed_nodes
from indelible.engine.render import UNRENDERABLE, outputs_of
from indelible.engine.roots import union
from indelible.engine.scope import Scope
from indelible.engine.state import RunState
from indelible.events import MAX_NAMED, WorkflowCompleted, WorkflowFailed


def is_ending_early(state: RunState, moment: Moment, *, was_fatal: bool) -> bool:
    """Whether nothing can start or end any more, because the run is to fail as it stands.

    ``was_fatal`` says whether a node had failed for good when the turn began to decide.
    """
    is_late = state.deadline is not None and moment.must_be(state.deadline)
    return is_late or (was_fatal and state.plan.definition.fail_fast)


def is_failing_fast(state: RunState, event: WorkflowFailed) -> bool:
    """Whether the run fails with nodes still open because one of them failed for good."""
    is_fast = state.plan.definition.fail_fast and bool(state.fatal) and state.open_nodes > 0
    return is_fast and event.error.type != TIMEOUT


def check_completed(state: RunState, event: WorkflowCompleted, scope: Scope) -> None:
    """Raises ``Misfit`` if the run was not to complete, or with other outputs."""
    if state.open_nodes or failed_nodes(state):
        return  # fold refuses it
    try:
        outputs = outputs_of(state.plan.definition.outputs, scope)
    except UNRENDERABLE as error:
        raise Misfit(f"the run completed, but its outputs have no value: {error}") from None
    if not is_same_value(event.outputs, event.outputs_blob, outputs):
        raise Misfit("the run completed with other outputs than its nodes gave")


def check_failed(state: RunState, event: WorkflowFailed, scope: Scope, moment: Moment) -> None:
    """Raises ``Misfit`` if the run was not to fail, or for another reason."""
    problem = _not_the_reason(state, event, scope, moment)
    if problem:
        raise Misfit(f"the run failed with {event.error.type}, but {problem}")
    roots = union(node.roots for node in failed_nodes(state))
    failed = list(state.fatal) or sorted(roots)
    if event.failed_count != len(failed) or event.failed != tuple(failed[:MAX_NAMED]):
        raise Misfit(f"the run failed, but not because of {', '.join(event.failed) or 'no node'}")


def _not_the_reason(state: RunState, event: WorkflowFailed, scope: Scope, moment: Moment) -> str:
    is_over = state.open_nodes == 0 and not state.stopped
    match event.error.type:
        case _ if state.running:
            return "nodes were still running"
        case kind if kind == TIMEOUT:
            is_due = state.deadline is not None and moment.may_be(state.deadline)
            return "" if is_due and not is_over else "it had not passed its timeout"
        case kind if kind == EXPRESSION_ERROR:
            return _has_outputs(state, scope)
    if state.open_nodes and not (state.plan.definition.fail_fast and state.fatal):
        return "not all of its nodes had ended"
    return "" if failed_nodes(state) or state.fatal else "none of its nodes had failed"


def _has_outputs(state: RunState, scope: Scope) -> str:
    if state.open_nodes or failed_nodes(state):
        return "its outputs were not asked for"
    try:
        outputs_of(state.plan.definition.outputs, scope)
    except UNRENDERABLE:
        return ""
    return "its outputs have values"
