"""Daemon threads that are made when needed and used again, by all executors of the process.

Not ``concurrent.futures``: its threads are joined at exit, so one stuck node would keep the process
alive for ever, and a thread is the one thing that cannot be stopped by force.

A task is taken by the next thread that comes for one; often the very thread whose last task led to
it, and then nobody has to be woken.  Only when tasks wait and those who could take them do not get
on within a tick, more threads are called: so a thousand tasks of no length need one thread, and a
thousand that block have a thousand threads two ticks later.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from queue import SimpleQueue
from threading import Lock, Thread
from time import sleep

Task = Callable[[], Callable[[], None]]
"""Does the work and returns what announces its result.  Neither raises."""

TICK = 0.0005
"""Seconds after which tasks that nobody came for get more threads."""


class DaemonThreads:
    """Runs every task, soon, whatever the others do."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._tasks: deque[Task] = deque()
        self._lock = Lock()
        self._calls: SimpleQueue[None] = SimpleQueue()
        self._alarm: SimpleQueue[None] = SimpleQueue()
        self._alive = 0
        self._idle = 0
        self._coming = 0
        self._taken = 0
        self._reminders: list[Callable[[], None]] = []
        self._is_overseen = False
        self._has_overseer = False
        self._is_closed = False

    def start(self, task: Task) -> None:
        """Raises ``RuntimeError`` if a thread is needed and the system gives none."""
        with self._lock:
            self._tasks.append(task)
            missing = len(self._tasks) - self._coming
            if missing <= 0:
                return
            if not self._coming:
                self._call_or_refuse(task)
                missing -= 1
            if missing and not self._is_overseen:
                self._oversee()

    def remind(self, reminder: Callable[[], None]) -> None:
        """Call ``reminder``, which must be quick and not raise, a tick from now."""
        with self._lock:
            self._reminders.append(reminder)
            if not self._is_overseen:
                self._oversee()

    def close(self) -> None:
        """Let idle threads end now and busy ones after the tasks that wait."""
        with self._lock:
            self._is_closed = True
            for _ in range(self._alive):
                self._calls.put(None)
            self._alarm.put(None)

    def _call_or_refuse(self, task: Task) -> None:
        try:
            self._call()
        except RuntimeError:
            if not self._alive:
                self._tasks.remove(task)
                raise

    def _call(self) -> None:
        """One more thread will come for a task.  Needs the lock."""
        if self._idle:
            self._idle -= 1
            self._calls.put(None)
        else:
            Thread(target=self._serve, name=f"{self._name}-{self._alive}", daemon=True).start()
            self._alive += 1
        self._coming += 1

    def _oversee(self) -> None:
        """Have somebody look, a tick later, whether tasks are waiting still.  Needs the lock."""
        if not self._has_overseer:
            with suppress(RuntimeError):  # then tasks wait for the threads that there are
                Thread(target=self._call_more, name=f"{self._name}s", daemon=True).start()
                self._has_overseer = True
        self._is_overseen = True
        self._alarm.put(None)

    def _serve(self) -> None:
        while (task := self._next()) is not None:
            announce = task()
            # Coming before the announcement, so that who answers it with a task calls nobody else.
            with self._lock:
                self._coming += 1
            announce()
            del task, announce  # an idle thread keeps nothing of what it ran alive

    def _next(self) -> Task | None:
        while True:
            with self._lock:
                self._coming -= 1
                if self._tasks:
                    self._taken += 1
                    return self._tasks.popleft()
                if self._is_closed:
                    self._alive -= 1
                    return None
                self._idle += 1
            self._calls.get()

    def _call_more(self) -> None:
        while not self._is_closed:
            self._alarm.get()
            taken = -1
            while self._is_overseen:
                sleep(TICK)
                with self._lock:
                    is_stuck = self._taken == taken
                    taken = self._taken
                    self._catch_up(is_stuck=is_stuck)
                    due, self._reminders = self._reminders, []
                for reminder in due:
                    reminder()

    def _catch_up(self, *, is_stuck: bool) -> None:
        missing = len(self._tasks) - self._coming
        self._is_overseen = bool(self._tasks) and not self._is_closed
        with suppress(RuntimeError):  # the system gives no more: those there are will have to do
            for _ in range(missing if is_stuck else min(missing, 1)):
                self._call()


@cache
def node_threads() -> DaemonThreads:
    """The threads of this process that run nodes."""
    return DaemonThreads("indelible-node")


# A forked child would have the books of threads that it does not have.
os.register_at_fork(after_in_child=node_threads.cache_clear)
