"""The append was durable, and its answer did not arrive: nothing is doubled, no node runs twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from indelible.errors import ConflictError, StoreError
from indelible.events import Sealed
from indelible.runtime.log import open_log
from indelible.stores.memory import MemoryStore
from indelible.stores.port import IWorkflowStore
from indelible.testing.worlds import EPOCH
from tests.engine.given import opened
from tests.faults.worlds import CALM, OPENERS, RUN, World, assert_ended_well

Answer = Callable[[IWorkflowStore, Sequence[Sealed], int], None]
"""What becomes of an append whose number has come."""

APPENDS = range(1, 7)


def loses_it(store: IWorkflowStore, events: Sequence[Sealed], expected: int) -> None:
    store.append(RUN, events, expected=expected)
    raise StoreError("the connection was lost")


def tries_again(store: IWorkflowStore, events: Sequence[Sealed], expected: int) -> None:
    store.append(RUN, events, expected=expected)
    store.append(RUN, events, expected=expected)


class Unreliable:
    """A store whose append number ``at`` goes as ``answer`` says.  Keeps ``IWorkflowStore``."""

    def __init__(self, store: IWorkflowStore, answer: Answer, at: int) -> None:
        self.appends = 0
        self._store = store
        self._answer = answer
        self._at = at

    def append(self, run_id: str, events: Sequence[Sealed], *, expected: int) -> None:
        self.appends += 1
        if self.appends == self._at:
            self._answer(self._store, events, expected)
        else:
            self._store.append(run_id, events, expected=expected)

    def read(self, run_id: str, *, after: int = 0) -> Iterator[Sealed]:
        return self._store.read(run_id, after=after)

    def claim(self, run_id: str) -> AbstractContextManager[None]:
        return self._store.claim(run_id)

    def wait(self, run_id: str, *, after: int, timeout: float) -> bool:
        return self._store.wait(run_id, after=after, timeout=timeout)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


@pytest.mark.parametrize("at", APPENDS)
@pytest.mark.parametrize("kind", OPENERS)
def test_a_store_that_tries_again_is_believed_by_the_bytes(
    tmp_path: Path, kind: str, at: int
) -> None:
    world = World()
    with closing(OPENERS[kind](tmp_path)) as store:
        unreliable = Unreliable(store, tries_again, at)
        world.start(cast(IWorkflowStore, unreliable))
        assert unreliable.appends >= at
        assert world.ran == CALM
        assert_ended_well(store)


@pytest.mark.parametrize("at", APPENDS)
@pytest.mark.parametrize("kind", OPENERS)
def test_a_run_whose_append_has_an_unknown_fate_stops_and_goes_on_by_the_log(
    tmp_path: Path, kind: str, at: int
) -> None:
    world = World()
    with closing(OPENERS[kind](tmp_path)) as store:
        with pytest.raises(StoreError, match="the connection was lost"):
            world.start(cast(IWorkflowStore, Unreliable(store, loses_it, at)))
        world.go_on(store)
        assert world.ran == CALM
        assert_ended_well(store)


def test_what_another_appended_is_never_taken_for_our_own() -> None:
    """The same event but for its time, as from another driver; only the bytes tell."""
    store = MemoryStore()
    World().start(store)
    ours, theirs = (open_log(store, RUN) for _ in range(2))
    for log in (ours, theirs):
        log.draft(opened(attempt=2))
    theirs.commit(EPOCH + timedelta(days=1))
    with pytest.raises(ConflictError, match="expected 13 events, found 14"):
        ours.commit(EPOCH + timedelta(days=2))
