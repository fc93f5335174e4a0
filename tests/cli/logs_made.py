"""Logs that end where a driver died."""

from __future__ import annotations

from pathlib import Path

from msgspec import Raw

from indelible.definition.model import Definition, Node
from indelible.definition.normal import digest_of, encode_definition
from indelible.events import FORMAT, Event, WorkflowStarted
from indelible.stores.filesystem import FilesystemStore
from indelible.testing.logs import sealed_log


def begun(*nodes: Node) -> WorkflowStarted:
    """The first event of a run of these nodes."""
    recorded = encode_definition(Definition(name="w", nodes=nodes))
    return WorkflowStarted(
        format=FORMAT,
        workflow="w",
        attempt=1,
        definition=Raw(recorded),
        definition_digest=digest_of(recorded),
        engine="test",
    )


def an_open_run(
    folder: Path, run_id: str, *, nodes: tuple[Node, ...], events: tuple[Event, ...] = ()
) -> None:
    """A run in the default store of ``folder`` whose driver died after ``events``."""
    store = FilesystemStore(folder / ".indelible")
    store.append(run_id, sealed_log(run_id, [begun(*nodes), *events]), expected=0)
    store.close()
