"""The log leads: what an executor is given to do stands in the log already, durably."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from indelible.executors.port import Attempt
from indelible.runtime import drive
from indelible.runtime.drive import Shell
from indelible.stores.port import IWorkflowStore
from indelible.testing.worlds import Clock, ScriptedExecutor
from tests.faults.worlds import FLOW, OPENERS, RUN


class Witness(ScriptedExecutor):
    """Looks into the log, through a store object of its own, before it takes an attempt."""

    def __init__(self, store: IWorkflowStore) -> None:
        super().__init__(lambda attempt: attempt.node_id, Clock())
        self.attempts = 0
        self._store = store

    def submit(self, attempts: Sequence[Attempt]) -> None:
        started = [
            (payload["node_id"], payload["attempt"])
            for event in self._store.read(RUN)
            if event.event_type == "node_started"
            for payload in [msgspec.json.decode(event.payload)]
        ]
        for attempt in attempts:
            assert (attempt.node_id, attempt.number) in started, "it began before its event"
            self.attempts += 1
        super().submit(attempts)


@pytest.mark.parametrize("kind", OPENERS)
def test_no_attempt_begins_before_its_start_is_in_the_log(tmp_path: Path, kind: str) -> None:
    with closing(OPENERS[kind](tmp_path)) as store, closing(OPENERS[kind](tmp_path)) as other:
        witness = Witness(other)
        shell = Shell(executor=lambda functions: witness, now=Clock())
        drive.start(store, FLOW, {}, run_id=RUN, shell=shell)
        assert witness.attempts == 4
