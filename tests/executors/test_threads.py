"""The daemon threads of the local executor."""

from __future__ import annotations

import asyncio
import decimal
import threading
import weakref
from collections.abc import Callable
from functools import partial
from queue import SimpleQueue
from threading import Event

import pytest

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
        threads.start([task])
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
        threads.start([meet])
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
    threads.start([held.use])
    gone = Event()
    weakref.finalize(held, gone.set)
    del held
    assert gone.wait(60)
    threads.close()


def test_threads_do_not_keep_the_process_alive() -> None:
    threads = DaemonThreads("test")
    daemons: SimpleQueue[bool] = SimpleQueue()
    threads.start([lambda: partial(daemons.put, threading.current_thread().daemon)])
    assert daemons.get(timeout=60)
    threads.close()


def test_a_thread_that_hangs_in_its_announcement_keeps_no_task_waiting() -> None:
    threads = DaemonThreads("test")
    is_free, is_stuck, ran = Event(), Event(), Event()

    def hang() -> None:
        is_stuck.set()
        is_free.wait(60)

    threads.start([lambda: hang])
    assert is_stuck.wait(60)
    threads.start([lambda: ran.set])
    assert ran.wait(60)
    is_free.set()
    threads.close()


def test_what_an_announcement_starts_is_run_by_the_same_thread_and_the_rest_by_others() -> None:
    threads = DaemonThreads("test")
    barrier = threading.Barrier(4)

    def meet() -> Callable[[], None]:
        barrier.wait(60)
        return nothing

    def lead() -> None:
        for _ in range(3):
            threads.start([meet])

    threads.start([lambda: lead])
    barrier.wait(60)
    threads.close()


def test_an_overseer_that_could_not_be_started_once_is_started_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    threads = DaemonThreads("test")
    really = threading.Thread.start
    refused: list[str] = []

    def refuse_overseer(thread: threading.Thread) -> None:
        if thread.name == "tests" and not refused:
            refused.append(thread.name)
            raise RuntimeError("can't start new thread")
        really(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse_overseer)
    first, second = threading.Barrier(2), threading.Barrier(4)

    def meet(barrier: threading.Barrier) -> Callable[[], None]:
        barrier.wait(60)
        return nothing

    threads.start([partial(meet, first)])
    first.wait(60)
    for _ in range(3):
        threads.start([partial(meet, second)])
    for _ in range(3):
        threads.start([lambda: nothing])
    second.wait(60)
    threads.close()


def test_a_task_finds_nothing_of_what_the_one_before_it_set() -> None:
    threads = DaemonThreads("test")
    told: SimpleQueue[object] = SimpleQueue()

    def spoil() -> Callable[[], None]:
        decimal.getcontext().prec = 3
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        loop.close()
        return partial(told.put, threading.current_thread().name)

    def look() -> Callable[[], None]:
        try:
            loop: object = asyncio.get_event_loop_policy().get_event_loop()
        except RuntimeError:
            loop = None
        seen = (threading.current_thread().name, decimal.getcontext().prec, loop)
        return partial(told.put, seen)

    threads.start([spoil])
    name = told.get(timeout=60)
    threads.start([look])
    assert told.get(timeout=60) == (name, 28, None)
    threads.close()
