"""The files of an attempt: what it prints, and the lock that its processes hold."""

from __future__ import annotations

import re
from pathlib import Path

_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]")


def log_path(folder: Path, node_id: str, attempt: int) -> Path:
    """The file for what one attempt prints; ids are encoded so that any of them is a file name."""
    return folder / f"{_safe(node_id)}.{attempt}.log"


def lock_path(folder: Path, node_id: str, attempt: int) -> Path:
    """The file that is locked while a process of the attempt lives."""
    return locks_in(folder) / f"{_safe(node_id)}.{attempt}"


def locks_in(folder: Path) -> Path:
    """Where the locks of all attempts at a run are."""
    return folder / "locks"


def _safe(node_id: str) -> str:
    return _UNSAFE.sub(lambda found: f"%{ord(found[0]):02X}", node_id)
