"""What the disk allows: as many appends of the same size, each synced, and nothing else.

python bench/floor.py W1 --dir DIR --n APPENDS --bytes TOTAL
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

import workloads

SYNC = getattr(os, "fdatasync", os.fsync)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("workload", choices=("W1",))
    parser.add_argument("--dir", type=Path, required=True)
    parser.add_argument("--n", type=int, default=workloads.SIZES["W1"])
    parser.add_argument("--bytes", type=int, default=600_000, help="of all appends together")
    given = parser.parse_args()
    given.dir.mkdir(parents=True, exist_ok=True)
    line = b"x" * (given.bytes // given.n)
    log = os.open(given.dir / "floor", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    began = time.perf_counter()
    for _ in range(given.n):
        os.write(log, line)
        SYNC(log)
    seconds = time.perf_counter() - began
    os.close(log)
    workloads.print_result(
        seconds=seconds,
        steps=given.n,
        done_at=time.time(),
        bytes=given.bytes,
        durability="fdatasync",
    )


if __name__ == "__main__":
    main()
