"""What is on the disk when an append returns, and what a power cut can take.

    full        every event (default); the head, which proves it, within a second
    strict      every event and its head: one sync more for each append
    batch:50ms  what is older than that; a power cut takes up to 50 ms of acknowledged events, and
                a resume then executes those nodes again

A process that dies, in whatever way, loses nothing under any of them: what was written stays with
the operating system.
"""

from __future__ import annotations

import msgspec

from indelible.definition.durations import parse_duration

BATCH_INTERVAL = 0.05
"""Seconds between two syncs, where ``batch`` names no time."""

EXAMPLES = "Write full, strict, batch or such as batch:200ms."


class Durability(msgspec.Struct, frozen=True):
    """``interval``: sync after that many seconds and not in each append.  ``syncs_head``: in each
    append the head as well."""

    syncs_head: bool = False
    interval: float | None = None


FULL = Durability()
STRICT = Durability(syncs_head=True)


def parse_durability(text: str) -> Durability:
    """What ``text`` names.  Raises ``ValueError`` that says which forms there are."""
    name, _, interval = text.partition(":")
    if name == "batch":
        seconds = parse_duration(interval).total_seconds() if interval else BATCH_INTERVAL
        if seconds > 0:
            return Durability(interval=seconds)
    elif text in _NAMED:
        return _NAMED[text]
    raise ValueError(f"{text!r} is no durability. {EXAMPLES}")


_NAMED = {"full": FULL, "strict": STRICT}
