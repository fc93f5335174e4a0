"""``indelible show``: one run, or one node of it, as its log says now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import click
import msgspec
from msgspec import Raw

from indelible.cli.options import opened, quoted, run_argument, verb
from indelible.cli.outcome import document, loaded
from indelible.cli.run_ids import find_run
from indelible.cli.standing import way_on, with_driver
from indelible.cli.streams import put, put_json, put_table
from indelible.cli.text import counted, moment, run_argument_of, size, span, tally, visible
from indelible.definition.wording import did_you_mean
from indelible.engine.state import NodeState, RunState
from indelible.errors import NotFoundError
from indelible.events import BlobRef, NodeSkipped, Sealed, Waiting
from indelible.executors.files import log_path
from indelible.projections.reasons import skips, why_skipped
from indelible.projections.standing import OPEN, Standing, standing_of
from indelible.projections.timeline import NEVER, NodeTimes, node_times
from indelible.runtime.log import open_log
from indelible.stores.port import IWorkflowStore

EXAMPLES = """
indelible show latest
indelible show nightly-1 clean          # one node: its error in full, its output
indelible show latest --json | jq '.nodes[] | select(.status == "failed")'
"""

HEADS = ("NODE", "STATUS", "ATTEMPT", "TOOK", "OUTPUT")
LARGEST_SHOWN = 4096
"""Bytes of the inputs or outputs of a run that are shown; larger ones have their size shown."""


class View(msgspec.Struct, frozen=True):
    """All that is shown of one run, read once.  ``way_on`` is the command that goes on with it."""

    store: IWorkflowStore
    state: RunState
    status: Standing
    driver: str
    way_on: str
    times: dict[str, NodeTimes]
    skipped: dict[str, NodeSkipped]
    first: Sealed
    last: Sealed


@verb("show", EXAMPLES)
@run_argument
@click.argument("node", required=False)
def command(run: str, node: str | None, store: str | None, as_json: bool) -> int:
    """Show one run: its nodes, errors, skips and outputs.

    With NODE: that node alone, its error in full and its output.
    """
    with opened(store) as log_store:
        view = _view(log_store, find_run(log_store, run), store)
        if node is None:
            if as_json:
                put_json(_run_document(view))
            else:
                _show_run(view)
        else:
            found = node_of(view.state, node)
            output = loaded(log_store, view.state.run_id, found.output)
            if as_json:
                put_json({**_node_document(view, found), "output": output})
            else:
                _show_node(view, found, output)
    return 0


def node_of(state: RunState, name: str) -> NodeState:
    """Raises ``NotFoundError`` if the workflow has no such node."""
    found = state.nodes.get(name)
    if found is None:
        hint = did_you_mean(name, state.nodes, what="Its nodes")
        raise NotFoundError(f"run {state.run_id} has no node {name!r}", hint=hint)
    return found


def _view(store: IWorkflowStore, run_id: str, url: str | None) -> View:
    log, driver = with_driver(store, run_id, lambda: open_log(store, run_id))
    # It may have grown meanwhile; times that are ahead of the state would contradict it.
    events = [event for event in store.read(run_id) if event.sequence <= log.length]
    status = standing_of(log.state, has_driver=bool(driver))
    return View(
        store=store,
        state=log.state,
        status=status,
        driver=driver,
        way_on=way_on(run_id, status, driver, url),
        times=node_times(events),
        skipped=skips(events),
        first=events[0],
        last=events[-1],
    )


def _run_document(view: View) -> dict[str, object]:
    state = view.state
    return {
        **document(state),
        "status": view.status.value,
        "driver": view.driver,
        "resume": view.way_on,
        "started_at": view.first.at,
        "last_event_at": view.last.at,
        "events": view.last.sequence,
        "head": view.last.digest,
        "nodes": [_node_document(view, node) for node in state.nodes.values()],
        "inputs": state.inputs,
        "outputs": state.outputs,
    }


def _node_document(view: View, node: NodeState) -> dict[str, object]:
    times = view.times.get(node.id, NEVER)
    return {
        "node_id": node.id,
        "status": node.status.value,
        "attempt": node.attempt,
        "started_at": times.started,
        "ended_at": times.ended,
        "duration": times.duration,
        "output_bytes": _bytes(node.output),
        "retry_at": node.retry_at,
        "waiting": node.waiting,
        "error": node.error,
        "skipped": view.skipped.get(node.id),
    }


def _show_run(view: View) -> None:
    state = view.state
    rows = [
        ("run", state.run_id),
        ("workflow", visible(state.plan.definition.name)),
        ("status", f"{view.status.value} (attempt {state.attempt})"),
        ("driver", view.driver or ("nobody" if view.status in OPEN else "")),
        ("go on", view.way_on),
        ("started", moment(view.first.at)),
        ("last event", f"{moment(view.last.at)} ({counted(view.last.sequence, 'event')})"),
        ("nodes", tally(Counter(node.status.value for node in state.nodes.values()))),
        ("inputs", _shown(state.inputs)),
        ("outputs", _shown(state.outputs)),
    ]
    _put_rows(rows)
    put("")
    put_table([HEADS, *(_cells(view, node) for node in state.nodes.values())], status=1)
    for line in _reasons(view):
        put(line)


def _cells(view: View, node: NodeState) -> list[str]:
    duration = view.times.get(node.id, NEVER).duration
    return [
        visible(node.id),
        node.status.value,
        str(node.attempt or ""),
        _took(duration),
        "" if node.output is None else size(_bytes(node.output) or 0),
    ]


def _reasons(view: View) -> Iterator[str]:
    """Why each node that did not succeed did not."""
    if view.state.error is not None:
        error = view.state.error
        yield visible(f"\nfailed: {error.type}: {error.message}")
    for node in view.state.nodes.values():
        if node.waiting is not None:
            yield visible(f"\n{node.id} waits {_awaited(view.state, node.waiting, node.id)}")
        skip = view.skipped.get(node.id)
        if node.error is not None and not skip:
            yield visible(f"\n{node.id}: {node.error.type}: {node.error.message.strip()}")
        elif skip is not None:
            yield visible(f"\n{node.id}: {node.status.value}: {why_skipped(skip)}")


def _awaited(state: RunState, waiting: Waiting, name: str) -> str:
    if waiting.until is not None:
        return f"until {moment(waiting.until)}"
    choices = ", ".join(waiting.choices)
    command = f"indelible approve {run_argument_of(state.run_id)} {quoted(name)}"
    return f"for an answer: {waiting.message} ({choices})\n  {command}"


def _show_node(view: View, node: NodeState, output: Raw | None) -> None:
    times = view.times.get(node.id, NEVER)
    skip = view.skipped.get(node.id)
    log = log_path(view.store.folder(view.state.run_id), node.id, node.attempt)
    rows = [
        ("node", visible(node.id)),
        ("status", node.status.value),
        ("attempt", str(node.attempt or "")),
        ("started", moment(times.started)),
        ("ended", moment(times.ended)),
        ("took", _took(times.duration)),
        ("waits", visible(_awaited(view.state, node.waiting, node.id)) if node.waiting else ""),
        ("log", str(log) if log.exists() else ""),
        ("skipped", visible(why_skipped(skip)) if skip else ""),
        ("error", visible(f"{node.error.type}: {node.error.message}") if node.error else ""),
    ]
    _put_rows(rows)
    if node.error is not None and node.error.traceback:
        put("\n" + visible(node.error.traceback).rstrip())
    if output is not None:
        put("\n" + visible(msgspec.json.format(bytes(output), indent=2).decode()))


def _put_rows(rows: Sequence[tuple[str, str]]) -> None:
    """Name and text, one a line; what is empty is left out."""
    for name, text in rows:
        if text:
            put(f"{name:<11} {text}")


def _took(seconds: float | None) -> str:
    return "" if seconds is None else span(seconds)


def _bytes(kept: Raw | BlobRef | None) -> int | None:
    if kept is None:
        return None
    return kept.bytes if isinstance(kept, BlobRef) else len(bytes(kept))


def _shown(kept: Raw | BlobRef | None) -> str:
    """A value on one line; a large one by its size, and blobs are never loaded."""
    if kept is None:
        return ""
    if isinstance(kept, BlobRef) or len(bytes(kept)) > LARGEST_SHOWN:
        return f"({size(_bytes(kept) or 0)})"
    return visible(bytes(kept).decode())
