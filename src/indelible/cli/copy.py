"""``indelible copy``: a run into another store."""

from __future__ import annotations

import click

from indelible.cli.options import opened, run_argument, verb
from indelible.cli.run_ids import find_run
from indelible.cli.streams import put, put_json
from indelible.cli.text import counted
from indelible.runtime.move import copy_run

EXAMPLES = """
indelible copy latest --to sqlite:///runs.db
indelible copy nightly-1 --store sqlite:///runs.db --to .indelible
"""


@verb("copy", EXAMPLES)
@run_argument
@click.option("--to", "target", metavar="STORE", required=True, help="The URL of the other store.")
def command(run: str, target: str, store: str | None, as_json: bool) -> int:
    """Copy a run to another store.

    The log byte for byte, after checking it, and the values beside it; what the nodes printed stays
    behind.  The run is not changed, and refused if the other store has it.
    """
    with opened(store) as source, opened(target) as other:
        run_id = find_run(source, run)
        events = copy_run(source, other, run_id)
    if as_json:
        put_json({"run_id": run_id, "events": events, "to": target})
    else:
        put(f"run {run_id}: {counted(events, 'event')} copied to {target}")
    return 0
