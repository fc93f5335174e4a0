"""The file that keeps what one attempt printed, without the secrets that it knew."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from indelible.executors.redaction import RedactedStream, Redactor

Echo = Callable[[str, bytes], None]
"""Shows bytes on the driver's own stream, ``stdout`` or ``stderr``, as well."""

APPEND = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC


class Sink(Protocol):
    """Where an attempt's prints go.  May be written to from any thread."""

    def write(self, data: bytes, stream: str = "stdout") -> bytes:
        """Take ``data``; what can be shown of it, and of what was held back before, by now."""
        ...

    def flush(self, stream: str) -> bytes:
        """What was still held back of ``stream``."""
        ...

    def close(self) -> None:
        """Keep what was held back and let go."""
        ...


class AttemptLog:
    """Appends to ``path`` (0600, folders 0700), which is made with the first byte, not before.

    May be written to from any thread.  A disk that refuses raises ``OSError`` with the path in it,
    so that a node whose log is lost fails instead of going on in silence.
    """

    __slots__ = ("_echo", "_fd", "_lock", "_path")

    def __init__(self, path: Path, echo: Echo | None = None) -> None:
        self._path = path
        self._echo = echo
        self._fd = -1
        self._lock = Lock()

    def write(self, data: bytes, stream: str = "stdout") -> bytes:
        """Append ``data``, all of it."""
        if not data:
            return data
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
        return data

    def flush(self, stream: str) -> bytes:
        """Nothing is held back."""
        return b""

    def close(self) -> None:
        """Let go of the file.  A straggler that prints later opens it again."""
        with self._lock:
            if self._fd >= 0:
                os.close(self._fd)
                self._fd = -1


class RedactedLog:
    """Masks secrets on their way to ``sink``, each stream for itself."""

    __slots__ = ("_lock", "_redactor", "_sink", "_streams")

    def __init__(self, sink: Sink, redactor: Redactor) -> None:
        self._sink = sink
        self._redactor = redactor
        self._streams: dict[str, RedactedStream] = {}
        self._lock = Lock()

    def write(self, data: bytes, stream: str = "stdout") -> bytes:
        """Pass on what cannot be part of a secret, masks for what is, and keep the rest."""
        with self._lock:
            if stream not in self._streams:
                self._streams[stream] = self._redactor.stream()
            return self._sink.write(self._streams[stream].feed(data), stream)

    def flush(self, stream: str) -> bytes:
        """Pass on what turned out to be no secret."""
        with self._lock:
            held = self._streams.get(stream)
            return b"" if held is None else self._sink.write(held.finish(), stream)

    def close(self) -> None:
        """Flush and let go of the sink, whatever comes of the flush."""
        try:
            for stream in tuple(self._streams):
                self.flush(stream)
        finally:
            self._sink.close()


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
