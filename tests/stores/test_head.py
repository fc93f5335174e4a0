"""The two slots of a head: one is always whole, and the newer one counts."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Event

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indelible.errors import StoreError
from indelible.stores.head import (
    SLOT_OFFSETS,
    Head,
    HeadFile,
    decode_slot,
    encode_slot,
    head_at,
)
from indelible.stores.syncer import Syncer
from indelible.testing import strategies

numbers = st.integers(0, 2**53)
heads = st.builds(
    Head,
    counter=numbers,
    run_id=st.just("") | strategies.run_ids | st.just("r" * 128),
    sequence=numbers,
    offset=numbers,
    digest=strategies.digests,
)
HEAD = Head(7, "r", 12, 4790, "a" * 64)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "head"


@pytest.fixture
def head(path: Path) -> Iterator[HeadFile]:
    with closing(HeadFile(path, create=True)) as head:
        yield head


def write(head: HeadFile, sequence: int) -> Head:
    return head.write(run_id="r", sequence=sequence, offset=sequence * 100, digest="a" * 64)


@given(heads)
def test_a_slot_is_one_line_of_512_bytes_and_comes_back(head: Head) -> None:
    slot = encode_slot(head)
    assert len(slot) == 512
    assert slot.index(b"\n") == 511
    assert decode_slot(slot) == head


@given(heads, st.data())
def test_no_changed_byte_goes_unnoticed(head: Head, data: st.DataObject) -> None:
    slot = bytearray(encode_slot(head))
    slot[data.draw(st.integers(0, 511))] ^= data.draw(st.integers(1, 255))
    assert decode_slot(bytes(slot)) is None


@pytest.mark.parametrize(
    "slot",
    [
        b"",
        bytes(512),
        b" " * 511 + b"\n",
        encode_slot(HEAD)[:-1],
        encode_slot(HEAD) + b"\n",
        encode_slot(HEAD).rstrip() + b"\n",
        encode_slot(HEAD).replace(b'{"counter":7', b'{"counter":9,"counter":7', 1)[:511] + b"\n",
        encode_slot(HEAD).replace(b'"counter":7', b'"counter":8'),
    ],
)
def test_what_was_not_written_whole_is_no_slot(slot: bytes) -> None:
    assert decode_slot(slot) is None


def test_a_new_file_has_no_head(head: HeadFile) -> None:
    assert head.read() is None


def test_the_last_write_counts_and_goes_to_the_other_slot(head: HeadFile, path: Path) -> None:
    for sequence in range(1, 6):
        written = write(head, sequence)
        assert head.read() == head_at(path) == written
        assert written.counter == sequence
    content = path.read_bytes()
    assert len(content) == 4096 + 512
    slots = [decode_slot(content[offset : offset + 512]) for offset in SLOT_OFFSETS]
    assert [slot.sequence for slot in slots if slot] == [5, 4]


@pytest.mark.parametrize("torn", SLOT_OFFSETS)
def test_a_torn_slot_leaves_the_other_one_and_is_written_next(
    head: HeadFile, path: Path, torn: int
) -> None:
    write(head, 1)
    write(head, 2)
    with path.open("r+b") as file:
        file.seek(torn + 100)
        file.write(b"\0" * 100)
    assert (found := head.read()) is not None
    assert found.sequence == (2 if torn == 0 else 1)
    write(head, 3)
    slots = [decode_slot(path.read_bytes()[offset : offset + 512]) for offset in SLOT_OFFSETS]
    assert {slot.sequence for slot in slots if slot} == {found.sequence, 3}


def test_two_openers_write_one_after_the_other(head: HeadFile, path: Path) -> None:
    with closing(HeadFile(path)) as other:
        counters = [write(writer, 1).counter for writer in (head, other, other, head)]
    assert counters == [1, 2, 3, 4]


def test_a_head_that_is_not_there_is_not_made_unasked(path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        HeadFile(path)
    with pytest.raises(FileNotFoundError):
        head_at(path)


def test_a_link_in_its_place_is_refused(path: Path) -> None:
    path.symlink_to(path.with_name("other"))
    with pytest.raises(StoreError, match="head: cannot open") as caught:
        HeadFile(path, create=True)
    assert "symbolic link" in caught.value.hint


def test_after_a_failed_sync_a_head_is_neither_locked_nor_written(head: HeadFile) -> None:
    write(head, 1)
    with broken(head), pytest.raises(StoreError, match="head: cannot sync"):
        head.sync()
    for _ in range(2):
        with pytest.raises(StoreError, match="head: cannot sync"), head.locked():
            pytest.fail("locked")
        with pytest.raises(StoreError, match="head: cannot sync"):
            write(head, 2)


def test_the_syncer_syncs_what_waits_when_it_is_closed(head: HeadFile) -> None:
    syncer = Syncer(interval=3600)
    write(head, 1)
    syncer.soon(head)
    with broken(head), pytest.raises(StoreError, match="cannot sync"):
        syncer.close()


def test_the_syncer_syncs_at_once_when_told_so_and_only_once(head: HeadFile) -> None:
    syncer = Syncer(interval=3600)
    syncer.soon(head)
    syncer.now(head)
    with broken(head):
        syncer.now(head)
        syncer.close()


def test_the_syncer_syncs_by_itself(path: Path) -> None:
    head = Watched(path, create=True)
    syncer = Syncer(interval=0.001)
    for _ in range(3):
        head.synced.clear()
        syncer.soon(head)
        assert head.synced.wait(60)
    syncer.close()
    head.close()


def test_a_sync_that_failed_by_itself_is_told_by_the_next_write(path: Path) -> None:
    head = Watched(path, create=True)
    syncer = Syncer(interval=0.001)
    with broken(head):
        syncer.soon(head)
        assert head.synced.wait(60)
    with pytest.raises(StoreError, match="head: cannot sync"):
        write(head, 1)
    syncer.close()
    head.close()


class Watched(HeadFile):
    """Says when it was synced, also in vain."""

    def __init__(self, path: Path, *, create: bool = False) -> None:
        super().__init__(path, create=create)
        self.synced = Event()

    def sync(self) -> None:
        try:
            super().sync()
        finally:
            self.synced.set()


@contextmanager
def broken(head: HeadFile) -> Iterator[None]:
    """In its place a pipe, which no system can sync: the descriptor of a failed disk."""
    kept = os.dup(head.fd)
    reading, writing = os.pipe()
    os.dup2(writing, head.fd)
    try:
        yield
    finally:
        os.dup2(kept, head.fd)
        for fd in (kept, reading, writing):
            os.close(fd)
