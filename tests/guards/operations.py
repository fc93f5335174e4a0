"""How much is done, in numbers that are the same each time: steps of Python, system calls."""

from __future__ import annotations

import gc
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

SYSTEM_CALLS = (
    "access",
    "close",
    "fdatasync",
    "fstat",
    "fsync",
    "ftruncate",
    "listdir",
    "lstat",
    "mkdir",
    "open",
    "pread",
    "pwrite",
    "read",
    "scandir",
    "stat",
    "unlink",
    "write",
)
"""The functions of ``os`` that reach the disk in an append, or might."""


class _Steps:
    """Counts what the interpreter reports to its tracer and its profiler."""

    def __init__(self) -> None:
        self.count = 0

    def step(self, frame: FrameType, event: str, argument: object) -> Callable[..., Any]:
        self.count += 1
        return self.step

    def call(self, frame: FrameType, event: str, argument: object) -> None:
        self.count += event == "c_call"


def operations_of(work: Callable[[], object]) -> int:
    """Lines and calls that ``work`` executes in this thread.

    A loop over all nodes shows as lines, one a turn, whether or not its body calls anything.
    """
    steps = _Steps()
    before = sys.gettrace(), sys.getprofile()
    gc.disable()  # what it calls is not the work's
    sys.setprofile(steps.call)
    sys.settrace(steps.step)
    try:
        work()
    finally:
        sys.settrace(before[0])
        sys.setprofile(before[1])
        gc.enable()
    return steps.count


@contextmanager
def system_calls() -> Iterator[Counter[str]]:
    """Counts calls of the functions of ``os``, from all threads, once the block is left.

    Syncs are also counted by the inode of their file, as ``fdatasync 1234``.
    """
    made: list[str] = []  # appending is safe in threads, adding up is not
    found: Counter[str] = Counter()
    originals = {name: getattr(os, name) for name in SYSTEM_CALLS if hasattr(os, name)}
    for name, call in originals.items():
        setattr(os, name, _counted(name, call, originals["fstat"], made))
    try:
        yield found
    finally:
        for name, call in originals.items():
            setattr(os, name, call)
        found.update(made)


def _counted(
    name: str, call: Callable[..., Any], fstat: Callable[[int], os.stat_result], made: list[str]
) -> Callable[..., Any]:
    def calling(*arguments: Any, **named: Any) -> Any:
        made.append(name)
        if name == "fdatasync":
            made.append(f"{name} {fstat(arguments[0]).st_ino}")
        return call(*arguments, **named)

    return calling
