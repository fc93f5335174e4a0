"""Ctrl-C, SIGTERM, a closed terminal: the first asks the drive to stop, the second does not ask."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from types import FrameType

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


Interrupting = Callable[[Callable[[], None]], AbstractContextManager[None]]
"""Hands the means to interrupt a drive to whoever may use it, as long as the drive lasts."""


@contextmanager
def interrupting(interrupt: Callable[[], None]) -> Iterator[None]:
    """Call ``interrupt`` at the first signal, raise ``KeyboardInterrupt`` at the second.

    A signal that this process ignores stays ignored: so ``nohup``, and a shell that starts a job
    in the background of a script, have asked for it.  Only the main thread can be told of signals;
    in any other this does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    seen = 0

    def handle(number: int, frame: FrameType | None) -> None:
        nonlocal seen
        seen += 1
        if seen > 1:
            raise KeyboardInterrupt
        interrupt()

    heeded = [each for each in STOPPING if signal.getsignal(each) is not signal.SIG_IGN]
    before = {number: signal.signal(number, handle) for number in heeded}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)


class Handle:
    """Interrupts the drive that was given its ``interrupting``, from any other thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._interrupt: Callable[[], None] | None = None
        self._is_wanted = False

    def interrupt(self) -> None:
        """Interrupt the drive; if it has not begun yet, as soon as it has."""
        with self._lock:
            self._is_wanted = True
            if self._interrupt is not None:
                self._interrupt()

    @contextmanager
    def interrupting(self, interrupt: Callable[[], None]) -> Iterator[None]:
        """Keep ``Interrupting``."""
        with self._lock:
            self._interrupt = interrupt
            if self._is_wanted:
                interrupt()
        try:
            yield
        finally:
            with self._lock:
                self._interrupt = None
