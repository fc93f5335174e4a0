"""What an executor or a person reported, held against what the engine makes of such a report.

Part of the audit.  What an attempt gave is up to it; whether a failure of it is final, and when it
is tried again, is not, nor which answers an approval takes.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
from msgspec import UNSET

from indelible import values
from indelible.definition.model import Approval
from indelible.engine.audit_events import Misfit
from indelible.engine.audit_turns import Moment
from indelible.engine.outputs import Blobs, bytes_of
from indelible.engine.retry import retry_at
from indelible.engine.state import NodeState, RunState
from indelible.engine.status import RunStatus
from indelible.events import NodeCompleted, NodeFailed
from indelible.values import Json

REJECTED = "Rejected"
"""Error type of an approval that was answered with a choice that fails."""

_ROUNDING = timedelta(microseconds=1)


class _Answer(msgspec.Struct, frozen=True):
    """The output of an approval, as far as the audit looks at it."""

    choice: str
    by: str
    at: datetime
    answer: Json = None


def check_attempt(
    state: RunState, node: NodeState, event: NodeCompleted | NodeFailed, moment: Moment
) -> None:
    """The outcome of an attempt.  Raises ``Misfit``."""
    if isinstance(event, NodeFailed):
        _check_failure(state, node, event, moment)
        return
    if event.output_from is not None:
        raise Misfit(f"{node.id} has the output of other nodes, but nothing is inside it")
    if (event.output is UNSET) is (event.output_blob is None):
        raise Misfit(f"{node.id} completed, but not with one output")


def check_answer(
    state: RunState,
    node: NodeState,
    event: NodeCompleted | NodeFailed,
    moment: Moment,
    blobs: Blobs,
) -> None:
    """The answer to an approval.  Raises ``Misfit``, and ``BlobsNeeded`` for one beside the log."""
    body = node.node.body
    assert isinstance(body, Approval)
    if state.status is not RunStatus.RUNNING:
        raise Misfit(f"{node.id} was answered in a run that is {state.status}")
    if isinstance(event, NodeFailed):
        is_offered = any(choice.fails for choice in body.choices)
        if event.error.type != REJECTED or event.retry_at is not None or not is_offered:
            raise Misfit(f"{node.id} failed, but not because somebody rejected it")
        return
    kept = event.output if event.output_blob is None else event.output_blob
    if kept is UNSET or event.output_from is not None:
        raise Misfit(f"{node.id} completed without an answer")
    _check_content(node, body, bytes_of(kept, blobs), moment)


def _check_failure(state: RunState, node: NodeState, event: NodeFailed, moment: Moment) -> None:
    """``retry_at`` must be what the policy says, for some roll of the dice."""
    if state.status is not RunStatus.RUNNING:
        return  # nothing is tried again then, as the table of legal moves has it
    soonest, latest = (_moment_of(node, event, moment, roll) for roll in (0.0, 1.0))
    if soonest is None or latest is None or event.retry_at is None:
        if soonest is not event.retry_at:
            said, wanted = ("final", "not") if event.retry_at is None else ("not final", "so")
            raise Misfit(f"the failure of {node.id} is {said}, but by its policy it is {wanted}")
        return
    is_late = event.retry_at > latest + _ROUNDING
    if is_late or (moment.is_exact and event.retry_at < soonest - _ROUNDING):
        raise Misfit(
            f"{node.id} is to be tried again at {event.retry_at.isoformat()}; its policy says "
            f"{soonest.isoformat()} to {latest.isoformat()}"
        )


def _moment_of(node: NodeState, event: NodeFailed, moment: Moment, roll: float) -> datetime | None:
    return retry_at(node, event.error, now=moment.at, roll=roll)


def _check_content(node: NodeState, body: Approval, raw: bytes, moment: Moment) -> None:
    try:
        answer = msgspec.json.decode(raw, type=_Answer)
    except msgspec.MsgspecError:
        raise Misfit(f"{node.id} completed with something that is no answer") from None
    if not any(choice.id == answer.choice and not choice.fails for choice in body.choices):
        raise Misfit(f"{node.id} completed with {answer.choice!r}, which is not one of its choices")
    if answer.at.tzinfo is None or not moment.may_be(answer.at):
        raise Misfit(f"the answer to {node.id} was given after it was written down")
    if body.answer_schema is None:
        return
    from indelible.schemas import validate

    problem = validate(body.answer_schema, values.decode(msgspec.json.encode(answer.answer)))
    if problem:
        raise Misfit(f"the answer to {node.id} does not fit its schema: {problem}")
