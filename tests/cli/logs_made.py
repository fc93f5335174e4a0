"""Logs that end where a driver died."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec import Raw
from tests.cli.invoking import a_run, log_of
from tests.engine.given import node

from indelible.definition.model import Approval, Definition, Node
from indelible.definition.normal import digest_of, encode_definition
from indelible.errors import WaitingError
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


def a_question(folder: Path, run_id: str, **approval: Any) -> None:
    """A run in the default store of ``folder`` that waits for an answer to ``gate``."""
    with pytest.raises(WaitingError):
        a_run(folder, run_id, nodes=asking(**approval), waits=False)


def asking(**approval: Any) -> tuple[Node, ...]:
    gate = Approval(message="Publish?", **approval)
    return (node("a"), Node(id="gate", body=gate, depends_on=("a",)), node("b", "gate"))


def moved(folder: Path) -> bytes:
    """The exported log of a run ``elsewhere`` that the default store of ``folder`` has not."""
    a_run(folder / "elsewhere", "elsewhere")
    return log_of(folder / "elsewhere", "elsewhere").read_bytes()
