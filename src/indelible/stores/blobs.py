"""Values too large for an event, each in a file named after its hash."""

from __future__ import annotations

import hashlib
import os
import re
from contextlib import suppress
from pathlib import Path

from indelible.errors import CorruptLogError
from indelible.events import BlobRef
from indelible.stores import disk

INLINE_LIMIT = 64 * 1024
"""The largest value, in bytes of JSON, that an event carries itself."""

_HASH = re.compile(r"[0-9a-f]{64}")


class BlobFolder:
    """The blobs of one run.  Its directory is made, and durable, with the first of them.

    Raises ``StoreError`` if something else stands in its place.
    """

    def __init__(self, path: Path) -> None:
        self._path = disk.check_directory(path)

    def put(self, content: bytes) -> BlobRef:
        """Keep ``content``, durably.  Raises ``StoreError``.

        A blob that is there already is checked and synced, never written again; one that is
        there and damaged raises ``CorruptLogError``.
        """
        ref = ref_of(content)
        target = self._path / ref.sha256
        with disk.explain(target, "write"):
            disk.make_directory(self._path)
            if os.path.lexists(target):
                self.get(ref)
                _sync_again(target)
            else:
                self._write(target, content)
            disk.sync_directory(self._path)
        return ref

    def get(self, ref: BlobRef) -> bytes:
        """The content of ``ref``.  Raises ``CorruptLogError`` if it is missing or has changed."""
        place = str(self._path / ref.sha256)
        if _HASH.fullmatch(ref.sha256) is None:
            raise CorruptLogError("the log names a blob that cannot be one", place=place)
        try:
            with os.fdopen(disk.open_private(Path(place), os.O_RDONLY), "rb") as file:
                check_size(os.fstat(file.fileno()).st_size, ref, place=place)
                content = file.read()
        except FileNotFoundError:
            raise CorruptLogError("a blob that the log names is missing", place=place) from None
        except OSError as error:
            raise disk.explained(error, Path(place), "read") from error
        check_size(len(content), ref, place=place)
        if ref_of(content) != ref:
            raise CorruptLogError("a blob has changed: its hash is not its name", place=place)
        return content

    def _write(self, target: Path, content: bytes) -> None:
        draft = self._path / f".{target.name}.{os.urandom(6).hex()}"
        fd = disk.open_private(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        try:
            disk.write_all(fd, content)
            disk.sync_file(fd)
            draft.rename(target)
        except BaseException:
            with suppress(OSError):
                draft.unlink()
            raise
        finally:
            os.close(fd)


def _sync_again(target: Path) -> None:
    # Whoever wrote it may have died before it was durable.  It is never written again, so it may
    # have other names: a backup made of hard links.
    fd = disk.open_private(target, os.O_RDONLY)
    try:
        disk.sync_file(fd)
    finally:
        os.close(fd)


def ref_of(content: bytes) -> BlobRef:
    return BlobRef(sha256=hashlib.sha256(content).hexdigest(), bytes=len(content))


def check_size(found: int, ref: BlobRef, *, place: str) -> None:
    """Raise ``CorruptLogError`` unless ``ref`` says ``found`` bytes."""
    if found != ref.bytes:
        raise CorruptLogError(f"a blob of {ref.bytes:,} bytes has {found:,}", place=place)
