"""A disk that has no room for one file and takes all others."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest


def fill_disk_under(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on nothing can be written to ``file``, whoever makes it."""
    write: Callable[[int, bytes], int] = os.write

    def refusing(fd: int, data: bytes) -> int:
        if file.exists() and os.path.samestat(os.fstat(fd), file.stat()):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(fd, data)

    monkeypatch.setattr(os, "write", refusing)
