"""Drives the crash workflow to its end in one process: run it, answer what it asks, go on.

    python -m tests.crash.drive FOLDER STORE        STORE is ``files`` or ``sqlite``

Its exit code is that of the last command.  ``ACK node`` on stdout tells the outside what has been
acknowledged, one write a line.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from indelible.cli.main import main as indelible

FLOW = str(Path(__file__).with_name("flow.yaml"))
RUN = "r1"
URLS = {"files": "store", "sqlite": "sqlite:///store/runs.db"}
COMPLETED, USAGE, WAITING = 0, 2, 5
BEGAN = "began"
"""The file with a line for every drive that began, outside of the store."""


def run(url: str) -> int:
    """``indelible run``; if there is such a run already, what ``resume`` makes of it."""
    inline = ("--executor", "inline")
    code = indelible(["run", FLOW, "--run-id", RUN, *inline, "--no-wait", "-q", "--store", url])
    return resume(url) if code == USAGE else code


def resume(url: str) -> int:
    """``indelible resume``, and nothing else."""
    return indelible(["resume", RUN, "--no-wait", "-q", "--store", url])


def finish(url: str, code: int) -> int:
    """Answer the question of a run that waits, and resume it; ``code`` is how it was left."""
    if code == WAITING:
        code = indelible(["approve", RUN, "gate", "--store", url])
        if code not in {COMPLETED, USAGE}:  # somebody else may have answered it
            return code
        acknowledge("gate")
        code = resume(url)
    if code == COMPLETED:
        acknowledge("finish")
    return code


def acknowledge(node: str) -> None:
    print(f"ACK {node}", flush=True)


def main(arguments: Sequence[str]) -> int:
    folder, kind = arguments
    os.chdir(folder)
    with Path(BEGAN).open("a") as began:
        began.write(f"{os.getpid()}\n")
    return finish(URLS[kind], run(URLS[kind]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
