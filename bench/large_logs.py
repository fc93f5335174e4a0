"""Indelible and what is already in a store: a log of a million events (W8), 10,000 runs (W9).

    python bench/large_logs.py W8 --dir DIR [--n EVENTS] --make     append such a log, in batches
    python bench/large_logs.py W8 --dir DIR                         what a resume of it begins with
    python bench/large_logs.py W9 --dir DIR [--n RUNS] [--variant sqlite] --make

The log of W8 is that of a map whose last item has not begun.  Reading it is what ``resume`` does up
to its first append: verify the chain, fold, open the next attempt, decide; nothing is written, so
that all rounds read the same log.  W9 is read by ``indelible list``.
"""

from __future__ import annotations

import time
from argparse import Namespace
from collections.abc import Callable, Mapping
from itertools import count

import workloads
from msgspec import Raw

import indelible as ink
from indelible.definition.model import Definition
from indelible.engine.actions import FetchBlobs, StartNode, events_of
from indelible.engine.decide import decide
from indelible.events import Event, NodeCompleted, NodeStarted, WorkflowCompleted
from indelible.plan import make_plan
from indelible.runtime.identity import now_utc
from indelible.runtime.log import Log, open_log, unwatched
from indelible.runtime.opening import first_opening, next_opening
from indelible.runtime.payloads import keep
from indelible.stores.port import IWorkflowStore
from indelible.values import Json

BATCH = 10_000
"""Events in an append."""


def item(number: int) -> int:
    return number


def number() -> int:
    return 1


def make_large_log(given: Namespace, store: IWorkflowStore) -> int:
    """A map of half as many items as events, of which all have completed but the last."""
    items = given.n // 2
    flow = ink.Workflow("map", inputs={"items": ink.Input(type="array")})
    # One at a time, so that this is a log that the engine could have written.
    flow.add(
        item, id="map", for_each="inputs.items", max_parallel=1, with_={"number": "${{ item }}"}
    )
    with store.claim("large"):
        log = _begun(store, "large", flow.build(), {"items": list(range(items))})
        _decide(log)
        for index in range(items - 1):
            started, completed = _execution(f"map[{index}]", str(index))
            log.draft(started)
            if index % (BATCH // 2) == 0:
                log.commit(now_utc())
            log.draft(completed)
        log.commit(now_utc())
    return log.length


def make_runs(given: Namespace, store: IWorkflowStore) -> int:
    """Runs of five nodes that have completed, each a claim and one append."""
    flow = ink.Workflow("five")
    for each in range(5):
        flow.add(number, id=f"n{each}")
    definition = flow.build()
    for name in (f"run-{index:06}" for index in range(given.n)):
        with store.claim(name):
            log = _begun(store, name, definition, {})
            for each in range(5):
                for event in _execution(f"n{each}", "1"):
                    log.draft(event)
            log.draft(WorkflowCompleted())
            log.commit(now_utc())
    return int(given.n)


def read_large_log(given: Namespace, store: IWorkflowStore) -> int:
    log = open_log(store, "large")
    steps = log.length
    log.draft(next_opening(log)(log.state, now_utc()))
    starts = _decide(log)
    assert [start.node_id for start in starts] == [f"map[{steps // 2 - 1}]"]
    return steps


def _begun(
    store: IWorkflowStore, run_id: str, definition: Definition, inputs: Mapping[str, Json]
) -> Log:
    log = Log(store, make_plan(definition), run_id, unwatched)
    log.draft(first_opening(log, definition, inputs, "")(log.state, now_utc()))
    return log


def _decide(log: Log) -> list[StartNode]:
    """Draft what follows by itself; give the first attempts that would start then."""
    blobs: dict[str, bytes] = {}
    for _ in count():
        actions = decide(log.state, now_utc(), blobs)
        starts = [action for action in actions if isinstance(action, StartNode)]
        if starts:
            return starts
        for action in actions:
            if isinstance(action, FetchBlobs):
                blobs |= {ref.sha256: log.store.get_blob(log.run_id, ref) for ref in action.refs}
            for event in events_of(action, lambda value: keep(log.store, log.run_id, value)):
                log.draft(event)
    return []


def _execution(node_id: str, output: str) -> tuple[Event, Event]:
    completed = NodeCompleted(node_id=node_id, attempt=1, output=Raw(output.encode()))
    return NodeStarted(node_id=node_id, attempt=1), completed


MAKERS: Mapping[str, Callable[[Namespace, IWorkflowStore], int]] = {
    "W8": make_large_log,
    "W9": make_runs,
}
READERS: Mapping[str, Callable[[Namespace, IWorkflowStore], int]] = {"W8": read_large_log}


def main() -> None:
    parser = workloads.parser_of(*MAKERS)
    parser.add_argument("--variant", default="", choices=("", "sqlite"))
    parser.add_argument("--make", action="store_true")
    given = workloads.read_arguments(parser)
    store = ink.open_store(workloads.store_in(given.dir, given.variant))
    began = time.perf_counter()
    steps = (MAKERS if given.make else READERS)[given.workload](given, store)
    workloads.print_result(
        seconds=time.perf_counter() - began,
        steps=steps,
        done_at=time.time(),
        bytes=workloads.bytes_under(given.dir),
        durability="reads only",
        version=f"indelible {ink.__version__}",
    )
    store.close()


if __name__ == "__main__":
    main()
