"""How things are written for people: durations, times, and text that may hold anything."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime

from indelible.engine.status import NodeStatus, RunStatus

# Control characters, and the marks that reorder what is shown; a line break and a tab are harmless.
_HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_COLOUR_OR_HIDDEN = re.compile(
    b"(\x1b\\[[0-9;:]*m)|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\xc2[\x80-\x9f]"
)

PLAIN = str.maketrans(
    {
        "○": "o",
        "●": ">",
        "⧗": "=",
        "↻": "~",
        "◌": "?",
        "✓": "+",
        "✗": "x",
        "⊘": "-",
        "⊗": "#",
        "│": "|",
        "─": "-",
        "├": "+",
        "┼": "+",
        "┤": "+",
        "┴": "+",
        "╯": "'",
        "·": "-",
        "…": "...",
        "←": "<-",
    }
)
"""What stands for our own symbols where the encoding has none of them."""

STATUS_COLOURS: Mapping[str, str] = {
    NodeStatus.RUNNING: "blue",
    NodeStatus.WAITING: "cyan",
    NodeStatus.RETRYING: "yellow",
    NodeStatus.INTERRUPTED: "yellow",
    NodeStatus.SUCCESS: "green",
    NodeStatus.FAILED: "red",
    NodeStatus.ALLOWED: "yellow",
    NodeStatus.UPSTREAM_FAILED: "magenta",
    RunStatus.COMPLETED: "green",
    RunStatus.CANCELLED: "yellow",
    "corrupt": "red",
    "newer": "red",
    "unreadable": "red",
}


def visible(text: str) -> str:
    """``text`` with everything that would act on a terminal spelled out."""
    return _HIDDEN.sub(lambda found: _spelled(found[0]), text)


def one_line(text: str, limit: int = 200) -> str:
    """The same on one line, cut where it gets long."""
    line = visible(text).replace("\n", "\\n").replace("\t", " ")
    return line if len(line) <= limit else line[: limit - 1] + "…"


def visible_bytes(data: bytes) -> bytes:
    """What a node printed, with its colours but without anything else that acts on a terminal."""
    return _COLOUR_OR_HIDDEN.sub(
        lambda found: found[1] or _spelled(found[0].decode()).encode(), data
    )


def json_for_terminal(text: str) -> str:
    r"""JSON that means the same; what a terminal might act on is written as ``\uXXXX``."""
    return re.sub(
        "[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]",
        lambda found: f"\\u{ord(found[0]):04x}",
        text,
    )


def span(seconds: float) -> str:
    """``3 ms``, ``1.2s``, ``2m03s``, ``1h02m``."""
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f}s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}m{rest:02}s"
    return f"{minutes // 60}h{minutes % 60:02}m"


def moment(at: datetime | None) -> str:
    """Local time, to the second; empty for None."""
    return "" if at is None else f"{at.astimezone():%Y-%m-%d %H:%M:%S}"


def size(count: int) -> str:
    """Bytes: ``17 bytes``, ``64 KiB``, ``1.5 MiB``."""
    if count < 1024:
        return f"{count} bytes"
    if count < 1024 * 1024:
        return f"{count / 1024:.0f} KiB"
    return f"{count / 1024 / 1024:.1f} MiB"


def counted(count: int, noun: str) -> str:
    """``1 node``, ``2 nodes``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def run_argument_of(run_id: str) -> str:
    """A run id as it must be typed last in a command; one may look like an option."""
    return f"-- {run_id}" if run_id.startswith("-") else run_id


def tally(nodes: Mapping[str, int]) -> str:
    """How many nodes ended how: ``3 success, 1 failed``."""
    order = [status.value for status in NodeStatus]
    return ", ".join(f"{nodes[name]} {name}" for name in order if nodes.get(name))


def columns(rows: Sequence[Sequence[str]]) -> list[list[str]]:
    """The cells, padded so that they stand below each other; the last of a row is not."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        [cell.ljust(width) for cell, width in zip(row[:-1], widths, strict=False)] + [row[-1]]
        for row in rows
    ]


def _spelled(char: str) -> str:
    return f"\\x{ord(char):02x}" if ord(char) < 256 else f"\\u{ord(char):04x}"
