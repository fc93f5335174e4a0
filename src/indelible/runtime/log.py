"""One run's log and the state it folds to, kept in step.

Events are drafted first: folded into the state, which refuses what may not stand.  ``commit`` then
seals them all with one time and appends them at once.  Until it returns, nothing they announce may
happen; if it raises, the state has run ahead of the log and must be thrown away (``reload``).

A run may go on under a changed definition: from the ``workflow_started`` that carries one, the plan
is that one's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import chain, islice

from msgspec import UNSET

from indelible.definition.normal import decode_definition
from indelible.engine.fold import evolve, initial_state
from indelible.engine.replan import replan
from indelible.engine.state import RunState
from indelible.errors import (
    ConflictError,
    CorruptLogError,
    DefinitionError,
    IllegalEventError,
    NotFoundError,
)
from indelible.events import Event, Sealed, WorkflowStarted
from indelible.plan import Plan, make_plan
from indelible.stores.codec import first_digest, format_time, open_event, seal
from indelible.stores.port import IWorkflowStore

Watch = Callable[[RunState, "list[Sealed]"], None]
"""Told what was appended, once it is durable."""


class Log:
    """Read with ``open_log``, or begun with ``new_log``."""

    def __init__(
        self,
        store: IWorkflowStore,
        plan: Plan,
        run_id: str,
        watch: Watch,
        *,
        default_parallel: int = 0,
    ) -> None:
        self.store = store
        self.run_id = run_id
        self._first_plan = plan
        self._default_parallel = default_parallel
        self.state = initial_state(plan, run_id)
        self.length = 0
        self._digest = first_digest(run_id)
        self._timestamp = ""
        self._drafts: list[Event] = []
        self._watch = watch

    @property
    def head(self) -> str:
        """The digest of the last event; it vouches for all of the log."""
        return self._digest

    @property
    def plan(self) -> Plan:
        """The plan of the definition that the run has now."""
        return self.state.plan

    def draft(self, event: Event) -> None:
        """Fold ``event`` now; append it with the next commit."""
        self._evolve(event)
        self._drafts.append(event)

    def commit(self, now: datetime) -> None:
        """Append all drafts, durably, stamped ``now`` or the last timestamp if that is later.

        A store that had appended them when it lost its answer, and finds the log grown when it
        tries again, is believed if the log holds these very bytes.  Raises ``ConflictError`` and
        other store errors; call ``reload`` after any of them.
        """
        if not self._drafts:
            return
        timestamp = max(format_time(now), self._timestamp)
        sealed = list(self._seal(timestamp))
        try:
            self.store.append(self.run_id, sealed, expected=self.length)
        except ConflictError:
            if list(islice(self.store.read(self.run_id, after=self.length), len(sealed))) != sealed:
                raise
        self._drafts.clear()
        self._advance(sealed[-1])
        self._watch(self.state, sealed)

    def reload(self) -> None:
        """Throw the state away and fold it again from the log."""
        self.state = initial_state(self._first_plan, self.run_id)
        self.length = 0
        self._drafts.clear()
        self.take(self.store.read(self.run_id))

    def take(self, events: Iterable[Sealed]) -> None:
        """Fold what the log holds already.  Raises ``CorruptLogError`` for an illegal event."""
        for sealed in events:
            try:
                self._evolve(open_event(sealed))
            except IllegalEventError as error:
                raise CorruptLogError(
                    f"event {sealed.sequence} may not stand there: {error.problem}",
                    place=f"run {self.run_id}",
                ) from error
            self._advance(sealed)

    def _evolve(self, event: Event) -> None:
        evolve(self.state, event)
        if isinstance(event, WorkflowStarted) and event.attempt > 1 and holds_definition(event):
            plan = plan_of(
                self.store, self.run_id, self.state.sequence, event, self._default_parallel
            )
            self.state = replan(self.state, plan)

    def _advance(self, last: Sealed) -> None:
        self.length = last.sequence
        self._digest = last.digest
        self._timestamp = last.timestamp

    def _seal(self, timestamp: str) -> Iterator[Sealed]:
        previous = self._digest
        for sequence, event in enumerate(self._drafts, start=self.length + 1):
            sealed = seal(
                event,
                run_id=self.run_id,
                sequence=sequence,
                timestamp=timestamp,
                previous=previous,
            )
            previous = sealed.digest
            yield sealed


def unwatched(state: RunState, events: list[Sealed]) -> None:
    """Tell nobody."""


def open_log(
    store: IWorkflowStore,
    run_id: str,
    *,
    until: int | None = None,
    default_parallel: int = 0,
    watch: Watch = unwatched,
) -> Log:
    """The log of a run, verified and folded, up to the sequence ``until`` if it is given.

    Raises ``NotFoundError`` if there is no such run.
    """
    events = islice(store.read(run_id), until)
    first = next(events, None)
    if first is None:
        raise NotFoundError(f"there is no run {run_id}", hint="See them all: indelible list")
    plan = plan_of(store, run_id, 1, open_event(first), default_parallel)
    log = Log(store, plan, run_id, watch, default_parallel=default_parallel)
    log.take(chain((first,), events))
    return log


def holds_definition(event: WorkflowStarted) -> bool:
    """Whether the run has the definition in ``event`` from there on."""
    return event.definition is not UNSET or event.definition_blob is not None


def plan_of(
    store: IWorkflowStore, run_id: str, sequence: int, event: Event, default_parallel: int
) -> Plan:
    """The plan of the definition that ``event``, number ``sequence`` of its run, carries."""
    try:
        definition = decode_definition(_recorded_definition(store, run_id, event))
        return make_plan(definition, default_parallel=default_parallel)
    except (ValueError, DefinitionError) as error:
        raise CorruptLogError(str(error), place=f"run {run_id}, event {sequence}") from error


def recorded_definition(store: IWorkflowStore, first: Sealed) -> bytes:
    """The definition that a run began with, as it was recorded."""
    return _recorded_definition(store, first.run_id, open_event(first))


def _recorded_definition(store: IWorkflowStore, run_id: str, event: Event) -> bytes:
    if isinstance(event, WorkflowStarted):
        if event.definition is not UNSET:
            return bytes(event.definition)
        if event.definition_blob is not None:
            return store.get_blob(run_id, event.definition_blob)
    raise CorruptLogError("the first event holds no definition", place=f"run {run_id}")
