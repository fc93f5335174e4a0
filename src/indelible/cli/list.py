"""``indelible list``: all runs, one line each; a damaged one is a line too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice

import click
import msgspec

from indelible.cli.options import opened, verb
from indelible.cli.run_ids import started_at
from indelible.cli.streams import put_json, put_table, say
from indelible.cli.text import moment, one_line, span
from indelible.engine.state import ENDED, RunStatus
from indelible.errors import (
    CorruptLogError,
    IndelibleError,
    NewerLogError,
    StoreError,
)
from indelible.projections.summary import RunSummary, summarise
from indelible.runtime.log import recorded_definition
from indelible.stores.port import IWorkflowStore

EXAMPLES = """
indelible list
indelible list --status failed --limit 5
indelible list --json | jq -r '.runs[] | select(.status == "running") | .run_id'
"""

HEADS = ("RUN", "STATUS", "WORKFLOW", "NODES", "STARTED", "TOOK")

# A run that cannot be read has one of these instead of a status of its own.
UNREADABLE: Mapping[type[IndelibleError], str] = {
    CorruptLogError: "corrupt",
    NewerLogError: "newer",
    StoreError: "unreadable",
}
STATUSES = [status.value for status in RunStatus if status is not RunStatus.PENDING]


class Unreadable(msgspec.Struct, frozen=True):
    """A run of which nothing can be said but why."""

    run_id: str
    status: str
    problem: str


Entry = RunSummary | Unreadable


@verb("list", EXAMPLES)
@click.option(
    "--status", type=click.Choice([*STATUSES, *UNREADABLE.values()]), help="Only these runs."
)
@click.option(
    "--limit", type=click.IntRange(min=0), default=20, show_default=True, help="0: all of them."
)
def command(status: str | None, limit: int, store: str | None, as_json: bool) -> int:
    """List all runs, the newest first.

    A run whose process died is `running` until somebody resumes it: the log alone cannot tell.
    """
    with opened(store) as log_store:
        fitting = (entry for entry in _entries(log_store) if status in {None, entry.status})
        found = list(islice(fitting, limit or None))
        is_cut = next(fitting, None) is not None
    if as_json:
        put_json({"runs": found, "is_complete": not is_cut})
        return 0
    if found:
        put_table([HEADS, *map(_cells, found)], status=1)
    else:
        say("no runs")
    if is_cut:
        say(f"only the newest {limit}; all of them: indelible list --limit 0")
    return 0


def _entries(store: IWorkflowStore) -> Iterator[Entry]:
    begun = [(started_at(store, name), name) for name in store.runs()]
    for _, name in sorted(begun, reverse=True):
        try:
            yield _summary(store, name)
        except (CorruptLogError, StoreError) as error:
            status = next(UNREADABLE[kind] for kind in type(error).__mro__ if kind in UNREADABLE)
            yield Unreadable(name, status, error.problem)


def _summary(store: IWorkflowStore, run_id: str) -> RunSummary:
    events = list(store.read(run_id))
    return summarise(events, definition=recorded_definition(store, events[0]))


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
