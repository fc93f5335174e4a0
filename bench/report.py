"""A session as tables, for a terminal and for a page, and as JSON lines."""

from __future__ import annotations

import json
import os
import platform
import statistics
import time
import timeit
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import workloads
from subjects import Measurement, Subject
from targets import Session, Verdict

HEADS = (
    "",
    "what",
    "store",
    "n",
    "runs",
    "min s",
    "median s",
    "ms a step",
    "peak MB",
    "syncs a step",
)
TARGET_HEADS = ("", "target", "of medians", "of minima", "")
BEGIN, END = "<!-- figures -->", "<!-- end of figures -->"
"""What stands between these lines of a page is replaced."""

NOTHING = "-"
Rows = list[Sequence[str]]


def measured_rows(session: Session) -> Rows:
    return [HEADS, *(_row(session, subject) for subject in session.subjects)]


def target_rows(verdicts: Iterable[Verdict]) -> Rows:
    rows = [
        (
            each.target.workload,
            each.target.says,
            _number(each.median),
            _number(each.best),
            each.word,
        )
        for each in verdicts
    ]
    return [TARGET_HEADS, *rows]


def text_of(rows: Rows) -> str:
    """In columns; numbers are to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(_line(row, widths).rstrip() for row in rows)


def markdown_of(rows: Rows) -> str:
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    lines.insert(1, "|" + "---|" * len(rows[0]))
    return "\n".join(lines)


def circumstances() -> str:
    """When and on what; figures of two sessions are not to be compared."""
    at = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
    return (
        f"{at}, {platform.system()} {platform.machine()}, {os.cpu_count()} CPUs, "
        f"Python {platform.python_version()} at {calls_a_second() / 1e6:.0f} million calls of a "
        f"function a second, load {os.getloadavg()[0]:.1f} at the end"
    )


def calls_a_second() -> float:
    """Says more of a machine and of a build of Python than names: the engine is such calls."""
    call, given = "nothing(1)", {"nothing": lambda number: number}
    return 100_000 / min(timeit.repeat(call, globals=given, number=100_000, repeat=5))


def write_markdown(page: Path, parts: Sequence[str]) -> None:
    """Into ``page``, between its marks if it has them; else it is made anew."""
    figures = "\n\n".join([BEGIN, *parts, END])
    text = page.read_text() if page.exists() else ""
    before, mark, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    page.write_text(f"{before}{figures}{after}" if mark and end else f"{figures}\n")


def json_lines(session: Session) -> Iterator[str]:
    """One object a measurement."""
    for subject in session.subjects:
        for number, found in enumerate(session.measured.get(subject.key, ()), start=1):
            yield json.dumps(_document(session, subject, number, found))


def _document(
    session: Session, subject: Subject, number: int, found: Measurement
) -> dict[str, object]:
    return {
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "workload": subject.workload,
        "key": subject.key,
        "engine": subject.engine,
        "store": subject.store,
        "n": subject.n or found.steps,
        "run": number,
        "seconds": found.seconds,
        "seconds_per_node": found.seconds / found.steps,
        "rss_mb": found.rss_mb,
        "syncs_per_node": session.syncs_per_step(subject.key),
        "version": found.version or (session.version if subject.is_ours else ""),
        "durability": found.durability or workloads.SYNCS.get(subject.store, ""),
        "reruns": found.reruns,
        "critical_path": found.ideal,
        "python": platform.python_version(),
    }


def _row(session: Session, subject: Subject) -> Sequence[str]:
    found = session.measured.get(subject.key, ())
    named = (subject.key.partition("/")[0], _name(subject), subject.store)
    if not found:
        return (*named, str(subject.n or ""), subject.absent or "failed", *[NOTHING] * 5)
    seconds = [each.seconds for each in found]
    median = statistics.median(seconds)
    return (
        *named,
        str(subject.n or found[0].steps),
        str(len(found)),
        f"{min(seconds):.3f}",
        f"{median:.3f}",
        f"{1000 * median / found[0].steps:.3f}",
        f"{max(each.rss_mb for each in found):.0f}",
        _number(session.syncs_per_step(subject.key)),
    )


def _name(subject: Subject) -> str:
    detail = subject.key.partition("/")[2]
    return f"{subject.engine}, {detail}" if subject.workload == "W11" else subject.engine


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = (
        cell.rjust(width) if cell[:1].isdigit() or cell == NOTHING else cell.ljust(width)
        for cell, width in zip(row, widths, strict=True)
    )
    return "  ".join(cells)


def _number(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.4g}"
