"""One measurement is one fresh process: from its start to its end, with its memory and its syncs.

This module, and whatever imports it, stays small: on Linux the peak memory that a process is told
to have had includes that of the process it was started from.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from threading import Timer
from typing import Any, NamedTuple

RSS_UNIT = 1 if sys.platform == "darwin" else 1024
"""Bytes in a unit of ``ru_maxrss``."""

PATIENCE = 900.0
"""Seconds after which a process that does not end is killed."""

POLL = 0.001
"""Seconds between two looks at the marks of a process that is to be killed."""

_DROPPED = {"INDELIBLE_STORE", "PYTHONDONTWRITEBYTECODE", "PYTHONWARNINGS"}
_QUIET = {"DO_NOT_TRACK": "1", "NO_COLOR": "1", "LANGSMITH_TRACING": "false"}
_SYNC_CALLS = ("fsync", "fdatasync", "msync")


class FailedProcessError(Exception):
    """A process that was to be measured did not do its work; the message has what it said."""


class Ended(NamedTuple):
    """``began`` and ``done`` in seconds since 1970; ``done`` is the end of the process."""

    began: float
    seconds: float
    rss_mb: float
    said: str

    @property
    def result(self) -> dict[str, Any]:
        """The RESULT line.  Raises ``FailedProcessError`` without one."""
        for line in self.said.splitlines():
            if line.startswith("RESULT "):
                found: dict[str, Any] = json.loads(line.removeprefix("RESULT "))
                return found
        raise FailedProcessError(f"no result:\n{self.said}")


def environment(bytecode: Path) -> dict[str, str]:
    """Modules are compiled into a place of ours: the warm-up start does it, later ones need not."""
    mine = {name: value for name, value in os.environ.items() if name not in _DROPPED}
    return {**mine, **_QUIET, "PYTHONPYCACHEPREFIX": str(bytecode)}


def measured(command: Sequence[str], folder: Path, env: Mapping[str, str]) -> Ended:
    """Run ``command`` in ``folder`` to its end.  Raises ``FailedProcessError`` if it fails."""
    said = folder / "said"
    began_at, began = time.time(), time.perf_counter()
    process = start(command, folder, env, said)
    timer = Timer(PATIENCE, process.kill)
    timer.start()
    try:
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
    finally:
        timer.cancel()
        _end_group(process)
    process.returncode = os.waitstatus_to_exitcode(status)
    text = said.read_text(errors="replace")
    if process.returncode:
        raise FailedProcessError(
            f"{' '.join(command)}\nexit code {process.returncode}\n{text[-4000:]}"
        )
    return Ended(began_at, seconds, usage.ru_maxrss * RSS_UNIT / 2**20, text)


def killed(
    command: Sequence[str], folder: Path, env: Mapping[str, str], *, marks: Path, after: int
) -> None:
    """Run ``command`` until it has left ``after`` marks, or has killed itself; then SIGKILL."""
    process = start(command, folder, env, folder / "killed")
    deadline = time.monotonic() + PATIENCE
    try:
        while process.poll() is None and len(lines_of(marks)) < after:
            if time.monotonic() > deadline:
                break
            time.sleep(POLL)
    finally:
        _end_group(process)
    if process.wait() != -signal.SIGKILL:
        said = (folder / "killed").read_text(errors="replace")[-4000:]
        raise FailedProcessError(f"{' '.join(command)}\nended before it was killed\n{said}")


def start(
    command: Sequence[str], folder: Path, env: Mapping[str, str], said: Path
) -> subprocess.Popen[bytes]:
    with said.open("wb") as out:
        return subprocess.Popen(
            command,
            cwd=folder,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )


def lines_of(file: Path) -> list[list[str]]:
    """The words of every whole line; none without a ``file``."""
    if not file.exists():
        return []
    whole = file.read_text().rpartition("\n")[0]
    return [line.split() for line in whole.splitlines()]


def traced(command: Sequence[str], counts: Path) -> Sequence[str]:
    """``command`` with its syncs counted into ``counts``, where there is strace."""
    tracer = _tracer()
    return [*tracer, "-o", str(counts), *command] if tracer else command


@cache
def _tracer() -> Sequence[str]:
    """How to count syncs from outside; empty where nobody can, or may."""
    for fast in (["--seccomp-bpf"], []):  # stops at nothing but the calls that are counted
        tracer = ["strace", *fast, "-f", "-c", "-e", f"trace={','.join(_SYNC_CALLS)}"]
        with suppress(FileNotFoundError):
            tried = subprocess.run(
                [*tracer, "-o", os.devnull, "true"], check=False, capture_output=True
            )
            if tried.returncode == 0:
                return tracer
    return []


def traced_syncs(counts: Path) -> int | None:
    """How many syncs ``traced`` has counted; None if it counted nothing at all."""
    if not counts.exists():
        return None
    # `% time, seconds, usecs/call, calls, errors (often empty), syscall`
    rows = [line.split() for line in counts.read_text().splitlines()]
    return sum(int(row[3]) for row in rows if row and row[-1] in _SYNC_CALLS)


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """Whatever it left behind in the session that was begun for it."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
