"""Daemon threads that are made when needed and used again, by all executors of the process.

Not ``concurrent.futures``: its threads are joined at exit, so one stuck node would keep the process
alive for ever, and a thread is the one thing that cannot be stopped by force.

A task is taken by the next thread that comes for one; often the very thread whose last task led to
it, and then nobody has to be woken.  Only when tasks wait and those who could take them do not get
on within a tick, more threads are called (``ramp.py``): a thousand tasks of no length need one
thread, and a thousand that block have a thousand threads ten ticks later.

Each task has a context of its own (``contextvars``, and with them ``decimal``); what it leaves in a
``threading.local`` stays with the thread, and a later task may find it.
"""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from contextvars import Context
from functools import cache
from queue import SimpleQueue
from threading import Lock, Thread, local
from time import perf_counter, process_time, sleep

from indelible.executors.ramp import Ramp, Tick

Task = Callable[[], Callable[[], None]]
"""Does the work and returns what announces its result.  Neither raises."""

TICK = 0.0005
"""Seconds after which tasks that nobody came for get more threads."""

PROCESSORS = os.cpu_count() or 1


class _Here(local):
    """What a thread knows of itself: that it announces, and that a task waits for it alone."""

    is_announcing = False
    has_task = False


class DaemonThreads:
    """Runs every task, soon, whatever the others do."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._tasks: deque[Task] = deque()
        self._lock = Lock()
        self._here = _Here()
        self._calls: SimpleQueue[None] = SimpleQueue()
        self._alarm: SimpleQueue[None] = SimpleQueue()
        self._made = 0
        self._idle = 0
        self._coming = 0
        self._taken = 0
        self._reminders: list[Callable[[], None]] = []
        self._is_overseen = False
        self._has_overseer = False
        self._is_closed = False

    def start(self, tasks: Sequence[Task]) -> None:
        """Raises ``RuntimeError`` if there is no thread for any, and the system gives none."""
        here = self._here
        with self._lock:
            self._tasks += tasks
            if here.is_announcing and not here.has_task:
                here.has_task = True  # this thread comes for one, in a moment
                self._coming += 1
            is_anybody_coming = self._coming > 0
            is_left = len(self._tasks) > max(self._coming, 1)
            if is_left and not self._is_overseen:
                self._oversee()
            made = 0 if is_anybody_coming else self._call(1)
        self._make(made, or_take_back=tasks)

    def remind(self, reminder: Callable[[], None]) -> None:
        """Call ``reminder``, which must be quick and not raise, a tick from now.

        While tasks get on by themselves it waits a little longer: then there is more to see.
        """
        with self._lock:
            self._reminders.append(reminder)
            if not self._is_overseen:
                self._oversee()

    def close(self) -> None:
        """Let idle threads end now and busy ones after the tasks that wait."""
        with self._lock:
            self._is_closed = True
            for _ in range(self._made):
                self._calls.put(None)
            self._alarm.put(None)

    def _call(self, count: int) -> int:
        """That many more will come for a task: gives how many have to be made.  Needs the lock."""
        idle = min(count, self._idle)
        self._idle -= idle
        self._coming += count
        for _ in range(idle):
            self._calls.put(None)
        return count - idle

    def _make(self, count: int, *, or_take_back: Sequence[Task] = ()) -> None:
        """New threads.  Without the lock, which they need themselves."""
        for done in range(count):
            with self._lock:
                number, self._made = self._made, self._made + 1
            name = f"{self._name}-{number}"
            try:
                Thread(target=self._serve, name=name, daemon=True).start()
            except RuntimeError:  # those that there are will have to do
                with self._lock:
                    self._made -= 1
                    self._coming -= count - done
                    is_lost = self._made == 0 and bool(or_take_back)
                    if is_lost:
                        rest = (each for each in self._tasks if each not in or_take_back)
                        self._tasks = deque(rest)
                if is_lost:
                    raise
                return

    def _oversee(self) -> None:
        """Have somebody look, a tick later, whether tasks are waiting still.  Needs the lock."""
        if not self._has_overseer:
            with suppress(RuntimeError):  # then the next one tries
                Thread(target=self._call_more, name=f"{self._name}s", daemon=True).start()
                self._has_overseer = True
        if self._has_overseer:
            self._is_overseen = True
            self._alarm.put(None)

    def _serve(self) -> None:
        here = self._here
        here.has_task = True  # the one that it was made for
        while (task := self._next(here)) is not None:
            announce = Context().run(task)
            _forget_loop()
            here.is_announcing = True
            announce()
            here.is_announcing = False
            del task, announce  # an idle thread keeps nothing of what it ran alive

    def _next(self, here: _Here) -> Task | None:
        is_expected, here.has_task = here.has_task, False
        while True:
            with self._lock:
                self._coming -= is_expected
                if self._tasks:
                    self._taken += 1
                    return self._tasks.popleft()
                if self._is_closed:
                    return None
                self._idle += 1
            self._calls.get()
            is_expected = True

    def _call_more(self) -> None:
        while not self._is_closed:
            self._alarm.get()
            ramp = Ramp(PROCESSORS, self._taken)
            while self._is_overseen:
                tick = _tick()
                with self._lock:
                    made, due = self._look(ramp, tick)
                self._make(made)
                for reminder in due:
                    reminder()

    def _look(self, ramp: Ramp, tick: Tick) -> tuple[int, Sequence[Callable[[], None]]]:
        """Call more threads, if they would help: how many have to be made, and who is reminded."""
        working = self._made - self._idle
        most = ramp.next(self._taken, working=working, tick=tick)
        self._is_overseen = bool(self._tasks) and not self._is_closed
        due: list[Callable[[], None]] = []
        if ramp.is_reminding or not self._is_overseen:
            due, self._reminders = self._reminders, due
        return self._call(max(0, min(len(self._tasks) - self._coming, most))), due


def _tick() -> Tick:
    """A tick; it takes longer if other threads have the interpreter."""
    began, used = perf_counter(), process_time()
    sleep(TICK)
    seconds = perf_counter() - began
    return Tick(seconds, is_computing=2 * (process_time() - used) > seconds)


def _forget_loop() -> None:
    """The event loop that a task has set for its thread is nobody else's."""
    # Another thread may be importing asyncio just now, and have got half of it.
    set_event_loop = getattr(sys.modules.get("asyncio"), "set_event_loop", None)
    if set_event_loop is not None:
        set_event_loop(None)


@cache
def node_threads() -> DaemonThreads:
    """The threads of this process that run nodes."""
    return DaemonThreads("indelible-node")


# A forked child would have the books of threads that it does not have.
os.register_at_fork(after_in_child=node_threads.cache_clear)
