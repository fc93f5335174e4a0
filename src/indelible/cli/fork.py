"""``indelible fork``: a new run that begins with what another has done."""

from __future__ import annotations

from functools import partial

import click

from indelible.cli.driving import Manner, drive_to_end, go_on
from indelible.cli.options import again, opened, run_argument, verb
from indelible.cli.run_ids import find_run
from indelible.cli.streams import put, put_json, say
from indelible.cli.text import run_argument_of
from indelible.definition.inputs import parse_assignments
from indelible.runtime.drive import Shell
from indelible.runtime.fork import fork
from indelible.runtime.log import open_log
from indelible.stores.port import IWorkflowStore
from indelible.values import Json

EXAMPLES = """
indelible fork nightly-1 --from load
indelible fork nightly-1 --at 12 --run-id nightly-1b
indelible fork nightly-1 -i day=2026-11-24 --no-run
"""


@verb("fork", EXAMPLES)
@run_argument
@click.option("--at", type=int, metavar="SEQUENCE", help="Only what the log said up to there.")
@click.option("--from", "from_node", metavar="NODE", help="Without NODE and all behind it.")
@click.option(
    "-i",
    "--input",
    "assignments",
    metavar="NAME=VALUE",
    multiple=True,
    help="An input to change; alone it keeps no outcome, with --at or --from those they keep.",
)
@click.option("--run-id", metavar="ID", help="An id of your own.  [default: a time-ordered one]")
@click.option("--no-run", is_flag=True, help="Only make it; resume drives it.")
@click.option("--no-wait", is_flag=True, help="Exit with 5 when only waiting is left.")
@click.option("-q", "--quiet", is_flag=True, help="No progress, only how it ended.")
def command(
    run: str,
    at: int | None,
    from_node: str | None,
    assignments: tuple[str, ...],
    run_id: str | None,
    no_run: bool,
    no_wait: bool,
    quiet: bool,
    store: str | None,
    as_json: bool,
) -> int:
    """Begin a new run with what another has done.

    Kept is what a resume would keep: what failed, was in flight or waits begins anew.  The new
    run is driven to its end, unless --no-run; the other is not touched.
    """
    with opened(store) as log_store:
        parent = find_run(log_store, run)
        new = fork(
            log_store,
            parent,
            at=at,
            from_node=from_node,
            inputs=_changes(log_store, parent, assignments),
            run_id_of_fork=run_id,
        )
        if no_run:
            return _say(new, parent, store, as_json=as_json)
        say(f"run {new} is a fork of {parent}")
        manner = Manner(url=store, waits=not no_wait, is_quiet=quiet, as_json=as_json)
        return drive_to_end(log_store, partial(go_on, log_store, new), Shell(), manner)


def _changes(
    store: IWorkflowStore, parent: str, assignments: tuple[str, ...]
) -> dict[str, Json] | None:
    if not assignments:
        return None
    declared = open_log(store, parent).plan.definition.inputs
    return {**parse_assignments(declared, assignments)}


def _say(new: str, parent: str, url: str | None, *, as_json: bool) -> int:
    if as_json:
        put_json({"run_id": new, "forked_from": parent})
    else:
        put(new)
        drive = again(f"indelible resume {run_argument_of(new)}", url)
        say(f"It is a fork of {parent}.  Drive it: {drive}")
    return 0
