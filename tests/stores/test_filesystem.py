"""What the filesystem store does with every state a crash, or a hand, can leave on the disk."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from indelible.errors import ConflictError, CorruptLogError, StoreError, UsageError
from indelible.events import WorkflowStarted
from indelible.stores.codec import line_of
from indelible.stores.filesystem import GLANCE, FilesystemStore
from indelible.stores.head import HeadFile
from indelible.stores.port import TornTailWarning
from indelible.stores.scan import is_torn
from indelible.testing.logs import sealed_log, some_log

RUN = "r1"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "runs"


@pytest.fixture
def store(root: Path) -> Iterator[FilesystemStore]:
    store = FilesystemStore(root)
    yield store
    store.close()


def written(root: Path, length: int = 5) -> Path:
    """A run of ``length`` events, closed; gives the path of its log."""
    store = FilesystemStore(root)
    with store.claim(RUN):
        store.append(RUN, some_log(RUN, length), expected=0)
    store.close()
    return root / RUN / "events.jsonl"


def rewound(log: Path, to: int) -> None:
    """Let the head point to event ``to`` again, as if the later appends had not moved it."""
    events = some_log(RUN, 5)[:to]
    offset = sum(len(line_of(event)) + 1 for event in events)
    head = HeadFile(log.parent / "head")
    for _ in range(2):
        head.write(run_id=RUN, sequence=to, offset=offset, digest=events[-1].digest)
    head.close()


def test_a_line_is_an_event_that_other_tools_can_read(root: Path) -> None:
    log = written(root)
    assert log.read_bytes() == b"".join(line_of(event) + b"\n" for event in some_log(RUN, 5))


def test_files_are_private(root: Path) -> None:
    log = written(root)
    assert oct(log.stat().st_mode & 0o777) == "0o600"
    assert oct(log.parent.stat().st_mode & 0o777) == "0o700"


def test_a_torn_tail_is_left_out_with_a_note_and_set_aside_by_the_next_claim(root: Path) -> None:
    log = written(root)
    whole = log.read_bytes()
    rewound(log, 4)
    log.write_bytes(whole[:-7])
    store = FilesystemStore(root)
    with pytest.warns(TornTailWarning, match="was never acknowledged"):
        assert len(list(store.read(RUN))) == 4
    assert log.read_bytes() == whole[:-7], "a reader writes nothing"
    with store.claim(RUN):
        assert len(list(store.read(RUN))) == 4
        store.append(RUN, some_log(RUN, 5)[4:], expected=4)
    assert log.read_bytes() == whole
    (aside,) = log.parent.glob("events.jsonl.torn-*")
    assert whole.startswith(whole[: -len(aside.read_bytes())])
    store.close()


def test_whole_events_beyond_the_head_are_kept(root: Path) -> None:
    log = written(root)
    rewound(log, 2)
    store = FilesystemStore(root)
    with store.claim(RUN):
        assert len(list(store.read(RUN))) == 5
        with pytest.raises(ConflictError, match="expected 2 events, found 5"):
            store.append(RUN, some_log(RUN, 5)[2:], expected=2)
    store.close()


@pytest.mark.parametrize("cut", [1, 50, 400])
def test_a_log_shorter_than_its_head_is_damage(root: Path, cut: int) -> None:
    log = written(root)
    log.write_bytes(log.read_bytes()[:-cut])
    before = log.read_bytes()
    store = FilesystemStore(root)
    with pytest.raises(CorruptLogError, match=r"events.jsonl, line \d, byte \d+"):
        list(store.read(RUN))
    with pytest.raises(CorruptLogError), store.claim(RUN):
        pass
    assert log.read_bytes() == before, "nothing is repaired in silence"


def test_a_log_that_is_gone_is_damage(root: Path) -> None:
    written(root).unlink()
    with pytest.raises(CorruptLogError, match="the log is gone"):
        list(FilesystemStore(root).read(RUN))


def test_a_log_without_its_head_is_an_error_of_its_own(root: Path) -> None:
    log = written(root)
    (log.parent / "head").unlink()
    store = FilesystemStore(root)
    with pytest.raises(CorruptLogError, match="has no head") as caught:
        list(store.read(RUN))
    assert "repair r1 --rebuild-head" in caught.value.hint
    with pytest.raises(CorruptLogError, match="has no head"), store.claim(RUN):
        pass


def test_a_lost_head_can_be_rebuilt_over_a_chain_that_holds(root: Path) -> None:
    log = written(root)
    (log.parent / "head").unlink()
    store = FilesystemStore(root)
    assert store.rebuild_head(RUN) == 5
    assert tuple(store.read(RUN)) == some_log(RUN, 5)
    with pytest.raises(UsageError, match="has its head"):
        store.rebuild_head(RUN)
    with store.claim(RUN):
        pass
    store.close()


def test_no_head_is_made_for_a_chain_that_does_not_hold(root: Path) -> None:
    log = written(root)
    (log.parent / "head").unlink()
    log.write_bytes(log.read_bytes().replace(b'"n1"', b'"nX"', 1))
    with pytest.raises(CorruptLogError, match="its digest does not match"):
        FilesystemStore(root).rebuild_head(RUN)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_changed_byte_never_passes(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    log = written(tmp_path_factory.mktemp("store"))
    content = bytearray(log.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    log.write_bytes(content)
    store = FilesystemStore(log.parent.parent)
    with pytest.raises(CorruptLogError):
        list(store.read(RUN))
    store.close()


def test_a_damaged_head_slot_leaves_the_other(root: Path) -> None:
    log = written(root)
    head = log.parent / "head"
    content = bytearray(head.read_bytes())
    for slot in (0, 4096):
        damaged = bytearray(content)
        damaged[slot + 20] ^= 1
        head.write_bytes(damaged)
        assert len(list(FilesystemStore(root).read(RUN))) == 5


def test_a_directory_without_an_event_is_no_run_and_can_be_taken_over(root: Path) -> None:
    store = FilesystemStore(root)
    with store.claim(RUN):
        pass
    assert list(store.runs()) == []
    assert list(store.read(RUN)) == []
    with store.claim(RUN):
        store.append(RUN, some_log(RUN, 1), expected=0)
    assert list(store.runs()) == [RUN]
    store.close()


def test_a_half_made_run_is_finished_by_the_next_claim(root: Path) -> None:
    (root / RUN).mkdir(parents=True)
    (root / RUN / "head").touch()
    store = FilesystemStore(root)
    with store.claim(RUN):
        store.append(RUN, some_log(RUN, 1), expected=0)
    assert len(list(store.read(RUN))) == 1
    store.close()


def test_a_run_whose_log_was_emptied_or_removed_is_still_listed(root: Path) -> None:
    log = written(root)
    log.write_bytes(b"")
    assert list(FilesystemStore(root).runs()) == [RUN]
    log.unlink()
    assert list(FilesystemStore(root).runs()) == [RUN]


def test_a_damaged_run_does_not_hide_the_others(root: Path) -> None:
    log = written(root)
    store = FilesystemStore(root)
    with store.claim("r2"):
        store.append("r2", some_log("r2", 1), expected=0)
    log.write_bytes(b"garbage\n")
    assert sorted(store.runs()) == ["r1", "r2"]
    store.close()


def test_reading_makes_nothing(root: Path) -> None:
    store = FilesystemStore(root)
    assert list(store.read(RUN)) == []
    assert list(store.runs()) == []
    assert not store.wait(RUN, after=0, timeout=0)
    assert not root.exists()


def test_a_store_that_is_a_file_says_so(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(StoreError, match="file: not a directory"):
        FilesystemStore(file)


def test_a_store_where_nothing_can_be_made_says_which_path() -> None:
    store = FilesystemStore(Path("/dev/null/runs"))
    with pytest.raises(StoreError, match=r"/dev/null/runs.*: cannot") as caught, store.claim(RUN):
        pass
    assert caught.value.exit_code == 9


def test_a_link_in_the_place_of_a_run_is_not_followed(root: Path, tmp_path: Path) -> None:
    elsewhere = written(tmp_path / "elsewhere").parent
    root.mkdir()
    (root / RUN).symlink_to(elsewhere)
    with pytest.raises(StoreError, match="not a directory"):
        list(FilesystemStore(root).read(RUN))


def test_what_stands_in_the_place_of_a_head_is_told_by_its_own_name(root: Path) -> None:
    head = written(root).with_name("head")
    head.unlink()
    os.mkfifo(head)
    with pytest.raises(StoreError, match=rf"^{head}: cannot read: not a regular file"):
        list(FilesystemStore(root).read(RUN))


def test_a_run_whose_beginning_cannot_be_found_has_begun_at_no_time(root: Path) -> None:
    log = written(root)
    (started,) = FilesystemStore(root).begun()
    assert started == (RUN, some_log(RUN, 1)[0].timestamp)
    log.write_bytes(b"garbage\n")
    assert list(FilesystemStore(root).begun()) == [(RUN, "")]
    log.unlink()
    assert list(FilesystemStore(root).begun()) == [(RUN, "")]


def test_a_first_event_that_is_longer_than_a_glance_tells_when_it_was(root: Path) -> None:
    long = WorkflowStarted(
        format=1, workflow="w" * GLANCE, attempt=1, definition_digest="0" * 64, engine="test"
    )
    (first,) = sealed_log(RUN, [long])
    store = FilesystemStore(root)
    store.append(RUN, [first], expected=0)
    store.close()
    assert list(store.begun()) == [(RUN, first.timestamp)]


@pytest.mark.parametrize("call", ["write", "fdatasync", "pwrite"])
def test_after_a_failed_append_nothing_more_is_appended_until_it_is_opened_again(
    root: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    log = some_log(RUN, 3)
    store = FilesystemStore(root)
    with store.claim(RUN):
        store.append(RUN, log[:1], expected=0)
        with monkeypatch.context() as patch:

            def full(*args: object) -> int:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

            patch.setattr(os, call, full)
            with pytest.raises(StoreError, match="No space left on device"):
                store.append(RUN, log[1:2], expected=1)
        with pytest.raises(StoreError, match="an append failed before"):
            store.append(RUN, log[1:2], expected=1)
    with store.claim(RUN):
        kept = len(list(store.read(RUN)))
        assert kept in (1, 2)
        store.append(RUN, log[kept:], expected=kept)
        assert tuple(store.read(RUN)) == log
    store.close()


def test_a_short_write_is_finished(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = FilesystemStore(root)
    with store.claim(RUN):
        real = os.write
        monkeypatch.setattr(os, "write", lambda fd, data: real(fd, data[:10]))
        store.append(RUN, some_log(RUN, 3), expected=0)
        monkeypatch.undo()
        assert tuple(store.read(RUN)) == some_log(RUN, 3)
    store.close()


def test_an_append_syncs_the_log_once_and_never_the_head(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = some_log(RUN, 5)
    store = FilesystemStore(root)
    synced: list[str] = []
    real = os.fdatasync

    def counting(fd: int) -> None:
        synced.append(Path(os.readlink(f"/proc/self/fd/{fd}")).name)
        real(fd)

    with store.claim(RUN):
        store.append(RUN, log[:1], expected=0)
        monkeypatch.setattr(os, "fdatasync", counting)
        store.append(RUN, log[1:3], expected=1)
        monkeypatch.undo()
    assert synced == ["events.jsonl"]
    store.close()


@pytest.mark.parametrize(
    ("tail", "offset", "expected"),
    [
        (b"", 0, False),
        (b"no end", 0, True),
        (b"an end\n", 0, False),
        (b"x" * 512 + b"\0" * 512 + b"x\n", 0, True),
        (b"x" * 512 + b"\0" * 511 + b"x\n", 0, False),
        (b"x" * 12 + b"\0" * 512 + b"x\n", 500, True),
        (b"\0" * 12 + b"x\n", 500, True),
        (b"\0" * 12 + b"x\n", 0, False),
    ],
)
def test_a_tail_is_torn_if_it_has_no_end_or_misses_a_sector(
    tail: bytes, offset: int, expected: bool
) -> None:
    assert is_torn(tail, offset) is expected
