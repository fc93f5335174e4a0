"""Promises 1 to 5 of ``stores/port.py``: the log of a store.  Run as part of ``StoreContract``."""

from __future__ import annotations

import msgspec
import pytest

from indelible.errors import ConflictError, IllegalEventError
from indelible.events import Sealed
from indelible.stores.codec import line_of
from indelible.stores.port import IWorkflowStore
from indelible.testing.logs import some_log
from indelible.testing.store_cases import (
    RUN,
    Opener,
    StoreFixtures,
    append_singly,
    race,
    resealed,
)


class LogContract(StoreFixtures):
    """What every store keeps of the events it was given."""

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

    def test_1_every_run_tells_when_it_began(
        self, store: IWorkflowStore, second: IWorkflowStore
    ) -> None:
        logs = {run_id: some_log(run_id, length) for run_id, length in (("a", 3), ("A1", 1))}
        for run_id, log in logs.items():
            store.append(run_id, log, expected=0)
        began = {run_id: log[0].timestamp for run_id, log in logs.items()}
        assert dict(store.begun()) == dict(second.begun()) == began

    def test_1_a_store_without_runs_has_none_to_show(self, store: IWorkflowStore) -> None:
        assert list(store.runs()) == []
        assert list(store.begun()) == []
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
