"""Reading a SQLite file where nothing may be written: a read-only mount, a folder of somebody else.

SQLite in WAL mode wants to make two files beside the database, also to read it.  Where it cannot,
there are three cases: both files are there, and it reads them; neither is, and the database is
complete by itself; only the -wal file is, and nobody can read it there.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

import apsw

from indelible.errors import StoreError

_FLAGS = apsw.SQLITE_OPEN_NOFOLLOW


def is_frozen(path: Path) -> bool:
    """Whether the database ``path`` has to be, and can be, read without any file beside it.

    Raises ``StoreError`` if it would have to be, and cannot.
    """
    if os.access(path.parent, os.W_OK):
        return False
    has_wal = _size(path.with_name(f"{path.name}-wal")) > 0
    if has_wal and _size(path.with_name(f"{path.name}-shm")) < 0:
        raise StoreError(
            f"{path}: its -wal file cannot be read where nothing may be written",
            hint=f"Copy {path.name}, {path.name}-wal and {path.name}.head to a folder of yours.",
        )
    return not has_wal


def connect(path: Path, *, frozen: bool) -> apsw.Connection:
    """A connection to the file that is there; it is not made.

    Raises ``apsw.Error``, and ``StoreError`` for something else in the place of a file of SQLite's:
    a FIFO would hang it for ever.
    """
    for suffix in ("", "-wal", "-shm", "-journal"):
        _check_file(path.with_name(path.name + suffix))
    if not frozen:
        return apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE | _FLAGS)
    from urllib.parse import quote

    flags = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI | _FLAGS
    return apsw.Connection(f"file:{quote(str(path))}?immutable=1", flags=flags)


def _check_file(path: Path) -> None:
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISREG(mode):
        raise StoreError(f"{path}: cannot open: not a regular file", hint="Move it away.")


def _size(path: Path) -> int:
    """Bytes of the file ``path``; -1 if there is none."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return -1
