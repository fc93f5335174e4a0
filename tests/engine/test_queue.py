"""Looking through a heap without changing it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from indelible.engine.queue import Queue


@given(entries=st.lists(st.integers(0, 30)), due=st.sets(st.integers(0, 30)))
def test_a_queue_shows_what_is_due_in_order_and_once(entries: list[int], due: set[int]) -> None:
    queue: Queue[int] = Queue(lambda entry: entry in due)
    for entry in entries:
        queue.push(entry)
    expected = sorted(set(entries) & due)
    assert list(queue) == expected
    assert list(queue) == expected, "looking changes nothing"
    queue.settle()
    assert list(queue) == expected
    assert queue.first() == (expected[0] if expected else None)


def test_looking_at_the_first_of_many_looks_at_few() -> None:
    looked: list[int] = []

    def is_due(entry: int) -> bool:
        looked.append(entry)
        return True

    queue: Queue[int] = Queue(is_due)
    for entry in range(10_000):
        queue.push(entry)
    seen = iter(queue)
    assert [next(seen) for _ in range(5)] == [0, 1, 2, 3, 4]
    assert len(looked) == 5
