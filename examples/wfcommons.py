"""Run a recorded scientific workflow (WfFormat 1.5, wfcommons.org) as a workflow of ours.

    python examples/wfcommons.py FILE [--store URL] [--run-id ID] [--scale X]

Every task becomes a node under its own id.  With ``--scale X`` each sleeps X times its recorded
runtime, with 0 (the default) none does anything.  Given the id of a run that exists, the same
command goes on with that run: after a kill, just repeat it.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from time import perf_counter

import msgspec

import indelible as ink
from indelible.errors import IndelibleError, InputError, NotFoundError, RunExistsError

FORMAT = "1.5"


class Task(msgspec.Struct):
    """One task as it was specified."""

    id: str
    parents: list[str] = []


class Measured(msgspec.Struct, rename={"seconds": "runtimeInSeconds"}):
    """The same task as it was executed."""

    id: str
    seconds: float = 0.0


class Specification(msgspec.Struct):
    tasks: list[Task]


class Execution(msgspec.Struct):
    tasks: list[Measured] = []


class Recorded(msgspec.Struct):
    specification: Specification
    execution: Execution = msgspec.field(default_factory=Execution)


class Instance(msgspec.Struct, rename={"format": "schemaVersion"}):
    """What is read of a file; everything else in it is ignored."""

    name: str
    format: str
    workflow: Recorded


async def task(seconds: float) -> None:
    """Take as long as the recorded task did.  A coroutine: thousands may sleep side by side."""
    import asyncio

    await asyncio.sleep(seconds)


def nothing() -> None:
    """Do nothing at all, to measure what everything around it costs."""


def read_instance(file: Path) -> Instance:
    """Raises ``NotFoundError`` without a ``file``, ``InputError`` if it is not WfFormat 1.5."""
    try:
        instance = msgspec.json.decode(file.read_bytes(), type=Instance)
    except OSError as error:
        raise NotFoundError(f"{file}: {error.strerror}") from error
    except msgspec.DecodeError as error:
        raise InputError([f"{file}: not WfFormat: {error}"]) from error
    if instance.format != FORMAT:
        raise InputError([f"{file}: WfFormat {instance.format}; this reads {FORMAT}"])
    return instance


def to_workflow(instance: Instance, *, scale: float) -> ink.Workflow:
    """The workflow, with no limit on how much runs at a time."""
    flow = ink.Workflow(instance.name, max_parallel=0)
    seconds = {each.id: each.seconds for each in instance.workflow.execution.tasks}
    for each in instance.workflow.specification.tasks:
        if scale:
            length = seconds.get(each.id, 0.0) * scale
            flow.add(task, id=each.id, depends_on=each.parents, with_={"seconds": length})
        else:
            flow.add(nothing, id=each.id, depends_on=each.parents)
    return flow


def run_or_resume(flow: ink.Workflow, store: str | None, run_id: str | None) -> ink.Run:
    """A new run, or, if ``run_id`` exists, the rest of that one."""
    try:
        return flow.run(store=store, run_id=run_id)
    except RunExistsError as error:
        return ink.resume(error.run_id, flow=flow, store=store)


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("file", type=Path, help="a WfFormat 1.5 file")
    parser.add_argument("--store", help="where the log goes (default: .indelible)")
    parser.add_argument("--run-id", help="the id of the run; one that exists is resumed")
    parser.add_argument("--scale", type=_scale, default=0.0, help="seconds per recorded second")
    return parser.parse_args()


def main() -> int:
    given = read_arguments()
    try:
        instance = read_instance(given.file)
        flow = to_workflow(instance, scale=given.scale)
        began = perf_counter()
        run = run_or_resume(flow, given.store, given.run_id)
    except IndelibleError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    seconds = perf_counter() - began
    tasks = instance.workflow.specification.tasks
    edges = sum(len(each.parents) for each in tasks)
    print(f"{run.status}: {len(tasks)} nodes, {edges} edges, {seconds:.2f} s, run {run.id}")
    return 0 if run.status == "completed" else 1


def _scale(text: str) -> float:
    number = float(text)
    if not 0 <= number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not a number of 0 or more")
    return number


if __name__ == "__main__":
    raise SystemExit(main())
