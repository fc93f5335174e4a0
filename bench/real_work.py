"""Indelible where nodes do something: commands (W10), and recorded workflows that sleep (W11).

    python bench/real_work.py W10 --dir DIR [--n N] --parallel P
    python bench/real_work.py W11 --dir DIR --instance FILE [--seconds S]

A task of W11 sleeps in a thread as long as the recorded one took, scaled so that the longest path
takes S seconds; reading FILE does not count, checking and recording the workflow does.
"""

from __future__ import annotations

import json
import time
from argparse import Namespace
from collections.abc import Callable, Mapping, Sequence
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import workloads

from indelible import Workflow, __version__

LONGEST = 5.0
"""Seconds of the critical path of W11, unless ``--seconds`` says otherwise."""


def task(seconds: float) -> None:
    time.sleep(seconds)


def commands(given: Namespace, store: str) -> Mapping[str, object]:
    began = time.perf_counter()
    flow = Workflow("commands", max_parallel=given.parallel)
    for number in range(given.n):
        flow.bash(f"n{number}", "true")
    assert flow.run(store=store).status == "completed"
    return {"seconds": time.perf_counter() - began, "steps": given.n}


def recorded(given: Namespace, store: str) -> Mapping[str, object]:
    tasks = json.loads(given.instance.read_bytes())["workflow"]
    parents = {task["id"]: task["parents"] for task in tasks["specification"]["tasks"]}
    runtimes = {task["id"]: task["runtimeInSeconds"] for task in tasks["execution"]["tasks"]}
    scale = given.seconds / critical_path(parents, runtimes)
    flow = Workflow("recorded", max_parallel=0)
    for name, above in parents.items():
        length: Any = runtimes.get(name, 0.0) * scale
        flow.add(task, id=name, depends_on=above, with_={"seconds": length})
    began = time.perf_counter()
    assert flow.run(store=store).status == "completed"
    seconds = time.perf_counter() - began
    return {"seconds": seconds, "steps": len(parents), "critical_path": given.seconds}


def critical_path(parents: Mapping[str, Sequence[str]], runtimes: Mapping[str, float]) -> float:
    """Seconds of the longest way through the graph: no schedule is shorter."""
    ends: dict[str, float] = {}
    for name in TopologicalSorter(parents).static_order():
        begins = max((ends[above] for above in parents[name]), default=0.0)
        ends[name] = begins + runtimes.get(name, 0.0)
    return max(ends.values())


WORKLOADS: Mapping[str, Callable[[Namespace, str], Mapping[str, object]]] = {
    "W10": commands,
    "W11": recorded,
}


def main() -> None:
    parser = workloads.parser_of(*WORKLOADS)
    parser.add_argument("--parallel", type=int, default=1)
    parser.add_argument("--instance", type=Path, help="a WfFormat 1.5 file")
    parser.add_argument("--seconds", type=float, default=LONGEST)
    given = workloads.read_arguments(parser)
    result = WORKLOADS[given.workload](given, workloads.store_in(given.dir, ""))
    workloads.print_result(
        **result,
        done_at=time.time(),
        bytes=workloads.bytes_under(given.dir),
        durability=workloads.SYNCS["files"],
        version=f"indelible {__version__}",
    )


if __name__ == "__main__":
    main()
