"""The file that keeps what one attempt printed.  Made with the first byte, not before."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from threading import Lock

Echo = Callable[[str, bytes], None]
"""Shows bytes on the driver's own stream, ``stdout`` or ``stderr``, as well."""

APPEND = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC


class AttemptLog:
    """Appends to ``path`` (0600, folders 0700).  May be written to from any thread.

    A disk that refuses raises ``OSError`` with the path in it, so that a node whose log is lost
    fails instead of going on in silence.
    """

    __slots__ = ("_echo", "_fd", "_lock", "_path")

    def __init__(self, path: Path, echo: Echo | None = None) -> None:
        self._path = path
        self._echo = echo
        self._fd = -1
        self._lock = Lock()

    def write(self, data: bytes, stream: str = "stdout") -> None:
        """Append ``data``, all of it."""
        if not data:
            return
        if self._echo is not None:
            self._echo(stream, data)
        with self._lock:
            try:
                if self._fd < 0:
                    self._fd = _open(self._path)
                rest = memoryview(data)
                while rest:
                    rest = rest[os.write(self._fd, rest) :]
            except OSError as error:
                raise type(error)(error.errno, error.strerror, str(self._path)) from error

    def close(self) -> None:
        """Let go of the file.  A straggler that prints later opens it again."""
        with self._lock:
            if self._fd >= 0:
                os.close(self._fd)
                self._fd = -1


def _open(path: Path) -> int:
    try:
        return os.open(path, APPEND, 0o600)
    except FileNotFoundError:
        _make_private(path.parent)
        return os.open(path, APPEND, 0o600)


def _make_private(folder: Path) -> None:
    # Path.mkdir(parents=True) gives the mode to the last folder only.
    if not folder.is_dir():
        _make_private(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
