"""Where large things go: values beside the log, what nodes print into files of their own."""

from __future__ import annotations

import re
from pathlib import Path

from msgspec import Raw

from indelible.events import BlobRef
from indelible.stores.blobs import INLINE_LIMIT
from indelible.stores.port import IWorkflowStore

_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]")


def keep(store: IWorkflowStore, run_id: str, value: bytes) -> Raw | BlobRef:
    """``value`` for an event: as it is, or over 64 KiB as a blob, durable when this returns."""
    return Raw(value) if len(value) <= INLINE_LIMIT else store.put_blob(run_id, value)


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
