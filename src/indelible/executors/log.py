"""The file that keeps what one attempt printed, without the secrets that it knew."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from indelible.errors import StoreError
    from indelible.executors.redaction import RedactedStream, Redactor

Echo = Callable[[str, bytes], None]
"""Shows bytes on the driver's own stream, ``stdout`` or ``stderr``, as well."""

APPEND = os.O_WRONLY | os.O_APPEND | os.O_CREAT


DISK_TROUBLE = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EMFILE, errno.ENFILE}
)
"""What no attempt can help: the next one would meet it as well."""


class DiskRefusedError(OSError):
    """The disk is full, gone or read-only, or no file can be opened any more.  Not the node failed
    but the store, and so the drive."""

    def explained(self) -> StoreError:
        """The same for whoever drives the run."""
        from indelible.stores.disk import explained

        return explained(self, Path(self.filename), "write")


def at_path(error: OSError, path: Path) -> OSError:
    """``error`` with the path in it; a ``DiskRefusedError`` if the disk is at fault."""
    kind = DiskRefusedError if error.errno in DISK_TROUBLE else type(error)
    return kind(error.errno, error.strerror, str(path))


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
    """Appends to a file (0600, folders 0700) that is made with the first byte, not before.

    ``path`` is not asked before either, as most Python nodes print nothing.

    May be written to from any thread.  No link is followed.  A file that cannot be written raises
    ``OSError`` with the path in it, so that a node whose log is lost fails instead of going on in
    silence.  A disk that refuses raises ``DiskRefusedError``, and at each ``flush`` after it again:
    a node that catches it must not hide it.
    """

    __slots__ = ("_echo", "_fd", "_lock", "_path", "_refusal")

    def __init__(self, path: Callable[[], Path], echo: Echo | None = None) -> None:
        self._path = path
        self._echo = echo
        self._fd = -1
        self._lock = Lock()
        self._refusal: DiskRefusedError | None = None

    def write(self, data: bytes, stream: str = "stdout") -> bytes:
        """Append ``data``, all of it."""
        if not data:
            return data
        if self._echo is not None:
            self._echo(stream, data)
        with self._lock:
            try:
                if self._fd < 0:
                    self._fd = _open(self._path())
                rest = memoryview(data)
                while rest:
                    rest = rest[os.write(self._fd, rest) :]
            except OSError as error:
                told = at_path(error, self._path())
                self._refusal = told if isinstance(told, DiskRefusedError) else self._refusal
                raise told from error
        return data

    def flush(self, stream: str) -> bytes:
        """Nothing is held back."""
        if self._refusal is not None:
            raise self._refusal
        return b""

    def close(self) -> None:
        """Let go of the file.  A straggler that prints later opens it again."""
        if self._fd < 0:
            return  # most Python nodes print nothing
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
            shown = b"" if held is None else self._sink.write(held.finish(), stream)
            return shown + self._sink.flush(stream)

    def close(self) -> None:
        """Flush and let go of the sink, whatever comes of the flush."""
        try:
            for stream in tuple(self._streams):
                self.flush(stream)
        finally:
            self._sink.close()


def refusal_of(log: Sink, streams: Iterable[str]) -> DiskRefusedError | None:
    """What the disk refused, also if the node caught that or put it in other words."""
    try:
        for stream in streams:
            log.flush(stream)
    except DiskRefusedError as refusal:
        return refusal
    except OSError:
        pass  # of an attempt that has failed already
    return None


def _open(path: Path) -> int:
    from indelible.stores.disk import open_private

    try:
        return open_private(path, APPEND)
    except FileNotFoundError:
        make_private(path.parent)
        return open_private(path, APPEND)


def make_private(folder: Path) -> None:
    """Make ``folder`` and what is missing above it, 0700.  Raises ``OSError``."""
    # Path.mkdir(parents=True) gives the mode to the last folder only.
    if not folder.is_dir():
        make_private(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
