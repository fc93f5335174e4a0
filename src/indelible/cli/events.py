"""``indelible events``: the log itself, verified while it is read."""

from __future__ import annotations

import click

from indelible.cli.options import opened, run_argument, verb
from indelible.cli.run_ids import find_run
from indelible.cli.streams import flush, put, put_line
from indelible.cli.text import one_line
from indelible.events import EVENT_TYPES, Sealed
from indelible.projections.glimpse import glimpse
from indelible.projections.reasons import explained
from indelible.stores.codec import line_of, open_event
from indelible.stores.port import IWorkflowStore

EXAMPLES = """
indelible events latest
indelible events nightly-1 --type node_failed
indelible events nightly-1 --follow
indelible events latest --json | jq .payload.node_id
"""

PATIENCE = 1.0
"""Seconds of one wait while following; a signal is noticed at once."""


@verb("events", EXAMPLES)
@run_argument
@click.option("--follow", "-f", is_flag=True, help="Go on until the run is closed.")
@click.option(
    "--type", "types", multiple=True, type=click.Choice([*EVENT_TYPES]), help="Only these."
)
def command(
    run: str, follow: bool, types: tuple[str, ...], store: str | None, as_json: bool
) -> int:
    """Print the log of a run, checked on the way.

    With --json each line is the event exactly as it is stored.
    """
    with opened(store) as log_store:
        run_id = find_run(log_store, run)
        last = _print(log_store, run_id, 0, types, as_json=as_json)
        while follow and last is not None and not last.is_terminal:
            log_store.wait(run_id, after=last.sequence, timeout=PATIENCE)
            last = _print(log_store, run_id, last.sequence, types, as_json=as_json) or last
    return 0


def _print(
    store: IWorkflowStore, run_id: str, after: int, types: tuple[str, ...], *, as_json: bool
) -> Sealed | None:
    last = None
    for last in store.read(run_id, after=after):
        if types and last.event_type not in types:
            continue
        if as_json:
            put_line(line_of(last))
        else:
            put(_line(last))
    flush()
    return last


def _line(event: Sealed) -> str:
    node = glimpse(event).node_id
    said = one_line(" ".join(filter(None, [node, explained(open_event(event))])))
    clock = f"{event.at.astimezone():%H:%M:%S.%f}"[:-3]
    return f"{event.sequence:>5}  {clock}  {event.event_type:<18}  {said}".rstrip()
