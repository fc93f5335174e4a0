"""A command line on a terminal of its own, and somebody who types."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path

from tests.commands import CODE, PATIENCE, environment

# Only who has the terminal as the one that controls it gets a signal for Ctrl-C.
_TAKING_IT = f"import fcntl, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); {CODE}"

CTRL_C = "\x03"
CTRL_D = "\x04"


class Terminal:
    """What a process has written to it, and how to type."""

    def __init__(self, process: subprocess.Popen[bytes], ours: FileIO) -> None:
        self._process = process
        self._ours = ours
        self.seen = ""
        self._answered = 0

    def type_at(self, prompt: str, text: str) -> None:
        """Wait until ``prompt`` is there and new, then type."""
        deadline = time.monotonic() + PATIENCE
        while prompt not in self.seen[self._answered :]:
            assert time.monotonic() < deadline, self.seen
            assert self._read(), f"it ended without {prompt!r}: {self.seen}"
        self._answered = self.seen.index(prompt, self._answered) + len(prompt)
        self.type(text)

    def type(self, text: str) -> None:
        self._ours.write(text.encode())

    def end(self, *, pressing: str = "") -> int:
        """Read to the end; the exit code.  A key is pressed again while nothing comes.

        Between a prompt and its wait for a line Python misses Ctrl-C, which no person is as fast
        as to notice.
        """
        deadline = time.monotonic() + PATIENCE
        while self._read(pressing):
            assert time.monotonic() < deadline, self.seen
        return self._process.wait(PATIENCE)

    def _read(self, key: str = "") -> bool:
        """Read a piece if one comes soon; False once nobody is left to write one."""
        if not select.select([self._ours], [], [], 0.5)[0]:
            self.type(key)
            return True
        try:
            piece = self._ours.read(65536)
        except OSError:  # how Linux says that nobody is left
            return False
        self.seen += (piece or b"").decode(errors="replace")
        return bool(piece)


@contextmanager
def on_a_terminal(*arguments: str, cwd: Path) -> Iterator[Terminal]:
    """``indelible ARGUMENTS``, which does not outlive the test."""
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "r+b", buffering=0) as terminal:
        process = subprocess.Popen(
            [sys.executable, "-c", _TAKING_IT, *arguments],
            cwd=cwd,
            env={**environment(), "TERM": "xterm"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        try:
            yield Terminal(process, terminal)
        finally:
            process.kill()
            process.wait()
