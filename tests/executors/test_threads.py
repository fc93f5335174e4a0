"""The daemon threads of the local executor."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from functools import partial
from queue import SimpleQueue
from threading import Event

from indelible.executors.threads import DaemonThreads


def nothing() -> None:
    """What a task without a result announces."""


def test_an_idle_thread_is_used_again() -> None:
    threads = DaemonThreads("test")
    names: SimpleQueue[str] = SimpleQueue()

    def task() -> Callable[[], None]:
        return partial(names.put, threading.current_thread().name)

    seen = set()
    for _ in range(20):
        threads.start(task)
        seen.add(names.get(timeout=60))
    threads.close()
    assert seen == {"test-0"}


def test_tasks_do_not_wait_for_each_other() -> None:
    threads = DaemonThreads("test")
    barrier = threading.Barrier(11)

    def meet() -> Callable[[], None]:
        barrier.wait(60)
        return nothing

    for _ in range(10):
        threads.start(meet)
    barrier.wait(60)
    threads.close()


def test_an_idle_thread_keeps_nothing_of_its_last_task_alive() -> None:
    class Held:
        """What a task refers to."""

        def use(self) -> Callable[[], None]:
            return self.announce

        def announce(self) -> None:
            """Nothing to say."""

    held = Held()
    threads = DaemonThreads("test")
    threads.start(held.use)
    gone = Event()
    weakref.finalize(held, gone.set)
    del held
    assert gone.wait(60)
    threads.close()


def test_threads_do_not_keep_the_process_alive() -> None:
    threads = DaemonThreads("test")
    daemons: SimpleQueue[bool] = SimpleQueue()
    threads.start(lambda: partial(daemons.put, threading.current_thread().daemon))
    assert daemons.get(timeout=60)
    threads.close()
