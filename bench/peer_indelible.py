"""Indelible on the workloads W1 to W6, in the form in which every engine is measured.

    python bench/peer_indelible.py W1 --dir DIR [--n N] [--variant sqlite] [--threads T]

Building the workflow counts, importing does not (W5 and W4 are measured from outside).  With
``--count FILE`` it is counted instead: how many syncs, and the bytes before each, go into FILE.
"""

from __future__ import annotations

import json
import os
import signal
import time
from argparse import Namespace
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import workloads
from counting import Syncs

from indelible import Workflow, __version__, open_store, resume
from indelible.errors import RunExistsError
from indelible.values import Json

THREADS = 16
"""W3: how many threads call ``flow.run``, unless ``--threads`` says otherwise."""


def nothing() -> None:
    """A step."""


def marked(folder: str, number: int) -> int:
    """A step of W4; in the first of its two processes one of them is the last."""
    workloads.mark(folder, number)
    if os.environ.get(workloads.LAST_STEP) == str(number):
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def chain(given: Namespace, store: str) -> int:
    flow = Workflow("chain")
    before: list[str] = []
    for number in range(given.n):
        before = [flow.add(nothing, id=f"n{number}", depends_on=before)]
    assert flow.run(store=store).status == "completed"
    return int(given.n)


def fan(given: Namespace, store: str) -> int:
    flow = Workflow("fan", max_parallel=0)
    wide = [flow.add(nothing, id=f"n{number}") for number in range(given.n)]
    flow.add(nothing, id="join", depends_on=wide)
    assert flow.run(store=store).status == "completed"
    return int(given.n) + 1


def diamonds(given: Namespace, store: str) -> int:
    flow = Workflow("diamond")
    flow.add(nothing, id="a")
    middle = [flow.add(nothing, id=name, depends_on=["a"]) for name in ("b", "c", "d")]
    flow.add(nothing, id="e", depends_on=middle)
    opened = open_store(store)
    with ThreadPoolExecutor(given.threads) as threads:
        runs = list(threads.map(lambda _: flow.run(store=opened).status, range(given.n)))
    opened.close()
    assert runs == ["completed"] * given.n
    return int(given.n)


def marked_chain(given: Namespace, store: str) -> int:
    """Killed in the middle, and run a second time."""
    flow = Workflow("marked")
    before: list[str] = []
    for number in range(given.n):
        values: dict[str, Json] = {"folder": str(given.dir), "number": number}
        before = [flow.add(marked, id=f"n{number}", depends_on=before, with_=values)]
    try:
        run = flow.run(store=store, run_id="w4")
    except RunExistsError:
        run = resume("w4", flow=flow, store=store)
    assert run.status == "completed"
    return int(given.n)


def layers(given: Namespace, store: str) -> int:
    flow = Workflow("layers", max_parallel=0)
    for node, parents in given.dag:
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
    parser = workloads.parser_of(*WORKLOADS)
    parser.add_argument("--variant", default="", choices=("", "sqlite"))
    parser.add_argument("--threads", type=int, default=THREADS, help="W3")
    parser.add_argument("--count", type=Path, help="count syncs into this file")
    given = workloads.read_arguments(parser)
    # Drawn before the clock is looked at: a workflow is built, not thought up.
    given.dag = list(workloads.layered(given.n)) if given.workload == "W6" else []
    syncs = Syncs() if given.count else None
    store = workloads.store_in(given.dir, given.variant)
    began = time.perf_counter()
    steps = WORKLOADS[given.workload](given, store)
    workloads.print_result(
        seconds=time.perf_counter() - began,
        steps=steps,
        done_at=time.time(),
        bytes=workloads.bytes_under(given.dir),
        durability=workloads.SYNCS[given.variant or "files"],
        version=f"indelible {__version__}",
    )
    if syncs:
        counted = {"syncs": syncs.count, "batches": syncs.batches}
        given.count.write_text(json.dumps(counted))


if __name__ == "__main__":
    main()
