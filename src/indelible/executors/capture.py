"""Prints of nodes that run in this process go to their attempt's log, not into each other.

While an executor is open, ``sys.stdout`` and ``sys.stderr`` are stand-ins that ask who is printing:
inside a node they write to its log, outside they pass everything through.
"""

from __future__ import annotations

import sys
from threading import Lock
from typing import Any, TextIO

from indelible.executors.attempt import STREAMS, current_sink


class RoutedStream:
    """Stands in for ``sys.stdout`` or ``sys.stderr``; all but writing is the original's affair."""

    def __init__(self, name: str, original: TextIO) -> None:
        self._name = name
        self._original = original

    def write(self, text: str) -> int:
        sink = current_sink()
        if sink is None:
            return self._original.write(text)
        sink.write(text.encode(errors="backslashreplace"), self._name)
        return len(text)

    def writelines(self, lines: list[str]) -> None:
        for line in lines:
            self.write(line)

    @property
    def buffer(self) -> Any:
        """The stream for bytes; in a node, one that writes to the log."""
        sink = current_sink()
        return self._original.buffer if sink is None else _RoutedBytes(self._name)

    def close(self) -> None:
        """Left open: it is the driver's stream, and every other node's."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._original, name)


class _RoutedBytes:
    def __init__(self, name: str) -> None:
        self._name = name

    def write(self, data: bytes) -> int:
        sink = current_sink()
        if sink is not None:
            sink.write(bytes(data), self._name)
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""


class _Capture:
    """Counts who wants the stand-ins; the last one out puts back what was there."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._users = 0
        self._installed: list[tuple[str, RoutedStream, TextIO]] = []

    def open(self) -> None:
        with self._lock:
            self._users += 1
            if self._users == 1:
                for name in STREAMS:
                    self._install(name, getattr(sys, name))

    def close(self) -> None:
        with self._lock:
            self._users -= 1
            if self._users == 0:
                for name, routed, original in self._installed:
                    # Somebody may have put a stream of their own there since: that one stays.
                    if getattr(sys, name) is routed:
                        setattr(sys, name, original)
                self._installed = []

    def original(self, name: str) -> TextIO | None:
        found = [original for known, _, original in self._installed if known == name]
        return found[0] if found else getattr(sys, name)

    def _install(self, name: str, original: TextIO | None) -> None:
        if original is not None:  # a program without a console has none
            routed = RoutedStream(name, original)
            self._installed.append((name, routed, original))
            setattr(sys, name, routed)


# One per process, because sys.stdout is.
capture = _Capture()


def echo(name: str, data: bytes) -> None:
    """Show what a node printed on the driver's own stream ``name``."""
    stream = capture.original(name)
    if stream is None:
        return
    raw = getattr(stream, "buffer", None)
    if raw is None:
        stream.write(data.decode(errors="replace"))
    else:
        stream.flush()
        raw.write(data)
    stream.flush()
