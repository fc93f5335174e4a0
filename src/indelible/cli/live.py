"""The part of a terminal that is redrawn while a run goes on: what runs, since when, how far."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from threading import Event, Lock, Thread
from time import monotonic
from types import TracebackType
from typing import TextIO

from rich.console import Console
from rich.live import Live
from rich.text import Text

from indelible.cli.streams import shows_colours
from indelible.cli.text import one_line, span
from indelible.engine.state import RunState

TICK = 0.1
"""Seconds between two redrawings; a run of many short nodes must not wait for its terminal."""

MOST_SHOWN = 8
"""Running nodes that have a line of their own."""


class LiveView:
    """Open while a drive goes on; lines stay above, the rest vanishes when it is closed."""

    def __init__(self, stream: TextIO) -> None:
        plain = not shows_colours(stream)
        console = Console(file=stream, no_color=plain, highlight=False, markup=False)
        self._live = Live(
            console=console,
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._lock = Lock()
        self._lines: list[str] = []
        self._since: dict[str, float] = {}
        self._counts = (0, 0, 0, 0)
        self._began = monotonic()
        self._is_gone = False
        self._closing = Event()
        self._thread = Thread(target=self._tick, name="indelible-live", daemon=True)

    def __enter__(self) -> LiveView:
        self._live.start()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._closing.set()
        self._thread.join()
        self._redraw(is_last=True)
        with suppress(OSError):
            self._live.stop()

    def write(self, lines: Sequence[str]) -> None:
        """Lines that stay."""
        with self._lock:
            self._lines += lines

    def watch(self, state: RunState) -> None:
        """Remember what runs now and how much has ended; nothing is drawn here."""
        now = monotonic()
        with self._lock:
            self._since = {name: self._since.get(name, now) for name in state.running}
            total = len(state.nodes)
            ended = total - state.open_nodes
            self._counts = (ended, total, len(state.waiting), len(state.failed))

    def _tick(self) -> None:
        while not self._closing.wait(TICK):
            self._redraw()

    def _redraw(self, *, is_last: bool = False) -> None:
        with self._lock:
            lines, self._lines = self._lines, []
            picture = "" if is_last else "\n".join(self.picture())
        if self._is_gone:
            return
        try:
            # The new picture is set first: printing above it draws it again.
            self._live.update(Text(picture), refresh=not lines)
            if lines:
                self._live.console.print(Text.from_ansi("\n".join(lines)))
        except OSError:
            self._is_gone = True  # the terminal was closed; the run goes on

    def picture(self) -> list[str]:
        """What stands below the lines now; needs the lock while a drive goes on."""
        now = monotonic()
        done, total, waiting, failed = self._counts
        if not total:
            return []
        running = list(self._since.items())
        lines = [
            f"  ● {one_line(name, 60)} {_elapsed(now - since)}"
            for name, since in running[:MOST_SHOWN]
        ]
        if len(running) > MOST_SHOWN:
            lines.append(f"  and {len(running) - MOST_SHOWN} more")
        parts = [f"{done} of {total} done", f"{len(running)} running"]
        parts += [f"{waiting} waiting"] if waiting else []
        parts += [f"{failed} failed"] if failed else []
        return [*lines, f"{' · '.join(parts)} · {_elapsed(now - self._began)}"]


def _elapsed(seconds: float) -> str:
    """Without milliseconds, which nobody can read while they run."""
    return f"{seconds:.1f}s" if seconds < 59.95 else span(seconds)
