"""A log from one place to another: the same lines, byte for byte, and none that does not verify."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from typing import BinaryIO

from indelible.errors import (
    ConflictError,
    CorruptLogError,
    IllegalEventError,
    NotFoundError,
    RunExistsError,
)
from indelible.events import BlobRef, NodeCompleted, Sealed, WorkflowCompleted, WorkflowStarted
from indelible.runtime.log import open_log
from indelible.stores.codec import check_run_id, line_of, open_event, parse_line
from indelible.stores.memory import MemoryStore
from indelible.stores.port import IWorkflowStore


def export_run(store: IWorkflowStore, run_id: str, file: BinaryIO) -> int:
    """Write the log of a run as it is, one event a line; give how many there were.

    Values beside the log are not in it.  Raises ``NotFoundError`` for a run that is not.
    """
    count = 0
    for event in store.read(check_run_id(run_id)):
        file.write(line_of(event) + b"\n")
        count += 1
    if not count:
        raise _no_run(run_id)
    return count


def import_run(store: IWorkflowStore, lines: bytes | BinaryIO, *, place: str = "import") -> str:
    """Append an exported log to ``store`` and give the id of its run.

    All of it is checked first: every line, the chain, the legal order.  Raises ``CorruptLogError``
    if anything is wrong, also if it names values beside it, which no export holds, and
    ``RunExistsError`` if the store has the run; nothing was written then.
    """
    file = io.BytesIO(lines) if isinstance(lines, bytes) else lines
    events = list(_parsed(file, place))
    if not events:
        raise CorruptLogError("there is no event in it", place=place)
    refs = [ref for event in events for ref in blobs_of(event)]
    if refs:
        raise CorruptLogError(
            f"it names {len(refs)} values that are kept beside the log, which no export holds",
            place=place,
            hint="Copy the run from its store instead: indelible copy RUN --to STORE",
        )
    _verify(events, place)
    _append(store, events)
    return events[0].run_id


def copy_run(source: IWorkflowStore, target: IWorkflowStore, run_id: str) -> int:
    """Append the log of a run, and the values beside it, to another store; give its length.

    Raises ``NotFoundError``, ``CorruptLogError`` if it does not verify, ``RunExistsError`` if the
    other store has the run.  What was appended to the source meanwhile is not copied.
    """
    length = open_log(source, check_run_id(run_id)).length
    events = [event for event in source.read(run_id) if event.sequence <= length]
    _refuse_taken(target, run_id)
    for event in events:
        for ref in blobs_of(event):
            target.put_blob(run_id, source.get_blob(run_id, ref))
    _append(target, events)
    return length


def blobs_of(sealed: Sealed) -> Iterator[BlobRef]:
    """The values beside the log that an event names."""
    event = open_event(sealed)
    named: Iterable[BlobRef | None] = ()
    match event:
        case WorkflowStarted():
            named = (event.definition_blob, event.inputs_blob)
        case WorkflowCompleted():
            named = (event.outputs_blob,)
        case NodeCompleted():
            named = (event.output_blob,)
    return (ref for ref in named if ref is not None)


def _parsed(file: Iterable[bytes], place: str) -> Iterator[Sealed]:
    for number, line in enumerate(file, start=1):
        parsed = parse_line(line[:-1]) if line.endswith(b"\n") else "the line has no end"
        if isinstance(parsed, str):
            raise CorruptLogError(parsed, place=place, line=number)
        yield parsed


def _verify(events: Sequence[Sealed], place: str) -> None:
    """Raise ``CorruptLogError`` unless the log is whole, chained, and in legal order."""
    run_id = events[0].run_id
    staging = MemoryStore()
    try:
        staging.append(run_id, events, expected=0)
    except IllegalEventError as error:
        raise CorruptLogError(error.problem, place=place, line=error.sequence) from error
    open_log(staging, run_id)


def _append(store: IWorkflowStore, events: Sequence[Sealed]) -> None:
    run_id = events[0].run_id
    with store.claim(run_id):
        _refuse_taken(store, run_id)
        try:
            store.append(run_id, events, expected=0)
        except ConflictError:
            raise RunExistsError(run_id) from None


def _refuse_taken(store: IWorkflowStore, run_id: str) -> None:
    if next(iter(store.read(run_id)), None) is not None:
        raise RunExistsError(run_id)


def _no_run(run_id: str) -> NotFoundError:
    return NotFoundError(f"there is no run {run_id}", hint="See them all: indelible list")
