"""How many more threads would help tasks that wait.  Pure: what a tick has brought is handed in.

Threads of Python take turns: while one computes, another could only wait for it.  So more of them
are called where they are of use: fast where tasks wait for something else, which leaves their
threads stuck and the processors idle; hardly at all where tasks are short, or compute.
"""

from __future__ import annotations

import msgspec

SHORT = 4
"""Tasks that a thread takes in a tick if they are so short that no other thread need help it."""

PATIENCE = 3
"""Ticks that threads which compute may be stuck; after them, they and others wait for something."""

LONGEST_HELD = 0.004
"""Seconds after which whoever is to be reminded is, however well tasks get on."""


class Tick(msgspec.Struct, frozen=True):
    """How long it took, and whether this process used most of it."""

    seconds: float
    is_computing: bool = False


class Ramp:
    """Asked once a tick, as long as tasks wait.  ``taken`` is how many were taken before.

    ``is_reminding``: those who asked to be reminded of something are to be.  While tasks get on by
    themselves that waits: in a moment there will be more to see.
    """

    def __init__(self, processors: int, taken: int) -> None:
        self.is_reminding = False
        self._processors = processors
        self._taken = taken
        self._called = 0
        self._stuck = 0
        self._held = 0.0

    def next(self, taken: int, *, working: int, tick: Tick) -> int:
        """How many threads to call: ``working`` of them have taken ``taken`` tasks by now."""
        # Whoever was called at the last tick has taken one task and need not have got further.
        is_stuck = taken - self._taken <= self._called
        self._stuck = self._stuck + 1 if is_stuck else 0
        if tick.is_computing and working >= self._processors and self._stuck <= PATIENCE:
            self._called = 0
        elif is_stuck:
            self._called = max(1, 2 * self._called)
        else:
            self._called = int(taken - self._taken < SHORT * working)
        self._taken = taken
        self._held += tick.seconds
        self.is_reminding = self._called > 0 or self._held >= LONGEST_HELD
        self._held = 0.0 if self.is_reminding else self._held
        return self._called
