"""``indelible cancel``: end a run for good."""

from __future__ import annotations

import click

from indelible.cli.options import opened, run_argument, verb
from indelible.cli.outcome import document
from indelible.cli.run_ids import find_run
from indelible.cli.streams import put, put_json
from indelible.runtime import drive

EXAMPLES = """
indelible cancel latest
indelible cancel nightly-1 --reason "wrong day"
"""


@verb("cancel", EXAMPLES)
@run_argument
@click.option("--reason", default="", help="Why; it is kept in the log.")
def command(run: str, reason: str, store: str | None, as_json: bool) -> int:
    """End a run for good, from anywhere.

    A process that drives it stops its nodes within a second.  A run that is cancelled already
    stays as it is; one that has ended cannot be cancelled.
    """
    with opened(store) as log_store:
        state = drive.cancel(log_store, find_run(log_store, run), reason=reason)
    if as_json:
        put_json(document(state))
    else:
        put(f"run {state.run_id} is cancelled")
    return 0
