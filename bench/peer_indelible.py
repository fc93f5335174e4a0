"""Indelible on the workloads W1 to W6, in the form in which every engine is measured.

    python bench/peer_indelible.py W1 --dir DIR [--n N] [--variant sqlite]

Building the workflow counts, importing does not (W5 and W4 are measured from outside).
"""

from __future__ import annotations

import time
from argparse import Namespace
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import workloads

import indelible as ink
from indelible.errors import RunExistsError
from indelible.values import Json

THREADS = 8
"""W3: how many threads call ``flow.run``."""


def nothing() -> None:
    """A step."""


def marked(folder: str, number: int) -> int:
    return workloads.mark(folder, number)


def chain(given: Namespace, store: str) -> int:
    flow = ink.Workflow("chain")
    before: list[str] = []
    for number in range(given.n):
        before = [flow.add(nothing, id=f"n{number}", depends_on=before)]
    assert flow.run(store=store).status == "completed"
    return int(given.n)


def fan(given: Namespace, store: str) -> int:
    flow = ink.Workflow("fan")
    wide = [flow.add(nothing, id=f"n{number}") for number in range(given.n)]
    flow.add(nothing, id="join", depends_on=wide)
    assert flow.run(store=store).status == "completed"
    return int(given.n) + 1


def diamonds(given: Namespace, store: str) -> int:
    flow = ink.Workflow("diamond")
    flow.add(nothing, id="a")
    middle = [flow.add(nothing, id=name, depends_on=["a"]) for name in ("b", "c", "d")]
    flow.add(nothing, id="e", depends_on=middle)
    opened = ink.open_store(store)
    with ThreadPoolExecutor(THREADS) as threads:
        runs = list(threads.map(lambda _: flow.run(store=opened).status, range(given.n)))
    opened.close()
    assert runs == ["completed"] * given.n
    return int(given.n)


def marked_chain(given: Namespace, store: str) -> int:
    """Killed by whoever measures, and run a second time."""
    flow = ink.Workflow("marked")
    before: list[str] = []
    for number in range(given.n):
        values: dict[str, Json] = {"folder": str(given.dir), "number": number}
        before = [flow.add(marked, id=f"n{number}", depends_on=before, with_=values)]
    try:
        run = flow.run(store=store, run_id="w4")
    except RunExistsError:
        run = ink.resume("w4", flow=flow, store=store)
    assert run.status == "completed"
    return int(given.n)


def layers(given: Namespace, store: str) -> int:
    flow = ink.Workflow("layers")
    for node, parents in workloads.layered(given.n):
        flow.add(nothing, id=f"n{node}", depends_on=[f"n{parent}" for parent in parents])
    assert flow.run(store=store).status == "completed"
    return int(given.n)


WORKLOADS: Mapping[str, Callable[[Namespace, str], int]] = {
    "W1": chain,
    "W2": fan,
    "W3": diamonds,
    "W4": marked_chain,
    "W5": chain,
    "W6": layers,
}


def main() -> None:
    given = workloads.read_arguments()
    folder: Path = given.dir
    store = f"sqlite:///{folder / 'runs.db'}" if given.variant else str(folder / "runs")
    began = time.perf_counter()
    steps = WORKLOADS[given.workload](given, store)
    workloads.print_result(
        seconds=time.perf_counter() - began,
        steps=steps,
        done_at=time.time(),
        bytes=workloads.bytes_under(folder),
        durability="sqlite WAL, synchronous=FULL" if given.variant else "fdatasync per append",
        version=f"indelible {ink.__version__}",
    )


if __name__ == "__main__":
    main()
