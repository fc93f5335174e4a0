"""The eight promises of ``stores/port.py`` as tests.  Subclass, say how to open, and run pytest.

    class TestMyStore(StoreContract):
        @pytest.fixture
        def reopen(self, tmp_path: Path) -> Opener:
            return partial(MyStore, tmp_path)

A store whose data is gone with it overrides the fixture ``store`` instead.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from indelible.errors import CorruptLogError, HeldError, UsageError
from indelible.events import BlobRef
from indelible.stores.port import IWorkflowStore
from indelible.testing.log_contract import LogContract
from indelible.testing.logs import some_log
from indelible.testing.store_cases import NOT_RUN_IDS, RUN, Opener, held_elsewhere

__all__ = ["Opener", "StoreContract"]


class StoreContract(LogContract):
    """What every store keeps: the log, and beside it claims, blobs and names."""

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

    def test_6_whoever_asks_who_drives_is_told_and_keeps_nobody_from_it(
        self, store: IWorkflowStore, second: IWorkflowStore
    ) -> None:
        assert (store.driver(RUN), second.driver(RUN)) == ("", "")
        assert list(store.runs()) == []
        with store.claim(RUN):
            assert f"pid {os.getpid()}" in second.driver(RUN)
            assert f"pid {os.getpid()}" in store.driver(RUN)
            assert second.driver("run-2") == ""
            with pytest.raises(HeldError, match=str(os.getpid())):
                second.claim(RUN).__enter__()
            assert second.driver(RUN), "a claim that was refused takes nothing from the other"
        assert (store.driver(RUN), second.driver(RUN)) == ("", "")

    def test_6_a_killed_process_holds_nothing(
        self, store: IWorkflowStore, reopen: Opener | None
    ) -> None:
        if reopen is None:
            pytest.skip("this store is not seen by other processes")
        log = some_log(RUN, 3)
        with held_elsewhere(reopen) as pid:
            with pytest.raises(HeldError, match=f"{pid}"):
                store.claim(RUN).__enter__()
            assert f"pid {pid} " in store.driver(RUN)
            assert tuple(store.read(RUN)) == log[:2]
            os.kill(pid, signal.SIGKILL)
        assert store.driver(RUN) == ""
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
            lambda: store.driver(run_id),
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
