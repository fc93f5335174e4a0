"""What goes where: results on stdout, everything else on stderr, each in what it can show."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TextIO

import click
import msgspec

from indelible.cli.text import PLAIN, STATUS_COLOURS, columns, json_for_terminal


def put(text: str) -> None:
    """A line of the result."""
    sys.stdout.write(fitting(text, sys.stdout) + "\n")


def say(text: str, stream: TextIO | None = None) -> None:
    """Lines about what is going on; a ``stream`` that fails is left alone from then on.

    Nobody reads them then, and what is being done is not to fail for that.
    """
    stream = stream or sys.stderr
    try:
        stream.write(fitting(text, stream) + "\n")
        stream.flush()
    except OSError:
        abandon(stream)


def abandon(stream: TextIO) -> None:
    """Let what is in the buffer, and all that follows, go nowhere, so that exit does not fail."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


@contextmanager
def results_apart() -> Iterator[None]:
    """Inside, whatever is written to descriptor 1 goes to stderr.

    Threads and processes that a node starts by itself inherit it, and must not mix with results.
    """
    try:
        sys.stdout.flush()
        kept = os.dup(1)
    except OSError:  # there is no stdout: nothing can get mixed up in it
        yield
        return
    try:
        os.dup2(2, 1)
        yield
        sys.stdout.flush()
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def put_bytes(data: bytes) -> None:
    """A part of the result, as it is."""
    sys.stdout.flush()
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def put_json(document: object) -> None:
    """One JSON document on one line.  ``msgspec.Raw`` in it stays byte for byte."""
    put_line(msgspec.json.encode(document))


def put_line(line: bytes) -> None:
    """A line of JSON: exactly these bytes, except that on a terminal they harm nobody."""
    if sys.stdout.isatty():
        line = json_for_terminal(line.decode()).encode()
    put_bytes(line + b"\n")


def put_table(rows: Sequence[Sequence[str]], *, status: int) -> None:
    """Columns, the first row their heads; column ``status`` is coloured on a terminal."""
    for at, cells in enumerate(columns(rows)):
        if at:
            cells[status] = coloured(cells[status], rows[at][status], sys.stdout)
        put("  ".join(cells).rstrip())


def coloured(text: str, status: str, stream: TextIO) -> str:
    """``text`` in the colour of ``status``, where the stream shows colours."""
    colour = STATUS_COLOURS.get(status)
    return click.style(text, fg=colour) if colour and shows_colours(stream) else text


def shows_colours(stream: TextIO) -> bool:
    """A terminal, unless the user wants it plain (no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def fitting(text: str, stream: TextIO) -> str:
    """``text`` in characters that the stream can write, whatever its encoding."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    if encoding.lower().replace("-", "") == "utf8":
        return text.encode(errors="backslashreplace").decode()
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return text.translate(PLAIN).encode(encoding, "backslashreplace").decode(encoding)
    return text
