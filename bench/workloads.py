"""The protocol of the benchmark scripts: arguments in, one ``RESULT`` line out, marks in between.

A script is run as ``python SCRIPT W1 --dir DIR [--n N]`` and prints ``RESULT {json}``.  W4 is run
twice with one DIR: the first is killed, the second goes on; ``DIR/marks`` tells what ran when.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

SIZES = {
    "W1": 1000,
    "W2": 1000,
    "W3": 200,
    "W4": 1000,
    "W5": 1,
    "W6": 10_000,
    "W8": 1_000_000,
    "W9": 10_000,
    "W10": 200,
}
"""Steps of a chain, width of a fan, runs, steps of a chain, steps of a chain, nodes of a DAG, then
events of a log, runs in a store, commands.  W7 and W12 are others again; W11 has its own size."""

LAST_STEP = "BENCH_LAST_STEP"
"""The variable that names the step of W4 in which our own process kills itself; others are killed
from outside once that step has left its mark."""

SYNCS = {"files": "fdatasync per append", "sqlite": "sqlite WAL, synchronous=FULL"}
"""When an append of each store counts."""


def parser_of(*names: str) -> argparse.ArgumentParser:
    """For ``workload``, one of ``names``, ``dir`` and ``n`` (the size); a script may add more."""
    parser = argparse.ArgumentParser()
    parser.add_argument("workload", choices=names)
    parser.add_argument("--dir", type=Path, required=True)
    parser.add_argument("--n", type=int, default=0, help="another size")
    return parser


def read_arguments(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """What was given, with the usual size if none was; ``dir`` is made."""
    given = parser.parse_args()
    given.n = given.n or SIZES.get(given.workload, 0)
    given.dir.mkdir(parents=True, exist_ok=True)
    return given


def store_in(folder: Path, variant: str) -> str:
    """The URL of the store of ours in ``folder``: ``variant`` is ``sqlite`` or empty."""
    return f"sqlite:///{folder / 'runs.db'}" if variant == "sqlite" else str(folder / "runs")


def mark(folder: str, number: int) -> int:
    """What a step of W4 does: append ``PID NUMBER TIME`` to the marks, without a sync."""
    line = f"{os.getpid()} {number} {time.time():.6f}\n".encode()
    marks = os.open(Path(folder, "marks"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        os.write(marks, line)
    finally:
        os.close(marks)
    return number


def layered(nodes: int, *, width: int = 100, seed: int = 42) -> Iterator[tuple[int, list[int]]]:
    """Every node of a layered DAG with its parents, one to three in the layer before."""
    random = Random(seed)
    before: list[int] = []
    for first in range(0, nodes, width):
        layer = list(range(first, min(first + width, nodes)))
        for node in layer:
            count = random.randint(1, min(3, len(before))) if before else 0
            yield node, sorted(random.sample(before, count))
        before = layer


def bytes_under(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def print_result(**fields: object) -> None:
    print("RESULT " + json.dumps(fields), flush=True)
