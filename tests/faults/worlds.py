"""Runs on real stores, driven by scripted work: who ran, and how it ended."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from indelible.definition.model import Definition, Retry
from indelible.engine.state import RunState
from indelible.errors import NotFoundError
from indelible.events import NodeError, Sealed
from indelible.executors.port import Attempt
from indelible.runtime import drive
from indelible.runtime.drive import Shell
from indelible.runtime.log import Watch, open_log, unwatched
from indelible.stores.filesystem import FilesystemStore
from indelible.stores.port import IWorkflowStore
from indelible.stores.sqlite import SqliteStore
from indelible.testing.worlds import Clock, ScriptedExecutor
from indelible.values import Json
from tests.engine.given import node

RUN = "r1"
OPENERS: dict[str, Callable[[Path], IWorkflowStore]] = {
    "files": lambda folder: FilesystemStore(folder / "runs"),
    "sqlite": lambda folder: SqliteStore(folder / "runs.db"),
}

RETRY = Retry(max_attempts=2, delay=timedelta(seconds=1), jitter=0)
OFTEN = 1000
"""How often a node may be interrupted: tests do that more often than a day in the life of one."""

FLOW = Definition(
    name="w",
    nodes=(
        node("begin", max_interruptions=OFTEN),
        node("flaky", "begin", retry=RETRY, max_interruptions=OFTEN),
        node("unneeded", "begin", when="false"),
        node("steady", "begin", max_interruptions=OFTEN),
        node("finish", "flaky", "steady", max_interruptions=OFTEN),
    ),
)
CALM = ["begin", "flaky", "steady", "flaky", "finish"]
"""What runs, and in which order, when nobody disturbs it: ``flaky`` fails once."""

ENDS = {
    "begin": "success",
    "flaky": "success",
    "unneeded": "skipped",
    "steady": "success",
    "finish": "success",
}


class World:
    """A clock, and a record of what ran, over all drivers of one run."""

    def __init__(self) -> None:
        self.ran: list[str] = []
        self._clock = Clock()

    def start(self, store: IWorkflowStore, watch: Watch = unwatched) -> RunState:
        return drive.start(store, FLOW, {}, run_id=RUN, shell=self._shell(watch))

    def go_on(self, store: IWorkflowStore, watch: Watch = unwatched) -> RunState:
        """Resume, or start if there is no event yet."""
        try:
            return drive.resume(store, RUN, shell=self._shell(watch))
        except NotFoundError:
            return self.start(store, watch)

    def _shell(self, watch: Watch) -> Shell:
        return Shell(
            executor=lambda functions: ScriptedExecutor(self._work, self._clock),
            watch=watch,
            now=self._clock,
            roll=lambda: 0.5,
        )

    def _work(self, attempt: Attempt) -> Json | NodeError:
        is_first = attempt.node_id not in self.ran
        self.ran.append(attempt.node_id)
        if attempt.node_id == "flaky" and is_first:
            return NodeError(type="ExitCode", message="exit code 1")
        return attempt.node_id


def completed(store: IWorkflowStore) -> list[str]:
    """The nodes with a ``node_completed``, in the order of the log."""
    return [
        event.payload.split(b'"')[3].decode()
        for event in store.read(RUN)
        if event.event_type == "node_completed"
    ]


def assert_ended_well(store: IWorkflowStore) -> None:
    """Each node has the outcome that it has in a run nobody disturbed, and completed once."""
    state = open_log(store, RUN).state
    assert {name: found.status.value for name, found in state.nodes.items()} == ENDS
    assert sorted(completed(store)) == ["begin", "finish", "flaky", "steady"]


def stopped_at(length: int) -> Watch:
    """A watch that ends the process once the log has ``length`` events."""

    def watch(state: RunState, appended: list[Sealed]) -> None:
        if state.sequence >= length:
            raise StoppedError

    return watch


class StoppedError(BaseException):
    """The process is gone."""
