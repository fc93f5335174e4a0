"""The eight promises of ``stores/port.py`` as tests.  Subclass, say how to open, and run pytest.

    class TestMyStore(StoreContract):
        @pytest.fixture
        def reopen(self, tmp_path: Path) -> Opener:
            return partial(MyStore, tmp_path)

A store whose data is gone with it overrides the fixture ``store`` instead.
"""

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

from indelible.errors import (
    ConflictError,
    CorruptLogError,
    HeldError,
    IllegalEventError,
    UsageError,
)
from indelible.events import BlobRef, Sealed
from indelible.stores.codec import digest_of, first_digest, line_of
from indelible.stores.port import IWorkflowStore
from indelible.testing.logs import some_log

Opener = Callable[[], IWorkflowStore]
"""Opens one more store object on the same data.  Pickled for other processes: use ``partial``."""

RUN = "run-1"
NOT_RUN_IDS = (
    *("", ".", "..", "../x", "a/b", "/a", ".hidden", "a\\b", "a b", "a\n", "a\0b", "a" * 129),
    *("a" * 200, "é", "\uff41", "a%2e", "a:b", "-é"),
)


class StoreContract:
    """What every store keeps.  One section per promise, in their order."""

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

    # 1. Events come back in the order they were appended, byte for byte, from any process.

    def test_1_events_come_back_in_order_and_byte_for_byte(self, store: IWorkflowStore) -> None:
        log = some_log(RUN, 7)
        append_singly(store, log)
        assert [line_of(event) for event in store.read(RUN)] == [line_of(event) for event in log]

    def test_1_payloads_come_back_as_the_bytes_that_were_hashed(
        self, store: IWorkflowStore
    ) -> None:
        payload = b'{ "node_id" : "\\u00e9\xc3\xa9\xe2\x80\xa8\\u0000", "attempt" : 1.0e0 }'
        log = (resealed(some_log(RUN, 1)[0], event_type="node_started", payload=payload),)
        store.append(RUN, log, expected=0)
        assert [event.payload for event in store.read(RUN)] == [payload]

    def test_1_a_log_can_be_read_from_the_middle(self, store: IWorkflowStore) -> None:
        log = some_log(RUN, 5)
        store.append(RUN, log, expected=0)
        for after in range(7):
            assert tuple(store.read(RUN, after=after)) == log[after:]

    def test_1_runs_do_not_see_each_other(self, store: IWorkflowStore) -> None:
        logs = {run_id: some_log(run_id, length) for run_id, length in (("a", 3), ("A1", 2))}
        for length in range(3):
            for run_id, log in logs.items():
                store.append(run_id, log[length : length + 1], expected=min(length, len(log)))
        assert {run_id: tuple(store.read(run_id)) for run_id in store.runs()} == logs

    def test_1_a_store_without_runs_has_none_to_show(self, store: IWorkflowStore) -> None:
        assert list(store.runs()) == []
        assert list(store.read("nothing")) == []
        assert not store.wait("nothing", after=0, timeout=0)

    def test_1_another_store_object_reads_the_same(
        self, store: IWorkflowStore, second: IWorkflowStore
    ) -> None:
        log = some_log(RUN, 4)
        append_singly(store, log)
        assert tuple(second.read(RUN)) == log
        assert list(second.runs()) == [RUN]

    def test_1_events_of_two_store_objects_make_one_log(
        self, store: IWorkflowStore, second: IWorkflowStore
    ) -> None:
        log = some_log(RUN, 8)
        for event, writer in zip(log, [store, second, second, store] * 2, strict=True):
            writer.append(RUN, [event], expected=event.sequence - 1)
        assert tuple(store.read(RUN)) == tuple(second.read(RUN)) == log

    # 2. A batch is appended whole or not at all, and is durable when append returns.

    def test_2_a_batch_is_one_append(self, store: IWorkflowStore) -> None:
        log = some_log(RUN, 300)
        store.append(RUN, log[:100], expected=0)
        store.append(RUN, log[100:], expected=100)
        assert tuple(store.read(RUN)) == log

    def test_2_a_batch_with_one_wrong_event_leaves_nothing(self, store: IWorkflowStore) -> None:
        log = some_log(RUN, 4)
        with pytest.raises(IllegalEventError):
            store.append(RUN, [log[0], log[1], log[3]], expected=0)
        assert list(store.read(RUN)) == []
        assert list(store.runs()) == []
        store.append(RUN, log, expected=0)
        assert tuple(store.read(RUN)) == log

    def test_2_no_events_are_no_append(self, store: IWorkflowStore) -> None:
        store.append(RUN, [], expected=0)
        assert list(store.runs()) == []
        log = some_log(RUN, 2)
        store.append(RUN, log, expected=0)
        store.append(RUN, [], expected=2)
        assert tuple(store.read(RUN)) == log

    def test_2_a_closed_store_has_kept_everything(
        self, store: IWorkflowStore, reopen: Opener | None
    ) -> None:
        if reopen is None:
            pytest.skip("this store keeps nothing")
        log = some_log(RUN, 3)
        store.append(RUN, log, expected=0)
        store.close()
        again = reopen()
        assert tuple(again.read(RUN)) == log
        again.append(RUN, some_log(RUN, 1, after=log[-1]), expected=3)
        again.close()

    # 3. An append that expects another length raises ConflictError and changes nothing.

    @pytest.mark.parametrize("expected", [0, 1, 3, 100])
    def test_3_another_length_is_a_conflict_and_changes_nothing(
        self, store: IWorkflowStore, expected: int
    ) -> None:
        log = some_log(RUN, 4)
        store.append(RUN, log[:2], expected=0)
        with pytest.raises(ConflictError, match=f"expected {expected} events, found 2"):
            store.append(RUN, log[2:], expected=expected)
        assert tuple(store.read(RUN)) == log[:2]
        store.append(RUN, log[2:], expected=2)
        assert tuple(store.read(RUN)) == log

    def test_3_a_stale_writer_is_told_what_the_other_one_did(
        self, store: IWorkflowStore, second: IWorkflowStore
    ) -> None:
        log = some_log(RUN, 3)
        store.append(RUN, log[:1], expected=0)
        second.append(RUN, log[1:2], expected=1)
        with pytest.raises(ConflictError) as caught:
            store.append(RUN, log[1:], expected=1)
        assert (caught.value.run_id, caught.value.expected, caught.value.found) == (RUN, 1, 2)

    def test_3_of_eight_threads_one_wins_each_length(self, store: IWorkflowStore) -> None:
        assert race([store] * 8) == some_log(RUN, 6)
        assert tuple(store.read(RUN)) == some_log(RUN, 6)

    def test_3_of_many_store_objects_one_wins_each_length(
        self, store: IWorkflowStore, second: IWorkflowStore
    ) -> None:
        assert race([store, second] * 4) == some_log(RUN, 6)
        assert tuple(store.read(RUN)) == some_log(RUN, 6)

    # 4. What was read once never changes: there is no way to alter or remove an event.

    def test_4_what_was_read_stays_as_the_log_grows(self, store: IWorkflowStore) -> None:
        log = some_log(RUN, 6)
        seen: tuple[Sealed, ...] = ()
        for event in log:
            store.append(RUN, [event], expected=len(seen))
            now = tuple(store.read(RUN))
            assert now[:-1] == seen
            seen = now

    def test_4_an_event_cannot_be_written_over(self, store: IWorkflowStore) -> None:
        log = some_log(RUN, 3)
        store.append(RUN, log, expected=0)
        for expected in range(4):
            with pytest.raises((ConflictError, IllegalEventError)):
                store.append(RUN, log[1:2], expected=expected)
        assert tuple(store.read(RUN)) == log

    # 5. read verifies every line against the chain.  Damage is each store's own matter to make;
    #    what every store can show is that nothing unchained gets in.

    @pytest.mark.parametrize("wrong", ["digest", "run", "sequence", "type", "time", "payload"])
    def test_5_an_event_that_does_not_follow_is_refused(
        self, store: IWorkflowStore, wrong: str
    ) -> None:
        log = some_log(RUN, 3)
        store.append(RUN, log[:2], expected=0)
        replaced = msgspec.structs.replace
        bad = {
            "digest": replaced(log[2], digest=log[1].digest),
            "run": some_log("run-2", 3)[2],
            "sequence": some_log(RUN, 4)[3],
            "type": resealed(log[2], event_type="node_paused", previous=log[1].digest),
            "time": resealed(
                log[2], timestamp="2001-01-01T00:00:00.000000Z", previous=log[1].digest
            ),
            "payload": replaced(log[2], payload=b"{}"),
        }[wrong]
        with pytest.raises(IllegalEventError):
            store.append(RUN, [bad], expected=2)
        assert tuple(store.read(RUN)) == log[:2]
        store.append(RUN, log[2:], expected=2)

    def test_5_the_first_event_is_chained_to_the_run_id(self, store: IWorkflowStore) -> None:
        foreign = [resealed(event, run_id=RUN, previous="0" * 64) for event in some_log("x", 1)]
        with pytest.raises(IllegalEventError, match="digest"):
            store.append(RUN, foreign, expected=0)
        assert list(store.runs()) == []

    # 6. One claim at a time on a run; it ends with its process.

    def test_6_a_second_claim_names_the_holder(self, store: IWorkflowStore) -> None:
        with store.claim(RUN):
            with pytest.raises(HeldError, match=f"run {RUN} is held by .*{os.getpid()}"):
                store.claim(RUN).__enter__()
            with store.claim("run-2"):
                pass
        with store.claim(RUN):
            pass

    def test_6_a_second_store_object_cannot_claim_either(
        self, store: IWorkflowStore, second: IWorkflowStore
    ) -> None:
        with store.claim(RUN), pytest.raises(HeldError, match=str(os.getpid())):
            second.claim(RUN).__enter__()
        with second.claim(RUN):
            pass

    def test_6_a_claim_ends_with_its_block_also_when_that_raises(
        self, store: IWorkflowStore
    ) -> None:
        with pytest.raises(KeyError), store.claim(RUN):
            raise KeyError
        with store.claim(RUN):
            pass

    def test_6_a_claim_keeps_nobody_from_appending(
        self, store: IWorkflowStore, second: IWorkflowStore
    ) -> None:
        log = some_log(RUN, 2)
        with store.claim(RUN):
            second.append(RUN, log[:1], expected=0)
            store.append(RUN, log[1:], expected=1)
        assert tuple(second.read(RUN)) == log

    def test_6_a_claim_makes_no_run(self, store: IWorkflowStore) -> None:
        with store.claim(RUN):
            assert list(store.runs()) == []
        assert list(store.runs()) == []

    def test_6_a_killed_process_holds_nothing(
        self, store: IWorkflowStore, reopen: Opener | None
    ) -> None:
        if reopen is None:
            pytest.skip("this store is not seen by other processes")
        log = some_log(RUN, 3)
        with held_elsewhere(reopen) as pid:
            with pytest.raises(HeldError, match=f"{pid}"):
                store.claim(RUN).__enter__()
            assert tuple(store.read(RUN)) == log[:2]
            os.kill(pid, signal.SIGKILL)
        with store.claim(RUN):
            store.append(RUN, log[2:], expected=2)
        assert tuple(store.read(RUN)) == log

    # 7. A blob is durable when put_blob returns, and is checked when it is read.

    @pytest.mark.parametrize("content", [b"", b"x", bytes(range(256)) * 1000])
    def test_7_a_blob_comes_back(self, store: IWorkflowStore, content: bytes) -> None:
        ref = store.put_blob(RUN, content)
        assert ref.bytes == len(content)
        assert store.put_blob(RUN, content) == ref
        assert store.get_blob(RUN, ref) == content

    def test_7_a_blob_outlives_its_store_object(
        self, store: IWorkflowStore, second: IWorkflowStore
    ) -> None:
        ref = store.put_blob(RUN, b"kept")
        store.close()
        assert second.get_blob(RUN, ref) == b"kept"

    @pytest.mark.parametrize(
        "ref",
        [
            BlobRef(sha256="0" * 64, bytes=1),
            BlobRef(sha256="../../../../etc/passwd", bytes=1),
            BlobRef(sha256="", bytes=0),
        ],
    )
    def test_7_a_blob_that_is_not_there_is_damage(
        self, store: IWorkflowStore, ref: BlobRef
    ) -> None:
        store.put_blob(RUN, b"another")
        with pytest.raises(CorruptLogError):
            store.get_blob(RUN, ref)

    def test_7_a_blob_of_another_size_is_damage(self, store: IWorkflowStore) -> None:
        ref = store.put_blob(RUN, b"twelve bytes")
        for size in (0, 11, 13, 2**60):
            with pytest.raises(CorruptLogError):
                store.get_blob(RUN, BlobRef(sha256=ref.sha256, bytes=size))

    def test_7_blobs_make_no_run(self, store: IWorkflowStore) -> None:
        store.put_blob(RUN, b"content")
        assert list(store.runs()) == []
        store.append(RUN, some_log(RUN, 1), expected=0)
        assert list(store.runs()) == [RUN]

    # 8. A name that is no run id is refused before anything is touched.

    @pytest.mark.parametrize("run_id", NOT_RUN_IDS)
    def test_8_every_method_refuses_what_is_no_run_id(
        self, store: IWorkflowStore, run_id: str
    ) -> None:
        ref = BlobRef(sha256="0" * 64, bytes=1)
        calls: Sequence[Callable[[], object]] = (
            lambda: store.append(run_id, some_log(RUN, 1), expected=0),
            lambda: list(store.read(run_id)),
            lambda: store.claim(run_id).__enter__(),
            lambda: store.wait(run_id, after=0, timeout=0),
            lambda: store.put_blob(run_id, b"x"),
            lambda: store.get_blob(run_id, ref),
            lambda: store.folder(run_id),
        )
        for call in calls:
            with pytest.raises(UsageError, match="is not a run id"):
                call()
        assert list(store.runs()) == []

    def test_8_the_longest_and_oddest_run_ids_work(self, store: IWorkflowStore) -> None:
        run_ids = {"a" * 128, "-", "_", "0", "a.b", "a..", "-rf", "events.jsonl", "head"}
        for run_id in run_ids:
            with store.claim(run_id):
                store.append(run_id, some_log(run_id, 1), expected=0)
            store.put_blob(run_id, b"x")
        assert set(store.runs()) == run_ids

    # What the other methods say in their own docstrings.

    def test_wait_says_whether_the_log_is_longer(self, store: IWorkflowStore) -> None:
        log = some_log(RUN, 2)
        store.append(RUN, log, expected=0)
        assert store.wait(RUN, after=1, timeout=0)
        assert not store.wait(RUN, after=2, timeout=0.01)

    def test_wait_ends_when_another_thread_appends(self, store: IWorkflowStore) -> None:
        self._wait_for_an_append(store, store)

    def test_wait_ends_when_another_store_object_appends(
        self, store: IWorkflowStore, second: IWorkflowStore
    ) -> None:
        self._wait_for_an_append(store, second)

    def test_folders_of_two_runs_are_two(self, store: IWorkflowStore) -> None:
        first, other = store.folder("a"), store.folder("b")
        assert first != other
        first.mkdir(parents=True, exist_ok=True)
        (first / "n.1.log").write_bytes(b"printed")
        assert (store.folder("a") / "n.1.log").read_bytes() == b"printed"
        assert list(store.runs()) == []

    @staticmethod
    def _wait_for_an_append(waiting: IWorkflowStore, writing: IWorkflowStore) -> None:
        with ThreadPoolExecutor(1) as pool:
            longer = pool.submit(waiting.wait, RUN, after=0, timeout=60)
            writing.append(RUN, some_log(RUN, 1), expected=0)
            assert longer.result()


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
