"""Every store does what the memory store does, whatever is asked of it and in whatever order.

Hypothesis draws appends (right, wrong, broken), claims, reads, closings and crashes, and asks both
the store under test and the model.  A crash is a store that is left as it is, with nothing closed.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from tempfile import mkdtemp

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from indelible.errors import IndelibleError
from indelible.events import BlobRef, Sealed
from indelible.stores.filesystem import FilesystemStore
from indelible.stores.memory import MemoryStore
from indelible.stores.port import IWorkflowStore
from indelible.stores.sqlite import SqliteStore
from indelible.testing.logs import some_log
from indelible.testing.store_cases import resealed

RUNS = st.sampled_from(["a", "b", "B-2"])
NOT_RUNS = st.sampled_from(["", "..", "a/b", ".a", "a\n"])

Answer = tuple[str, object]


def asked(question: Callable[[], object]) -> Answer:
    """What came of it: a value, or the kind of error."""
    try:
        return "gave", question()
    except IndelibleError as error:
        return "raised", type(error)


class AgainstTheModel(RuleBasedStateMachine):
    """Subclasses say how their store is opened."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(mkdtemp(prefix="indelible-model-"))
        self.model = MemoryStore()
        self.store = self.opened()
        self.abandoned: list[IWorkflowStore] = []
        self.claims: dict[str, Sequence[AbstractContextManager[None]]] = {}

    def opened(self) -> IWorkflowStore:
        raise NotImplementedError

    def both(self, question: Callable[[IWorkflowStore], object]) -> Answer:
        """The answer of the store, which must be that of the model."""
        expected = asked(lambda: question(self.model))
        found = asked(lambda: question(self.store))
        assert found == expected
        return found

    def next_events(self, run_id: str, count: int) -> tuple[Sealed, ...]:
        log = tuple(self.model.read(run_id))
        return some_log(run_id, count, after=log[-1] if log else None)

    @rule(run_id=RUNS, count=st.integers(0, 3), off_by=st.sampled_from([0, 0, 0, -1, 1, 5]))
    def append(self, run_id: str, count: int, off_by: int) -> None:
        events = self.next_events(run_id, count)
        expected = max(0, len(tuple(self.model.read(run_id))) + off_by)
        self.both(lambda store: store.append(run_id, events, expected=expected))

    @rule(run_id=RUNS, how=st.sampled_from(["another run", "a gap", "a chain", "a time", "twice"]))
    def append_what_does_not_follow(self, run_id: str, how: str) -> None:
        first, second = self.next_events(run_id, 2)
        events = {
            "another run": self.next_events("other", 1),
            "a gap": (second,),
            "a chain": (first, resealed(second, previous="0" * 64)),
            "a time": (first, resealed(second, timestamp=YEAR_ONE, previous=first.digest)),
            "twice": (first, first),
        }[how]
        expected = len(tuple(self.model.read(run_id)))
        kind, error = self.both(lambda store: store.append(run_id, events, expected=expected))
        assert kind == "raised", error

    @rule(run_id=NOT_RUNS)
    def use_what_is_no_run_id(self, run_id: str) -> None:
        for question in (
            lambda store: store.append(run_id, some_log("a", 1), expected=0),
            lambda store: tuple(store.read(run_id)),
            lambda store: store.put_blob(run_id, b"x"),
        ):
            assert self.both(question)[0] == "raised"

    @rule(run_id=RUNS, after=st.integers(0, 12))
    def read(self, run_id: str, after: int) -> None:
        self.both(lambda store: tuple(store.read(run_id, after=after)))

    @rule(run_id=RUNS, after=st.integers(0, 12))
    def look_whether_it_is_longer(self, run_id: str, after: int) -> None:
        self.both(lambda store: store.wait(run_id, after=after, timeout=0))

    @rule(run_id=RUNS, content=st.binary(max_size=40))
    def keep_a_blob(self, run_id: str, content: bytes) -> None:
        kind, ref = self.both(lambda store: store.put_blob(run_id, content))
        assert kind == "gave"
        assert isinstance(ref, BlobRef)
        self.both(lambda store: store.get_blob(run_id, ref))

    @rule(run_id=RUNS)
    def ask_for_a_blob_that_is_not(self, run_id: str) -> None:
        ref = BlobRef(sha256="0" * 64, bytes=1)
        assert self.both(lambda store: store.get_blob(run_id, ref))[0] == "raised"

    @rule(run_id=RUNS)
    def claim(self, run_id: str) -> None:
        if run_id in self.claims:
            kind, error = self.both(lambda store: store.claim(run_id).__enter__())
            assert kind == "raised", error
            return
        held = [store.claim(run_id) for store in (self.model, self.store)]
        for claim in held:
            claim.__enter__()
        self.claims[run_id] = held

    @precondition(lambda self: self.claims)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        run_id = data.draw(st.sampled_from(sorted(self.claims)))
        for claim in self.claims.pop(run_id):
            claim.__exit__(None, None, None)

    @precondition(lambda self: not self.claims)
    @rule(crashes=st.booleans())
    def reopen(self, crashes: bool) -> None:
        if crashes:
            self.abandoned.append(self.store)
        else:
            self.store.close()
        self.store = self.opened()

    @invariant()
    def the_same_runs_are_there(self) -> None:
        self.both(lambda store: sorted(store.runs()))

    def teardown(self) -> None:
        for held in self.claims.values():
            for claim in held:
                claim.__exit__(None, None, None)
        for store in (*self.abandoned, self.store, self.model):
            store.close()
        shutil.rmtree(self.folder)


YEAR_ONE = "0001-01-01T00:00:00.000000Z"


class FilesystemAgainstTheModel(AgainstTheModel):
    def opened(self) -> IWorkflowStore:
        return FilesystemStore(self.folder / "runs")


class SqliteAgainstTheModel(AgainstTheModel):
    def opened(self) -> IWorkflowStore:
        return SqliteStore(self.folder / "log.db")


HOW = settings(max_examples=25, stateful_step_count=25)
LONGER = settings(stateful_step_count=60)


def chosen(request: pytest.FixtureRequest) -> settings:
    """A sample of them; with the profile ``fuzz`` as many as it says."""
    return LONGER if request.config.getoption("--hypothesis-profile") else HOW


@pytest.mark.parametrize("machine", [FilesystemAgainstTheModel, SqliteAgainstTheModel])
def test_a_store_does_what_the_model_does(
    machine: type[AgainstTheModel], request: pytest.FixtureRequest
) -> None:
    run_state_machine_as_test(machine, settings=chosen(request))
