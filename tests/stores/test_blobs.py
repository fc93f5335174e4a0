"""Blobs on disk: found by their hash, checked by it, never half there."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

import pytest

from indelible.errors import CorruptLogError, StoreError
from indelible.stores.blobs import BlobFolder

CONTENT = b'{"a":1}' * 100


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "run" / "blobs"


def test_a_blob_is_a_private_file_named_after_its_hash(folder: Path) -> None:
    ref = BlobFolder(folder).put(CONTENT)
    assert ref.sha256 == hashlib.sha256(CONTENT).hexdigest()
    assert [place.name for place in folder.iterdir()] == [ref.sha256]
    assert (folder / ref.sha256).read_bytes() == CONTENT
    assert stat.S_IMODE((folder / ref.sha256).stat().st_mode) == 0o600


def test_a_blob_that_is_there_is_not_written_again(folder: Path) -> None:
    ref = BlobFolder(folder).put(CONTENT)
    before = (folder / ref.sha256).stat()
    assert BlobFolder(folder).put(CONTENT) == ref
    after = (folder / ref.sha256).stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


@pytest.mark.parametrize("damaged", [b"", CONTENT[:-1], CONTENT + b"x", CONTENT[:-1] + b"x"])
def test_a_damaged_blob_is_told_and_left_as_it_is(folder: Path, damaged: bytes) -> None:
    blobs = BlobFolder(folder)
    ref = blobs.put(CONTENT)
    path = folder / ref.sha256
    path.write_bytes(damaged)
    with pytest.raises(CorruptLogError, match=f"{path}: a blob "):
        blobs.get(ref)
    with pytest.raises(CorruptLogError, match=f"{path}: a blob "):
        blobs.put(CONTENT)
    assert path.read_bytes() == damaged


def test_a_draft_that_a_crash_left_behind_is_not_in_the_way(folder: Path) -> None:
    ref = BlobFolder(folder).put(CONTENT)
    (folder / ref.sha256).rename(folder / f".{ref.sha256}.0123")
    assert BlobFolder(folder).put(CONTENT) == ref
    assert BlobFolder(folder).get(ref) == CONTENT


def test_a_link_in_the_place_of_a_blob_is_not_followed(folder: Path) -> None:
    ref = BlobFolder(folder).put(CONTENT)
    (folder / ref.sha256).rename(folder / "elsewhere")
    (folder / ref.sha256).symlink_to(folder / "elsewhere")
    with pytest.raises(StoreError, match="cannot read") as caught:
        BlobFolder(folder).get(ref)
    assert "symbolic link" in caught.value.hint


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "run").touch()
    with pytest.raises(StoreError, match="cannot open: Not a directory"):
        BlobFolder(tmp_path / "run" / "blobs").put(CONTENT)


def test_reading_makes_no_folder(folder: Path) -> None:
    ref = BlobFolder(folder).put(CONTENT)
    other = folder.with_name("others")
    with pytest.raises(CorruptLogError, match="missing"):
        BlobFolder(other).get(ref)
    assert not os.path.lexists(other)
