"""What the tests of a store stand on: its fixtures, a log to append, a process to kill."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing.connection import Connection

import msgspec
import pytest

from indelible.errors import ConflictError
from indelible.events import Sealed
from indelible.stores.codec import digest_of, first_digest
from indelible.stores.port import IWorkflowStore
from indelible.testing.logs import some_log

Opener = Callable[[], IWorkflowStore]
"""Opens one more store object on the same data.  Pickled for other processes: use ``partial``."""

RUN = "run-1"
NOT_RUN_IDS = (
    *("", ".", "..", "../x", "a/b", "/a", ".hidden", "a\\b", "a b", "a\n", "a\0b", "a" * 129),
    *("a" * 200, "é", "\uff41", "a%2e", "a:b", "-é"),
)


class StoreFixtures:
    """How the store under test is opened, once and twice."""

    @pytest.fixture
    def reopen(self) -> Opener | None:
        """None: what was appended is gone with the store object."""
        return None

    @pytest.fixture
    def store(self, reopen: Opener | None) -> Iterator[IWorkflowStore]:
        assert reopen is not None, "override the fixture reopen, or this one"
        store = reopen()
        yield store
        store.close()

    @pytest.fixture
    def second(self, reopen: Opener | None) -> Iterator[IWorkflowStore]:
        """Another store object on the same data."""
        if reopen is None:
            pytest.skip("this store has no second view of its data")
        store = reopen()
        yield store
        store.close()


def append_singly(store: IWorkflowStore, log: Sequence[Sealed]) -> None:
    for event in log:
        store.append(event.run_id, [event], expected=event.sequence - 1)


def race(stores: Sequence[IWorkflowStore]) -> tuple[Sealed, ...]:
    """Let all of ``stores`` append each event of a log at once; those that somebody appended."""

    def attempt(store: IWorkflowStore, event: Sealed) -> bool:
        try:
            store.append(RUN, [event], expected=event.sequence - 1)
        except ConflictError:
            return False
        return True

    appended = []
    with ThreadPoolExecutor(len(stores)) as pool:
        for event in some_log(RUN, 6):
            wins = list(pool.map(attempt, stores, [event] * len(stores)))
            appended += [event] * wins.count(True)
    return tuple(appended)


def resealed(event: Sealed, *, previous: str | None = None, **fields: object) -> Sealed:
    """``event`` with other fields and the digest that goes with them."""
    changed: Sealed = msgspec.structs.replace(event, **fields)
    previous = first_digest(changed.run_id) if previous is None else previous
    return msgspec.structs.replace(changed, digest=digest_of(changed, previous))


@contextmanager
def held_elsewhere(reopen: Opener) -> Iterator[int]:
    """The pid of a process that has appended two events and holds the claim until it is killed."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_append_and_hold, args=(reopen, there), daemon=True)
    process.start()
    try:
        assert here.poll(60), "the other process did not come up"
        yield here.recv()
    finally:
        process.kill()
        process.join()
        process.close()


def _append_and_hold(reopen: Opener, there: Connection) -> None:
    store = reopen()
    with store.claim(RUN):
        store.append(RUN, some_log(RUN, 2), expected=0)
        there.send(os.getpid())
        signal.pause()
