"""Both stores on disk, in a folder of their own, and a short log for them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from indelible.stores.filesystem import FilesystemStore
from indelible.stores.port import IWorkflowStore
from indelible.stores.sqlite import SqliteStore
from indelible.testing.logs import some_log

RUN = "r"
LOG = some_log(RUN, 4)

Make = Callable[[Path], IWorkflowStore]
MAKERS: dict[str, Make] = {
    "filesystem": lambda folder: FilesystemStore(folder / "runs"),
    "sqlite": lambda folder: SqliteStore(folder / "log.db"),
}


def write(store: IWorkflowStore, length: int = 2) -> None:
    """The first events of the log; the store is closed then."""
    with closing(store), store.claim(RUN):
        store.append(RUN, LOG[:length], expected=0)
