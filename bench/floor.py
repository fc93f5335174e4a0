"""What the machine allows: the same bytes synced, the same commands started, and nothing else.

    python bench/floor.py W1 --dir DIR [--batches FILE]     write + fdatasync, one after the other
    python bench/floor.py W12 --dir DIR [--batches FILE]    one-row commits, WAL, synchronous=FULL
    python bench/floor.py W10 --dir DIR --parallel P        commands, P at a time

FILE is what ``peer_indelible.py W1 --count FILE`` wrote: the size of each append of that very run.
Without it, ``--n`` appends of 600 bytes.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from argparse import Namespace
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import workloads

SYNC = getattr(os, "fdatasync", os.fsync)
APPEND = 600
"""Bytes: a started and a completed event."""


def synced_writes(given: Namespace) -> Mapping[str, object]:
    lines = [b"x" * length for length in _sizes(given)]
    log = os.open(given.dir / "floor", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    began = time.perf_counter()
    for line in lines:
        os.write(log, line)
        SYNC(log)
    seconds = time.perf_counter() - began
    os.close(log)
    return _result(seconds, len(lines), workloads.SYNCS["files"])


def commits(given: Namespace) -> Mapping[str, object]:
    import apsw  # ours writes through it too

    rows = ["x" * length for length in _sizes(given)]
    database = apsw.Connection(str(given.dir / "floor.db"))
    for pragma in ("journal_mode=wal", "synchronous=FULL"):
        database.execute(f"PRAGMA {pragma}").fetchall()
    database.execute("CREATE TABLE floor (line TEXT)")
    began = time.perf_counter()
    for row in rows:
        database.execute("INSERT INTO floor VALUES (?)", (row,))
    seconds = time.perf_counter() - began
    database.close()
    return _result(seconds, len(rows), workloads.SYNCS["sqlite"])


def commands(given: Namespace) -> Mapping[str, object]:
    def start(_: int) -> int:
        return subprocess.run(["bash", "-c", "true"], check=True).returncode

    began = time.perf_counter()
    with ThreadPoolExecutor(given.parallel) as threads:
        codes = list(threads.map(start, range(given.n)))
    return _result(time.perf_counter() - began, len(codes), "none")


FLOORS: Mapping[str, Callable[[Namespace], Mapping[str, object]]] = {
    "W1": synced_writes,
    "W10": commands,
    "W12": commits,
}


def _sizes(given: Namespace) -> Sequence[int]:
    if given.batches is None:
        return [APPEND] * (given.n or workloads.SIZES["W1"])
    sizes: list[int] = json.loads(given.batches.read_text())["batches"]
    return sizes


def _result(seconds: float, steps: int, durability: str) -> Mapping[str, object]:
    return {"seconds": seconds, "steps": steps, "durability": durability}


def main() -> None:
    parser = workloads.parser_of(*FLOORS)
    parser.add_argument("--batches", type=Path, help="the sizes of the appends")
    parser.add_argument("--parallel", type=int, default=1)
    given = workloads.read_arguments(parser)
    result = FLOORS[given.workload](given)
    workloads.print_result(**result, done_at=time.time(), bytes=workloads.bytes_under(given.dir))


if __name__ == "__main__":
    main()
