"""How many attempts may run at a time: in the whole run, and inside a node with ``max_parallel``.

A gate counts the attempts that were let in: those that run and those that may start now.  What
finds it full is parked, in definition order, and let in when somebody leaves; so nobody who cannot
start is looked at again and again.
"""

from __future__ import annotations

from collections.abc import Callable

from indelible.engine.queue import Queue


class Gate:
    """``limit`` is at least 1; ``outer`` is the gate around this one, None for the outermost."""

    def __init__(self, limit: int, outer: Gate | None, is_parked: Callable[[int], bool]) -> None:
        self.limit = limit
        self.outer = outer
        self.inside = 0
        self.parked: Queue[int] = Queue(is_parked)

    @property
    def is_full(self) -> bool:
        return self.inside >= self.limit


def count(gate: Gate | None, step: int) -> None:
    """Somebody comes in (+1) or leaves (-1) by ``gate`` and all the gates around it."""
    while gate is not None:
        gate.inside += step
        gate = gate.outer


def first_full(gate: Gate | None) -> Gate | None:
    """The nearest gate that lets nobody in; None if the way is free."""
    while gate is not None and not gate.is_full:
        gate = gate.outer
    return gate
