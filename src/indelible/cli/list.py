"""``indelible list``: all runs, one line each; a damaged one is a line too."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice

import click
import msgspec

from indelible.cli.options import opened, verb
from indelible.cli.run_ids import newest_first
from indelible.cli.standing import way_on, with_driver
from indelible.cli.streams import put_json, put_table, say
from indelible.cli.text import counted, moment, one_line, span
from indelible.engine.status import ENDED
from indelible.errors import (
    CorruptLogError,
    IndelibleError,
    NewerLogError,
    StoreError,
)
from indelible.events import Sealed, WorkflowStarted
from indelible.projections.standing import Standing
from indelible.projections.summary import RunSummary, summarise
from indelible.runtime.log import holds_definition, recorded_definition
from indelible.stores.codec import open_event
from indelible.stores.port import IWorkflowStore

EXAMPLES = """
indelible list
indelible list --status failed --limit 5
indelible list --json | jq -r '.runs[] | select(.status == "interrupted") | .run_id'
"""

HEADS = ("RUN", "STATUS", "WORKFLOW", "NODES", "STARTED", "TOOK")

# A run that cannot be read has one of these instead of a status of its own.
UNREADABLE: Mapping[type[IndelibleError], str] = {
    CorruptLogError: "corrupt",
    NewerLogError: "newer",
    StoreError: "unreadable",
}


# By their values: click would offer the names of an enumeration.
STATUSES = [*(status.value for status in Standing), *UNREADABLE.values()]


class Unreadable(msgspec.Struct, frozen=True):
    """A run of which nothing can be said but why."""

    run_id: str
    status: str
    problem: str


Entry = RunSummary | Unreadable


@verb("list", EXAMPLES)
@click.option("--status", type=click.Choice(STATUSES), help="Only these runs.")
@click.option(
    "--limit",
    metavar="N",
    type=click.IntRange(min=0),
    default=20,
    help="Only so many; 0: all of them.  [default: 20]",
)
def command(status: str | None, limit: int, store: str | None, as_json: bool) -> int:
    """List all runs, the newest first.

    An open run is `waiting` when only an answer or a moment is left; else `running` when a process
    drives it, and `interrupted` when none does: resume goes on with it.
    """
    with opened(store) as log_store:
        fitting = (entry for entry in _entries(log_store) if status in {None, entry.status})
        found = list(islice(fitting, limit or None))
        is_cut = next(fitting, None) is not None
    if as_json:
        runs = [_document(entry, store) for entry in found]
        put_json({"runs": runs, "is_complete": not is_cut})
        return 0
    if found:
        put_table([HEADS, *map(_cells, found)], status=1)
    else:
        say("no runs")
    _tell_of_interrupted(found, store)
    if is_cut:
        say(f"only the newest {limit}; all of them: indelible list --limit 0")
    return 0


def _entries(store: IWorkflowStore) -> Iterator[Entry]:
    for name in newest_first(store):
        try:
            yield _summary(store, name)
        except (CorruptLogError, StoreError) as error:
            status = next(UNREADABLE[kind] for kind in type(error).__mro__ if kind in UNREADABLE)
            yield Unreadable(name, status, error.problem)


def _summary(store: IWorkflowStore, run_id: str) -> RunSummary:
    events, driver = with_driver(store, run_id, lambda: list(store.read(run_id)))
    return summarise(events, definition_in=_definitions_of(store), driver=driver)


def _definitions_of(store: IWorkflowStore) -> Callable[[Sealed], bytes | None]:
    def definition_in(opening: Sealed) -> bytes | None:
        event = open_event(opening)
        has_one = isinstance(event, WorkflowStarted) and holds_definition(event)
        return recorded_definition(store, opening) if has_one else None

    return definition_in


def _document(entry: Entry, url: str | None) -> dict[str, object]:
    """Of an interrupted run also the command that goes on with it."""
    document: dict[str, object] = msgspec.to_builtins(entry)
    if isinstance(entry, RunSummary) and entry.status is Standing.INTERRUPTED:
        document["resume"] = way_on(entry.run_id, entry.status, entry.driver, url)
    return document


def _tell_of_interrupted(entries: Sequence[Entry], url: str | None) -> None:
    cut_off = [entry for entry in entries if entry.status == Standing.INTERRUPTED]
    for entry in cut_off[:1]:
        more = f"; {counted(len(cut_off), 'run')} like it" if len(cut_off) > 1 else ""
        command = way_on(entry.run_id, Standing.INTERRUPTED, "", url)
        say(f"nobody drives {entry.run_id}{more}; go on: {command}")


def _cells(entry: Entry) -> list[str]:
    if isinstance(entry, Unreadable):
        return [entry.run_id, entry.status, one_line(entry.problem, 60), "", "", ""]
    ended = sum(entry.nodes.get(status, 0) for status in ENDED)
    took = (
        "" if entry.ended_at is None else span((entry.ended_at - entry.started_at).total_seconds())
    )
    return [
        entry.run_id,
        entry.status,
        one_line(entry.workflow, 60),
        f"{ended}/{entry.total}",
        moment(entry.started_at),
        took,
    ]
