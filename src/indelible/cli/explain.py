"""``indelible explain``: why a node is where it is."""

from __future__ import annotations

import click

from indelible.cli.options import opened, run_argument, verb
from indelible.cli.run_ids import find_run
from indelible.cli.standing import with_driver
from indelible.cli.streams import put, put_json
from indelible.cli.text import visible
from indelible.projections.explain import explain
from indelible.projections.standing import standing_of
from indelible.runtime.log import open_log

EXAMPLES = """
indelible explain latest
indelible explain nightly-1 load
indelible explain nightly-1 'deploy[2]/build' --json | jq .nodes[0].causes
"""


@verb("explain", EXAMPLES)
@run_argument
@click.argument("node", required=False)
def command(run: str, node: str | None, store: str | None, as_json: bool) -> int:
    """Say why a node waits, was skipped, kept or executed again.

    It names what is upstream, and the nodes that it all goes back to.  Without NODE: every node.
    """
    with opened(store) as log_store:
        run_id = find_run(log_store, run)
        log, driver = with_driver(log_store, run_id, lambda: open_log(log_store, run_id))
    state = log.state
    found = explain(state, node)
    if as_json:
        status = standing_of(state, has_driver=bool(driver)).value
        put_json({"run_id": state.run_id, "status": status, "nodes": found})
    else:
        for each in found:
            put(visible(str(each)))
    return 0
