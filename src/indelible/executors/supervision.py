"""Watch over a process and its group: read what it prints, stop it in time, leave nothing behind.

The node ends when its main process does.  Whatever that left running in its group gets TERM and
then KILL, so a pipe that a forgotten child holds open cannot keep the node waiting.
"""

from __future__ import annotations

import math
import os
import select
from collections.abc import Callable
from signal import SIGKILL, SIGTERM
from subprocess import Popen
from time import monotonic
from typing import IO, Self

from indelible.definition.model import Node
from indelible.events import NodeError
from indelible.executors.attempt import Control, timed_out
from indelible.executors.group import is_alive, signal_group

Sink = Callable[[bytes], None]

CHUNK = 64 * 1024
"""Bytes read at a time: what a pipe holds."""

LAST_READS = 16
"""Reads that empty any pipe: a megabyte is the most that one is allowed to hold."""

TICK = 0.02
"""Seconds between two looks at a process where the system cannot wake us when it ends."""

LONGEST_POLL = 3600.0
"""Seconds; what ``poll`` can wait at once is limited."""

LINGER = 0.5
"""Seconds that what follows the main process (``> >(tee log)``) gets to end by itself."""

LEFTOVER_GRACE = 1.0
"""Seconds, at most, between TERM and KILL for what a node left behind."""


class Supervision:
    """One running process, from its start to the end of its group.

    ``sinks`` get what the process prints.  ``stop`` may be called from a sink.
    """

    def __init__(self, process: Popen[bytes], control: Control, node: Node) -> None:
        self.stopped_by: NodeError | None = None
        self._process = process
        self._control = control
        self._timeout = math.inf if node.timeout is None else node.timeout.total_seconds()
        self._due = monotonic() + self._timeout
        self._grace = node.grace.total_seconds()
        self._stopped_at = 0.0
        self._poll = select.poll()
        self._sinks: dict[int, Sink] = {}
        self._wake_fd = -1
        self._exit_fd = _watch_exit(process.pid)
        if self._exit_fd >= 0:
            self._poll.register(self._exit_fd, select.POLLIN)

    def read(self, stream: IO[bytes] | None, sink: Sink) -> None:
        """Hand everything that comes from ``stream`` to ``sink``."""
        assert stream is not None
        os.set_blocking(stream.fileno(), False)
        self._sinks[stream.fileno()] = sink
        self._poll.register(stream, select.POLLIN)

    def wake_on(self, fd: int) -> None:
        """Look at ``control`` again whenever ``fd`` becomes readable."""
        self._wake_fd = fd
        self._poll.register(fd, select.POLLIN)

    def stop(self, error: NodeError) -> None:
        """TERM to the group, KILL after the grace time.  The first ``error`` counts."""
        if self.stopped_by is None:
            self.stopped_by = error
            self._stopped_at = monotonic()
            signal_group(self._process.pid, SIGTERM)

    def run(self) -> int:
        """Watch until the group is gone; the exit code, negative for a signal."""
        while (code := self._process.poll()) is None:
            self._stop_if_due()
            self._turn(self._next_look())
        self._end_group()
        return code

    def __enter__(self) -> Self:
        return self

    def __exit__(self, raised: type[BaseException] | None, *_: object) -> None:
        """Nothing of the group survives, also if a sink raised (a log that cannot be written)."""
        if raised is not None:
            signal_group(self._process.pid, SIGKILL)
            self._process.wait()
        if self._exit_fd >= 0:
            os.close(self._exit_fd)

    def _stop_if_due(self) -> None:
        now = monotonic()
        if self._control.error is not None:
            self.stop(self._control.error)
        elif now >= self._due:
            self.stop(timed_out(self._timeout).error)
        if self.stopped_by is not None and now >= self._kill_at():
            signal_group(self._process.pid, SIGKILL)
            self._stopped_at = now  # and again after another grace time, should it fork meanwhile

    def _kill_at(self) -> float:
        grace = self._control.grace
        return self._stopped_at + (self._grace if grace is None else min(grace, self._grace))

    def _next_look(self) -> float:
        moment = self._due if self.stopped_by is None else self._kill_at()
        return moment if self._exit_fd >= 0 else min(moment, monotonic() + TICK)

    def _end_group(self) -> None:
        """Give what is left a moment, then TERM, then KILL; read what it still has to say."""
        self._turn_until(lambda: not self._sinks, LINGER)
        group = self._process.pid
        for signal in (SIGTERM, SIGKILL):
            if not signal_group(group, signal):
                break
            self._turn_until(lambda: not is_alive(group), min(self._grace, LEFTOVER_GRACE))
        # Counted, as a daemon outside of the group could print for ever.
        for _ in range(LAST_READS):
            if not self._turn(monotonic()):
                break

    def _turn_until(self, is_over: Callable[[], bool], seconds: float) -> None:
        deadline = monotonic() + seconds
        while not is_over() and (now := monotonic()) < deadline:
            self._turn(min(deadline, now + TICK))

    def _turn(self, until: float) -> bool:
        """Wait for something to happen and read it.  Whether anything was read."""
        seconds = min(max(0.0, until - monotonic()), LONGEST_POLL)
        has_read = False
        for fd, _ in self._poll.poll(math.ceil(seconds * 1000)):
            if fd in self._sinks:
                has_read |= self._read(fd)
            elif fd == self._wake_fd:
                os.read(fd, CHUNK)
            else:
                self._poll.unregister(fd)
                self._process.wait()  # it has ended; under a debugger its exit code comes later
        return has_read

    def _read(self, fd: int) -> bool:
        try:
            data = os.read(fd, CHUNK)
        except BlockingIOError:
            return False
        if data:
            self._sinks[fd](data)
        else:
            self._poll.unregister(fd)
            del self._sinks[fd]
        return bool(data)


def _watch_exit(pid: int) -> int:
    """A descriptor that becomes readable when the process ends; -1 where there is none."""
    if not hasattr(os, "pidfd_open"):
        return -1
    try:
        return os.pidfd_open(pid)
    except OSError:  # an old kernel, or a sandbox that forbids it
        return -1
