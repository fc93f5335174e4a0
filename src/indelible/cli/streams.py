"""What goes where: results on stdout, everything else on stderr, each in what it can show."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TextIO

import click
import msgspec

from indelible.cli.text import PLAIN, STATUS_COLOURS, columns, json_for_terminal
from indelible.errors import ResultLostError


def put(text: str) -> None:
    """A line of the result.  Raises ``ResultLostError``."""
    with to_stdout():
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


def open_missing() -> None:
    """Open what the process was started without: the next file must not become stdout or stderr.

    What is said on stderr goes nowhere then; what is written to stdout is lost, and told so.
    """
    for fd, flags in ((0, os.O_RDONLY), (1, os.O_RDONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(fd)
        except OSError:
            os.open(os.devnull, flags)  # in order, so that each gets the number that is free
            os.set_inheritable(fd, True)
    sys.stdin = sys.stdin or os.fdopen(0, closefd=False)
    sys.stdout = sys.stdout or os.fdopen(1, "w", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", closefd=False)


def flush() -> None:
    """Let the result out, now.  Raises ``ResultLostError``."""
    with to_stdout():
        sys.stdout.flush()


@contextmanager
def to_stdout() -> Iterator[None]:
    """Around what writes a result.  Raises ``ResultLostError`` where stdout does not take it, and
    ``BrokenPipeError`` where its reader has had enough."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise result_lost(error) from error


def result_lost(error: OSError) -> ResultLostError:
    """What ``error`` means for a result; nothing is written to stdout any more."""
    abandon(sys.stdout)
    return ResultLostError(
        f"stdout: the result cannot be written: {error.strerror}",
        hint="What was done stays done.  See it: indelible list",
    )


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
        # If this fails nobody reads stderr either; that is no reason to fail.
        with suppress(OSError):
            sys.stdout.flush()
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def put_bytes(data: bytes) -> None:
    """A part of the result, as it is.  Raises ``ResultLostError``."""
    with to_stdout():
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
