"""The thread with an event loop, for all coroutine nodes.  Loaded only when there is one.

A coroutine can be asked to stop and cannot be made to: it may catch its cancellation, or block the
thread that would deliver it.  So each has a time at which it is given up.  It then runs on, if it
does, with nobody to hear from it, and those that start later get another thread.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Coroutine
from threading import Lock, Thread
from time import monotonic
from typing import Any

from indelible.events import NodeError
from indelible.executors.attempt import Control, timed_out
from indelible.executors.port import Attempt, End, Failed

PATIENCE = 1.0
"""Seconds that tasks get at the end to notice that they were cancelled."""


class Coroutines:
    """All coroutine attempts of an executor.  ``done`` is told how each ended, or was given up.

    May be used from any thread.
    """

    def __init__(self, done: Callable[[Attempt, Control, End], None]) -> None:
        self._done = done
        self._started: dict[Control, _Started] = {}
        self._loop: CoroutineLoop | None = None
        self._stuck: list[CoroutineLoop] = []
        self._lock = Lock()

    def start(self, attempt: Attempt, control: Control, work: Coroutine[Any, Any, End]) -> None:
        """Await ``work``, which does not raise.  Raises ``RuntimeError`` if no thread is left."""

        def end(result: End) -> None:
            with self._lock:
                self._started.pop(control, None)
            self._done(attempt, control, result)

        with self._lock:
            self._loop = self._loop or CoroutineLoop()
            started = self._started[control] = _Started(attempt)
            if control.is_cancelled:
                started.hurry(control)
            self._loop.start(work, end)

    def hurry(self, control: Control) -> None:
        """It was cancelled: from now on it has its grace time and no more."""
        with self._lock:
            started = self._started.get(control)
            if started is not None:
                started.hurry(control)

    def next_due(self) -> float:
        """When ``give_up_overdue`` has something to do, by ``monotonic``."""
        with self._lock:
            return min((each.due for each in self._started.values()), default=math.inf)

    def give_up_overdue(self) -> None:
        """Let those whose time is over be failures now, whatever they still do."""
        now = monotonic()
        with self._lock:
            overdue = {c: each for c, each in self._started.items() if each.due <= now}
            for control in overdue:
                del self._started[control]
            if overdue and self._loop is not None:
                self._stuck.append(self._loop)
                self._loop = None
        for control, started in overdue.items():
            self._done(started.attempt, control, started.failure(control, now))

    def close(self) -> None:
        """Cancel what still runs and end the threads; one that a node blocks is abandoned."""
        for loop in self._stuck:
            loop.stop()  # those in there have had their time
        if self._loop is not None:
            self._loop.stop()
            self._loop.join()


class _Started:
    """One coroutine that runs: since when, and until when at most."""

    def __init__(self, attempt: Attempt) -> None:
        self.attempt = attempt
        self._since = monotonic()
        self._grace = attempt.node.grace.total_seconds()
        timeout = attempt.node.timeout
        self._timeout = math.inf if timeout is None else timeout.total_seconds()
        self.due = self._since + self._timeout + self._grace

    def hurry(self, control: Control) -> None:
        grace = self._grace if control.grace is None else min(self._grace, control.grace)
        self.due = min(self.due, monotonic() + grace)

    def failure(self, control: Control, now: float) -> Failed:
        error: NodeError = control.error or timed_out(self._timeout).error
        return Failed(
            node_id=self.attempt.node_id,
            attempt=self.attempt.number,
            error=error,
            duration=now - self._since,
        )


class CoroutineLoop:
    """Awaits coroutines that do not raise, and hands over what each returns."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_closing = False
        self._thread = Thread(target=self._serve, name="indelible-loop", daemon=True)
        self._thread.start()

    def start(self, work: Coroutine[Any, Any, End], done: Callable[[End], None]) -> None:
        """Call ``done`` with the result, on the loop thread.  May be called from any thread."""
        self._loop.call_soon_threadsafe(self._begin, work, done)

    def stop(self) -> None:
        """Cancel what still runs and let the thread end."""
        self._is_closing = True
        self._loop.call_soon_threadsafe(self._loop.stop)

    def join(self) -> None:
        """Wait for that, unless a node blocks the thread."""
        self._thread.join(2 * PATIENCE)

    def _begin(self, work: Coroutine[Any, Any, End], done: Callable[[End], None]) -> None:
        async def run() -> None:
            done(await work)

        task = self._loop.create_task(run())
        self._tasks.add(task)  # the loop itself keeps only weak references
        task.add_done_callback(self._tasks.discard)

    def _serve(self) -> None:
        while not self._is_closing:
            try:
                self._loop.run_forever()
            except (SystemExit, KeyboardInterrupt):
                continue  # raised by a task that a node started and left; it harms no other node
        self._loop.run_until_complete(self._cancel_rest())
        self._loop.close()

    async def _cancel_rest(self) -> None:
        rest = asyncio.all_tasks(self._loop) - {asyncio.current_task(self._loop)}
        for task in rest:
            task.cancel()
        if rest:
            await asyncio.wait(rest, timeout=PATIENCE)
