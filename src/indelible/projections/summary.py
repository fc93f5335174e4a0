"""A run in one line: where it stands, since when, and how many of its nodes ended how."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

import msgspec
from msgspec import UNSET

from indelible.engine.status import RunStatus
from indelible.errors import CorruptLogError
from indelible.events import NodeError, Sealed, WorkflowStarted
from indelible.projections.census import Census, Outline
from indelible.projections.glimpse import glimpse
from indelible.projections.standing import Standing, standing
from indelible.stores.codec import open_event

DefinitionIn = Callable[[Sealed], "bytes | None"]
"""The definition that a ``workflow_started`` records, None if it records none."""

_AFTER: Mapping[str, RunStatus] = {
    "workflow_started": RunStatus.RUNNING,
    "workflow_completed": RunStatus.COMPLETED,
    "workflow_failed": RunStatus.FAILED,
    "workflow_cancelled": RunStatus.CANCELLED,
}


class RunSummary(msgspec.Struct, frozen=True, kw_only=True):
    """``nodes`` counts them by status; ``ended_at`` is None while the run is open.

    ``events`` is the length of the log, ``driver`` who drives the run, empty if nobody does, and
    ``error`` that of a run that failed.
    """

    run_id: str
    workflow: str
    status: Standing
    attempt: int
    started_at: datetime
    ended_at: datetime | None
    events: int
    nodes: Mapping[str, int]
    driver: str = ""
    error: NodeError | None = None

    @property
    def total(self) -> int:
        """How many nodes there are, those inside others included as soon as these have started."""
        return sum(self.nodes.values())


class _Nodes(msgspec.Struct):
    nodes: tuple[Outline, ...] = ()


class _Count:
    """Follows the events."""

    def __init__(self) -> None:
        self.status = RunStatus.PENDING
        self.attempt = 0
        self.error: NodeError | None = None
        self.census = Census(())

    def add(self, event: Sealed, definition_in: DefinitionIn) -> None:
        seen = glimpse(event)
        if self.census.add(event.event_type, seen):
            return
        self.status = _AFTER[event.event_type]
        self.error = seen.error
        if event.event_type == "workflow_started":
            self.attempt = seen.attempt
            self.census.begin_again(seen.interrupted, seen.reset)
            definition = definition_in(event)
            if definition is not None:
                self.census.go_on_as(_outlines(definition, event.run_id))


def inline_definition(opening: Sealed) -> bytes | None:
    """The definition in a ``workflow_started``; None if it has none, or in a blob."""
    event = open_event(opening)
    if isinstance(event, WorkflowStarted) and event.definition is not UNSET:
        return bytes(event.definition)
    return None


def summarise(
    events: Iterable[Sealed],
    *,
    definition_in: DefinitionIn = inline_definition,
    driver: str = "",
) -> RunSummary:
    """The summary of a log that has at least one event.

    ``definition_in`` gives what is recorded in a ``workflow_started``, also where it is a blob;
    ``driver`` is who drives the run, as the store says.
    Raises ``CorruptLogError``, ``NewerLogError``.  What stands in the log is taken as legal.
    """
    remaining = iter(events)
    first = next(remaining)
    started = _start_in(first)
    count = _Count()
    count.add(first, definition_in)
    last = first
    for last in remaining:
        count.add(last, definition_in)
    return RunSummary(
        run_id=first.run_id,
        workflow=started.workflow,
        status=standing(
            count.status, is_only_waiting=count.census.is_only_waiting, has_driver=bool(driver)
        ),
        attempt=count.attempt,
        started_at=first.at,
        ended_at=None if count.status is RunStatus.RUNNING else last.at,
        events=last.sequence,
        nodes=count.census.counts(),
        driver=driver,
        error=count.error,
    )


def _start_in(first: Sealed) -> WorkflowStarted:
    event = open_event(first)
    if isinstance(event, WorkflowStarted):
        return event
    raise CorruptLogError(
        f"the first event is {first.event_type}, not workflow_started",
        place=f"run {first.run_id}",
    )


def _outlines(definition: bytes, run_id: str) -> tuple[Outline, ...]:
    try:
        return msgspec.json.decode(definition, type=_Nodes).nodes
    except (ValueError, RecursionError) as error:  # also text that is not UTF-8
        raise CorruptLogError(f"not a definition: {error}", place=f"run {run_id}") from error
