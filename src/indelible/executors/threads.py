"""Daemon threads that are made when needed and used again.

Not ``concurrent.futures``: its threads are joined at exit, so one stuck node would keep the process
alive for ever, and a thread is the one thing that cannot be stopped by force.
"""

from __future__ import annotations

from collections.abc import Callable
from queue import SimpleQueue
from threading import Lock, Thread

Task = Callable[[], Callable[[], None]]
"""Does the work and returns what announces its result.  Neither raises."""


class DaemonThreads:
    """Runs every task at once, on an idle thread if there is one."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._tasks: SimpleQueue[Task | None] = SimpleQueue()
        self._lock = Lock()
        self._idle = 0
        self._alive = 0

    def start(self, task: Task) -> None:
        """Raises ``RuntimeError`` if a thread is needed and the system gives none."""
        with self._lock:
            if self._idle:
                self._idle -= 1
            else:
                Thread(target=self._serve, name=f"{self._name}-{self._alive}", daemon=True).start()
                self._alive += 1
        self._tasks.put(task)

    def close(self) -> None:
        """Let idle threads end now and busy ones after their task."""
        for _ in range(self._alive):
            self._tasks.put(None)

    def _serve(self) -> None:
        while (task := self._tasks.get()) is not None:
            announce = task()
            # Idle before the announcement, so that who answers it with a task finds a thread.
            with self._lock:
                self._idle += 1
            announce()
            del task, announce  # an idle thread keeps nothing of what it ran alive
