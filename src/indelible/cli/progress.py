"""What a drive tells while it goes on: a line for each thing that happened, on stderr.

On a terminal there is also what runs just now, redrawn in place (``live.py``).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from typing import TextIO

from indelible.cli.options import again, quoted
from indelible.cli.streams import coloured, say
from indelible.cli.text import counted, moment, one_line, run_argument_of, span
from indelible.engine.state import RunState
from indelible.engine.status import NodeStatus
from indelible.events import NodeSkipped, Sealed
from indelible.projections.drawing import SYMBOLS
from indelible.projections.glimpse import Glimpse, glimpse, status_after
from indelible.projections.reasons import error_line, why_skipped
from indelible.runtime.log import Watch
from indelible.stores.codec import open_event


class Progress:
    """Told of every append, it writes at once what happened to the nodes.

    ``began`` and ``ended`` are the times of the first and the last event seen; None before one is.
    ``has_starts``: also a line for each node that starts.
    """

    def __init__(
        self, store: str, *, write: Callable[[Sequence[str]], None], has_starts: bool = True
    ) -> None:
        self.began: datetime | None = None
        self.ended: datetime | None = None
        self._store = store
        self._write = write
        self._has_starts = has_starts
        self._clock = ("", "")

    def watch(self, state: RunState, events: list[Sealed]) -> None:
        """A ``Watch``."""
        lines = [line for event in events if (line := self._line(state, event))]
        self.ended = events[-1].at
        if self.began is None:
            self.began = events[0].at
        if lines:
            self._write(lines)

    def _line(self, state: RunState, event: Sealed) -> str:
        seen = glimpse(event)
        if event.event_type == "workflow_started":
            return _heading(state, seen, self._store)
        node = state.nodes.get(seen.node_id)
        if node is None:
            return ""
        is_allowed = node.planned.node.allow_failure
        status = status_after(event.event_type, seen, is_allowed=is_allowed)
        if status is None or (status is NodeStatus.RUNNING and not self._has_starts):
            return ""
        mark = coloured(SYMBOLS[status], status, sys.stderr)
        said = _SAID.get(status, _nothing)(seen, event)
        if seen.waiting is not None and seen.waiting.until is None:
            asked = f"indelible approve {run_argument_of(state.run_id)} {quoted(seen.node_id)}"
            said += f"; answer: {again(asked, self._store)}"
        return f"{self._time(event.timestamp)} {mark} {one_line(f'{seen.node_id} {said}'.rstrip())}"

    def _time(self, timestamp: str) -> str:
        """Local time of day; many events share a second."""
        second = timestamp[:19]
        if self._clock[0] != second:
            self._clock = second, f"{datetime.fromisoformat(timestamp).astimezone():%H:%M:%S}"
        return self._clock[1]


def progress_to(
    stream: TextIO, store: str, *, is_quiet: bool
) -> tuple[Progress, Watch, AbstractContextManager[object]]:
    """The progress, what is told of appends, and what must be open while the drive goes on."""
    if is_quiet:
        silent = Progress(store, write=lambda lines: None)
        return silent, silent.watch, nullcontext()
    if stream.isatty() and _can_redraw():
        from indelible.cli.live import LiveView

        view = LiveView(stream)
        shown = Progress(store, write=view.write, has_starts=False)

        def watch(state: RunState, events: list[Sealed]) -> None:
            shown.watch(state, events)
            view.watch(state)

        return shown, watch, view
    plain = Progress(store, write=lambda lines: say("\n".join(lines), stream))
    return plain, plain.watch, nullcontext()


def _can_redraw() -> bool:
    from os import environ

    return environ.get("TERM", "dumb") != "dumb"


def _heading(state: RunState, seen: Glimpse, store: str) -> str:
    name = one_line(state.plan.definition.name)
    nodes = counted(len(state.nodes), "node")
    text = f"run {state.run_id}: {name}, {nodes}, store {one_line(store)}"
    if seen.attempt == 1:
        return text
    ended = sum(node.is_ended for node in state.nodes.values())
    return f"{text}, attempt {seen.attempt}, {ended} ended before"


def _nothing(seen: Glimpse, event: Sealed) -> str:
    return ""


def _started(seen: Glimpse, event: Sealed) -> str:
    return f"(attempt {seen.attempt})" if seen.attempt > 1 else ""


def _waits(seen: Glimpse, event: Sealed) -> str:
    """What for; an approval is asked in full, since nothing goes on without an answer."""
    waiting = seen.waiting
    if waiting is None:
        return ""
    if waiting.until is not None:
        return f"waits until {moment(waiting.until)}"
    return f"waits: {waiting.message} ({', '.join(waiting.choices)})"


def _took(seen: Glimpse, event: Sealed) -> str:
    return span(seen.duration or 0.0)


def _failed(seen: Glimpse, event: Sealed) -> str:
    said = error_line(seen.error) if seen.error is not None else ""
    if seen.retry_at is None:
        return said
    wait = (datetime.fromisoformat(seen.retry_at) - event.at).total_seconds()
    return f"{said}; again in {span(max(0.0, wait))}"


def _skipped(seen: Glimpse, event: Sealed) -> str:
    opened = open_event(event)
    return f"skipped: {why_skipped(opened)}" if isinstance(opened, NodeSkipped) else ""


_SAID: Mapping[NodeStatus, Callable[[Glimpse, Sealed], str]] = {
    NodeStatus.RUNNING: _started,
    NodeStatus.WAITING: _waits,
    NodeStatus.SUCCESS: _took,
    NodeStatus.FAILED: _failed,
    NodeStatus.ALLOWED: _failed,
    NodeStatus.RETRYING: _failed,
    NodeStatus.SKIPPED: _skipped,
    NodeStatus.UPSTREAM_FAILED: _skipped,
}
