"""``indelible resume``: go on with a run."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import click

from indelible.cli.driving import Manner, drive_to_end
from indelible.cli.options import complete_runs, opened, verb
from indelible.cli.run_ids import find_run
from indelible.cli.streams import say
from indelible.cli.text import visible
from indelible.definition.model import Definition
from indelible.engine.state import RunState
from indelible.errors import UsageError
from indelible.runtime import drive
from indelible.runtime.config import Function
from indelible.runtime.drive import Shell
from indelible.stores.port import IWorkflowStore

EXAMPLES = """
indelible resume latest
indelible resume 0199f3 --no-wait
indelible resume nightly-1 --from load
indelible resume nightly-1 --definition fixed.yaml
indelible resume --due                  # for cron
"""


@verb("resume", EXAMPLES)
@click.argument("run", metavar="[RUN]", required=False, shell_complete=complete_runs)
@click.option("--cancelled", is_flag=True, help="Also if the run was cancelled.")
@click.option(
    "--from",
    "from_nodes",
    metavar="NODE",
    multiple=True,
    help="Begin this node and all behind it anew, also if they completed; may be repeated.",
)
@click.option("--definition", "file", metavar="FILE", help="Go on with this workflow instead.")
@click.option("--due", is_flag=True, help="Every run whose moment or answer has come; no RUN.")
@click.option("--no-wait", is_flag=True, help="Exit with 5 when only waiting is left.")
@click.option("-q", "--quiet", is_flag=True, help="No progress, only how it ended.")
def command(
    run: str | None,
    cancelled: bool,
    from_nodes: tuple[str, ...],
    file: str | None,
    due: bool,
    no_wait: bool,
    quiet: bool,
    store: str | None,
    as_json: bool,
) -> int:
    """Go on with a run where its log ends.

    What completed keeps its output and does not run again; what was in flight runs again, and what
    failed is tried again.  A run that has completed is left as it is, unless --from or --definition
    says what is to be done.
    """
    _check_usage(run, is_due=due, is_narrowed=bool(cancelled or from_nodes or file))
    if run is None:
        from indelible.cli.due import resume_all

        return resume_all(store, as_json=as_json)
    manner = Manner(url=store, waits=not no_wait, is_quiet=quiet, as_json=as_json)
    with opened(store) as log_store:
        run_id = find_run(log_store, run)
        definition, functions = _definition(log_store, run_id, file)
        begin = partial(_begin, log_store, run_id, cancelled, from_nodes, definition)
        return drive_to_end(log_store, begin, Shell(functions=functions), manner)


def _begin(
    store: IWorkflowStore,
    run_id: str,
    cancelled: bool,
    from_nodes: Sequence[str],
    definition: Definition | None,
    shell: Shell,
) -> RunState:
    return drive.resume(
        store,
        run_id,
        cancelled=cancelled,
        from_nodes=from_nodes,
        definition=definition,
        shell=shell,
    )


def _check_usage(run: str | None, *, is_due: bool, is_narrowed: bool) -> None:
    if (run is None) is not is_due:
        raise UsageError("resume needs a RUN or --due, and not both")
    if is_due and is_narrowed:
        raise UsageError("--cancelled, --from and --definition belong to one run, not to --due")


def _definition(
    store: IWorkflowStore, run_id: str, file: str | None
) -> tuple[Definition | None, dict[str, Function]]:
    """The workflow in ``file``; what it changes is told before anything is done."""
    if file is None:
        return None, {}
    from indelible.cli.targets import load_target
    from indelible.runtime.definition_diff import node_diff
    from indelible.runtime.log import open_log

    target = load_target(file)
    old = {node.id: node for node in open_log(store, run_id).plan.definition.nodes}
    new = {node.id: node for node in target.definition.nodes}
    for name in {**old, **new}:
        for line in (
            node_diff(old.get(name), new.get(name)) if old.get(name) != new.get(name) else ()
        ):
            say(f"  {visible(name)}: {visible(line)}")
    return target.definition, {**target.functions}
