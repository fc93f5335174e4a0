"""The event that a drive begins with: of a new run, of a resume, of one that changes things."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from msgspec import UNSET, Raw, UnsetType

from indelible import values
from indelible.definition.model import Definition
from indelible.definition.normal import digest_of, encode_definition
from indelible.engine.resume import resumption
from indelible.engine.state import RunState
from indelible.engine.status import RunStatus
from indelible.errors import NotFoundError, RunCancelledError, RunExistsError
from indelible.events import FORMAT, BlobRef, WorkflowStarted
from indelible.runtime.adoption import NOTHING, adopt
from indelible.runtime.log import Log
from indelible.runtime.payloads import keep
from indelible.runtime.runner import Opening
from indelible.values import Json
from indelible.version import __version__


def first_opening(
    log: Log, definition: Definition, inputs: Mapping[str, Json], source: str
) -> Opening:
    """Of a run that has no event yet."""
    recorded = encode_definition(definition)
    kept = keep(log.store, log.run_id, recorded)
    kept_inputs = keep(log.store, log.run_id, values.encode(inputs))

    def opening(state: RunState, now: datetime) -> WorkflowStarted:
        if state.attempt:
            raise RunExistsError(log.run_id)
        return WorkflowStarted(
            format=FORMAT,
            workflow=definition.name,
            attempt=1,
            definition=inline(kept),
            definition_blob=beside(kept),
            definition_digest=digest_of(recorded),
            source=source,
            inputs=inline(kept_inputs),
            inputs_blob=beside(kept_inputs),
            engine=__version__,
            deadline=_deadline(definition, now),
        )

    return opening


def next_opening(
    log: Log,
    *,
    cancelled: bool = False,
    from_nodes: Sequence[str] = (),
    definition: Definition | None = None,
) -> Opening:
    """Of a resume; ``definition`` is the one to go on with, if it is not that of the log."""

    def opening(state: RunState, now: datetime) -> WorkflowStarted:
        _refuse_cancelled(state, cancelled)
        _refuse_unknown(state, from_nodes)
        _end_ghosts(log, state)
        going_on = definition or state.plan.definition
        recorded = encode_definition(going_on)
        adoption = NOTHING if definition is None else adopt(log, state, going_on, from_nodes)
        again = resumption(state, from_nodes, adoption.replaced)
        return WorkflowStarted(
            format=FORMAT,
            workflow=going_on.name,
            attempt=state.attempt + 1,
            definition=inline(adoption.definition),
            definition_blob=beside(adoption.definition),
            definition_digest=digest_of(recorded),
            inputs=inline(adoption.inputs),
            inputs_blob=beside(adoption.inputs),
            engine=__version__,
            interrupted=again.interrupted,
            reset=again.reset,
            changed=adoption.changed,
            reset_explicitly=again.reset_explicitly,
            deadline=_deadline(going_on, now),
        )

    return opening


def inline(kept: Raw | BlobRef | None) -> Raw | UnsetType:
    """What stands in the event itself."""
    return kept if isinstance(kept, Raw) else UNSET


def beside(kept: Raw | BlobRef | None) -> BlobRef | None:
    """What stands beside the log."""
    return kept if isinstance(kept, BlobRef) else None


def _refuse_cancelled(state: RunState, cancelled: bool) -> None:
    if state.status is RunStatus.CANCELLED and not cancelled:
        raise RunCancelledError(
            f"run {state.run_id} was cancelled",
            hint=f"To go on all the same: indelible resume {state.run_id} --cancelled",
        )


def _refuse_unknown(state: RunState, from_nodes: Sequence[str]) -> None:
    for name in from_nodes:
        if name not in state.nodes:
            raise NotFoundError(
                f"run {state.run_id} has no node {name!r}",
                hint=f"See them all: indelible show {state.run_id}",
            )


def _end_ghosts(log: Log, state: RunState) -> None:
    from indelible.runtime.ghosts import end_ghosts  # a first drive has none

    end_ghosts(state, log.store.folder(log.run_id))


def _deadline(definition: Definition, now: datetime) -> datetime | None:
    return None if definition.timeout is None else now + definition.timeout
