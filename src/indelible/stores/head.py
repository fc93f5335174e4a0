"""The head: how far a log is known to be on the disk, in two slots that are never torn together.

Without it nobody can tell a torn tail (a crash cut short what was never acknowledged) from a lost
one (damage took what was).  A slot is 512 bytes, one sector, at offsets 0 and 4,096; each is a line

    {"counter":7,"run_id":"…","sequence":12,"offset":4790,"digest":"…","checksum":"…"}

padded with spaces, its newline last, its checksum the SHA-256 of the bytes before ``,"checksum"``.
The valid slot with the higher counter counts, and a write always goes to the other one.  The file
is also the append lock.
"""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from threading import Lock

import msgspec

from indelible.errors import StoreError
from indelible.stores import disk

SLOT_BYTES = 512
SLOT_OFFSETS = (0, 4096)

_NUMBER = rb"(0|[1-9][0-9]{0,18})"
_SLOT = re.compile(
    rb'(\{"counter":' + _NUMBER + rb',"run_id":"([A-Za-z0-9._-]{0,128})"'
    rb',"sequence":' + _NUMBER + rb',"offset":' + _NUMBER + rb',"digest":"([0-9a-f]{64})")'
    rb',"checksum":"([0-9a-f]{64})"\} *\n'
)


class Head(msgspec.Struct, frozen=True):
    """The last event known to be durable: its digest, and the ``offset`` of the byte after it.

    In a database, where many runs share one head, it is the last row and ``offset`` its rowid.
    """

    counter: int
    run_id: str
    sequence: int
    offset: int
    digest: str


def encode_slot(head: Head) -> bytes:
    """The 512 bytes of ``head``."""
    body = (
        f'{{"counter":{head.counter},"run_id":"{head.run_id}","sequence":{head.sequence},'
        f'"offset":{head.offset},"digest":"{head.digest}"'
    ).encode()
    line = b'%b,"checksum":"%b"}' % (body, hashlib.sha256(body).hexdigest().encode())
    return line.ljust(SLOT_BYTES - 1) + b"\n"


def decode_slot(slot: bytes) -> Head | None:
    """What ``slot`` says; None unless it is, byte for byte, what ``encode_slot`` writes."""
    found = _SLOT.fullmatch(slot)
    if found is None or len(slot) != SLOT_BYTES:
        return None
    body, counter, run_id, sequence, offset, digest, checksum = found.groups()
    if hashlib.sha256(body).hexdigest().encode() != checksum:
        return None
    return Head(int(counter), run_id.decode(), int(sequence), int(offset), digest.decode())


def read_head(fd: int) -> Head | None:
    """The newest valid slot of the file behind ``fd``; None if there is none.  No lock needed."""
    return _newest(_slots(fd))[1]


def head_at(path: Path) -> Head | None:
    """The newest valid slot of the file ``path``, for readers.  Raises ``OSError``."""
    fd = disk.open_private(path, os.O_RDONLY)
    try:
        return read_head(fd)
    finally:
        os.close(fd)


class HeadFile:
    """An open head file.  A failure is a ``StoreError``, and after one it is written no more."""

    def __init__(self, path: Path, *, create: bool = False) -> None:
        """Raises ``FileNotFoundError`` if there is none and ``create`` is not given."""
        self.path = path
        self._failure: StoreError | None = None
        self._newest: tuple[int, Head | None] | None = None
        self._seen = [b"", b""]
        self._closing = Lock()
        self._lock = AppendLock(self)
        try:
            self._fd = disk.open_private(path, os.O_RDWR | (os.O_CREAT if create else 0))
        except FileNotFoundError:
            raise
        except OSError as error:
            raise disk.explained(error, path, "open") from error

    @property
    def fd(self) -> int:
        return self._fd

    def read(self) -> Head | None:
        """The newest valid slot; None if there is none."""
        with disk.explain(self.path, "read"):
            self._newest = self._look()
        return self._newest[1]

    def locked(self) -> AppendLock:
        """Hold the append lock.  It keeps other descriptors out, not threads that share this.

        Raises ``StoreError`` if an earlier write or sync of this head failed, before any append.
        """
        return self._lock

    def write(
        self, *, run_id: str, sequence: int, offset: int, digest: str, is_ours: bool = False
    ) -> Head:
        """Overwrite the older slot, or one that is not valid.  Needs the append lock; no sync.

        ``is_ours``: the caller knows that nobody has appended since this object read or wrote, so
        it need not look which slot is older.
        """
        self.check_sound()
        try:
            slot, newest = (is_ours and self._newest) or self._look()
            counter = newest.counter if newest else 0
            head = Head(counter + 1, run_id, sequence, offset, digest)
            written = encode_slot(head)
            disk.write_all_at(self._fd, written, SLOT_OFFSETS[1 - slot])
        except OSError as error:
            raise self._remembered(error, "write") from error
        self._newest = (1 - slot, head)
        self._seen[1 - slot] = written
        return head

    def sync(self) -> None:
        """Return when what was written is on the disk.  Does nothing once the file is closed."""
        with self._closing:
            if self._fd >= 0:
                try:
                    disk.sync_file(self._fd)
                except OSError as error:
                    raise self._remembered(error, "sync") from error

    def close(self) -> None:
        """Without a sync."""
        with self._closing:
            if self._fd >= 0:
                os.close(self._fd)
            self._fd = -1

    def check_sound(self) -> None:
        """Raise ``StoreError`` if a write or a sync has failed."""
        if self._failure is not None:
            raise StoreError(self._failure.problem, hint=self._failure.hint) from self._failure

    def _look(self) -> tuple[int, Head | None]:
        found = _raw_slots(self._fd)
        if self._newest is not None and found == self._seen:
            return self._newest  # as at the last look: nothing to decode
        self._seen = found
        return _newest([decode_slot(each) for each in found])

    def _remembered(self, error: OSError, doing: str) -> StoreError:
        self._failure = disk.explained(error, self.path, doing)
        return self._failure


class AppendLock:
    """The append lock of a head file, held inside a ``with`` block: taken twice an append, so it is
    no generator."""

    def __init__(self, head: HeadFile) -> None:
        self._head = head

    def __enter__(self) -> None:
        self._head.check_sound()
        try:
            disk.lock(self._head.fd)
        except OSError as error:
            raise disk.explained(error, self._head.path, "lock") from error

    def __exit__(self, *_: object) -> None:
        disk.unlock(self._head.fd)


def _slots(fd: int) -> list[Head | None]:
    return [decode_slot(slot) for slot in _raw_slots(fd)]


def _raw_slots(fd: int) -> list[bytes]:
    return [os.pread(fd, SLOT_BYTES, offset) for offset in SLOT_OFFSETS]


def _newest(slots: list[Head | None]) -> tuple[int, Head | None]:
    """The valid slot with the highest counter and its number; number 1 if there is none."""
    number, head = max(enumerate(slots), key=lambda pair: pair[1].counter if pair[1] else -1)
    return (number, head) if head else (1, None)
