"""How many threads help: given what a tick has brought, when asked, then so many."""

from __future__ import annotations

import pytest

from indelible.executors.ramp import LONGEST_HELD, PATIENCE, Ramp, Tick


class Ticks:
    """A ramp on a machine with two processors, and what has been taken so far."""

    def __init__(self) -> None:
        self.ramp = Ramp(2, taken=0)
        self.taken = 0

    def __call__(self, taken: int, *, working: int = 1, is_computing: bool = False) -> int:
        self.taken += taken
        tick = Tick(0.0005, is_computing=is_computing)
        return self.ramp.next(self.taken, working=working, tick=tick)


def test_tasks_that_block_have_twice_as_many_threads_with_each_tick() -> None:
    tick = Ticks()
    called = [tick(0)]
    for _ in range(9):
        called.append(tick(called[-1], working=1 + sum(called)))  # each took one, and is stuck
    assert called == [2**power for power in range(10)]
    assert sum(called) > 1000


def test_tasks_of_no_length_need_one_thread() -> None:
    tick = Ticks()
    assert [tick(50) for _ in range(20)] == [0] * 20


def test_tasks_that_take_a_while_get_a_thread_a_tick() -> None:
    tick = Ticks()
    assert [tick(2), tick(3, working=2), tick(4, working=3)] == [1, 1, 1]


@pytest.mark.parametrize("taken", [0, 1, 3])
def test_tasks_that_compute_get_no_more_threads_than_processors(taken: int) -> None:
    tick = Ticks()
    assert tick(taken, working=1, is_computing=True) == 1
    assert tick(1 + taken, working=2, is_computing=True) == 0


def test_tasks_that_block_beside_others_that_compute_are_helped_after_a_while() -> None:
    tick = Ticks()
    called = [tick(0, working=2, is_computing=True) for _ in range(PATIENCE)]
    assert called == [0] * PATIENCE
    assert tick(0, working=2, is_computing=True) == 1
    assert tick(1, working=3, is_computing=True) == 2


def test_a_task_that_got_on_ends_the_ramp() -> None:
    tick = Ticks()
    assert [tick(0), tick(1), tick(2), tick(50)] == [1, 2, 4, 0]
    assert tick(0) == 1


def test_a_reminder_waits_while_tasks_get_on_by_themselves_and_no_longer() -> None:
    tick = Ticks()
    reminded = []
    for _ in range(16):
        tick(50)
        reminded.append(tick.ramp.is_reminding)
    assert reminded == ([False] * 7 + [True]) * 2
    assert LONGEST_HELD == 8 * 0.0005


def test_a_reminder_does_not_wait_for_tasks_that_block() -> None:
    tick = Ticks()
    tick(0)
    assert tick.ramp.is_reminding
