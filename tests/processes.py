"""Looking at real processes, from tests that start some and kill some."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.commands import COMMAND, PATIENCE, environment


def until(is_so: Callable[[], bool]) -> None:
    """Wait for what other processes bring about."""
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.005)


def children_of(pid: int) -> dict[int, str]:
    """What ``pid`` started and has not waited for, each with the name of its program."""
    listed = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid=,comm="], stdout=subprocess.PIPE, text=True, check=True
    )
    lines = [line.split(None, 2) for line in listed.stdout.splitlines()]
    return {
        int(child): name for child, parent, name in lines if int(parent) == pid and name != "ps"
    }


@contextmanager
def driving(*arguments: str, cwd: Path) -> Iterator[subprocess.Popen[str]]:
    """The command line as a process of its own, which does not outlive the test."""
    process = subprocess.Popen(
        [*COMMAND, *arguments],
        cwd=cwd,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()
