"""``indelible resume``: go on with a run."""

from __future__ import annotations

import sys

import click

from indelible.cli.options import opened, run_argument, verb
from indelible.cli.outcome import finish
from indelible.cli.progress import progress_to
from indelible.cli.run_ids import find_run
from indelible.runtime import drive
from indelible.runtime.config import default_store_url
from indelible.runtime.drive import Shell

EXAMPLES = """
indelible resume latest
indelible resume 0199f3
indelible resume nightly-1 --cancelled
"""


@verb("resume", EXAMPLES)
@run_argument
@click.option("--cancelled", is_flag=True, help="Also if the run was cancelled.")
@click.option("-q", "--quiet", is_flag=True, help="No progress, only how it ended.")
def command(run: str, cancelled: bool, quiet: bool, store: str | None, as_json: bool) -> int:
    """Go on with a run where its log ends.

    What completed keeps its output and does not run again; what was in flight runs again, and what
    failed is tried again.  A run that has completed is left as it is.
    """
    url = store or default_store_url()
    progress, watch, view = progress_to(sys.stderr, url, is_quiet=quiet)
    with opened(store) as log_store:
        run_id = find_run(log_store, run)
        with view:
            state = drive.resume(log_store, run_id, cancelled=cancelled, shell=Shell(watch=watch))
        return finish(log_store, state, progress, url=store, as_json=as_json)
