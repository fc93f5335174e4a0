"""Where large values go: beside the log."""

from __future__ import annotations

from msgspec import Raw

from indelible.events import BlobRef
from indelible.stores.blobs import INLINE_LIMIT
from indelible.stores.port import IWorkflowStore


def keep(store: IWorkflowStore, run_id: str, value: bytes) -> Raw | BlobRef:
    """``value`` for an event: as it is, or over 64 KiB as a blob, durable when this returns."""
    return Raw(value) if len(value) <= INLINE_LIMIT else store.put_blob(run_id, value)
