"""Drives the example ``everything``: starts or resumes its run, and answers what it asks.

    python everything.py STORE RUN_ID

A process of its own, so that it can be killed; the answer is given between two drives, as by a
person who comes by.
"""

from __future__ import annotations

import sys

from indelible import open_store
from indelible.definition.yaml_file import load_workflow
from indelible.errors import WaitingError
from indelible.runtime import drive
from indelible.runtime.answers import approve
from indelible.runtime.drive import Shell
from indelible.runtime.identity import now_utc
from indelible.stores.port import IWorkflowStore

PATIENT = Shell(waits=False)


def follow(store: IWorkflowStore, run_id: str) -> None:
    """Bring the run to its end, whatever has become of it before."""
    while True:
        try:
            if run_id in set(store.runs()):
                drive.resume(store, run_id, shell=PATIENT)
            else:
                drive.start(store, load_workflow("workflow.yaml"), {}, run_id=run_id, shell=PATIENT)
        except WaitingError as waiting:
            settle(store, run_id, waiting)
        else:
            return


def settle(store: IWorkflowStore, run_id: str, waiting: WaitingError) -> None:
    """Answer the question if there is one, else let the next moment come."""
    for each in waiting.awaited:
        if each.kind == "approval":
            approve(store, run_id, each.node_id, answer={"channel": "stable"}, by="tests")
            return
    moment = min(each.until for each in waiting.awaited if each.until is not None)
    length = sum(1 for _ in store.read(run_id))
    store.wait(run_id, after=length, timeout=max(0.0, (moment - now_utc()).total_seconds()))


if __name__ == "__main__":
    opened = open_store(sys.argv[1])
    try:
        follow(opened, sys.argv[2])
    finally:
        opened.close()
