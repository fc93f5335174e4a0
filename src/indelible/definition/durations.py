"""Durations as authors write them: ``500ms``, ``30s``, ``1h30m``, ``2d``, or plain seconds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta

LONGEST = timedelta(days=10_000)
"""Longer than this is refused: a typo, and ``now`` plus it might not be a date any more."""

UNITS: Mapping[str, timedelta] = {
    "d": timedelta(days=1),
    "h": timedelta(hours=1),
    "m": timedelta(minutes=1),
    "s": timedelta(seconds=1),
    "ms": timedelta(milliseconds=1),
    "us": timedelta(microseconds=1),
}
"""The units, longest first; ``1h30m`` names each at most once, in this order."""

PATTERN = (
    r"^(?=[0-9])"
    + "".join(rf"(?:([0-9]{{1,18}}(?:\.[0-9]{{1,9}})?){unit})?" for unit in UNITS)
    + "$"
)
_WRITTEN = re.compile(PATTERN, re.ASCII)
_FORMS = "write it like 500ms, 30s, 10m, 1h30m, 2d, or as a number of seconds"


def parse_duration(value: str | int | float) -> timedelta:
    """The duration ``value`` names.  Raises ``ValueError`` that says which forms there are."""
    counts = _counts_of(value) if isinstance(value, str) else {"s": value}
    if not counts:
        raise ValueError(f"{_quoted(value)} is not a duration; {_FORMS}")
    try:
        found = sum((count * UNITS[unit] for unit, count in counts.items()), timedelta())
    except (OverflowError, ValueError):  # too large for a timedelta, or not a number
        found = timedelta.max
    if abs(found) > LONGEST:
        raise ValueError(f"{_quoted(value)} is not a duration of at most {LONGEST.days} days")
    if found < timedelta():
        raise ValueError(f"{_quoted(value)} is negative; {_FORMS}")
    return found


def format_duration(duration: timedelta) -> str:
    """``duration`` in the form ``parse_duration`` reads back; ``0s`` for none at all.

    Raises ``ValueError`` for a negative one, which has no such form.
    """
    if duration < timedelta():
        raise ValueError(f"{duration} is negative, and has no written form")
    text = ""
    for unit, length in UNITS.items():
        count, duration = divmod(duration, length)
        text += f"{count}{unit}" if count else ""
    return text or "0s"


def _counts_of(text: str) -> dict[str, float]:
    match = _WRITTEN.fullmatch(text.strip())
    found = zip(UNITS, match.groups() if match else (), strict=False)
    return {unit: float(count) for unit, count in found if count}


def _quoted(value: str | int | float) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:59]}…"
