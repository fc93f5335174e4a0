"""``indelible validate``: every complaint about a workflow at once."""

from __future__ import annotations

import click

from indelible.cli.options import verb
from indelible.cli.streams import put, put_json
from indelible.cli.targets import load_target
from indelible.cli.text import counted

EXAMPLES = """
indelible validate hello.yaml
indelible validate etl.py:flow --json
"""


@verb("validate", EXAMPLES)
@click.argument("target", metavar="FILE|MODULE:FLOW")
def command(target: str, store: str | None, as_json: bool) -> int:
    """Say everything that is wrong with a workflow.

    Nothing is run.  Exit code 3 if anything is wrong; then every complaint is on stderr, with file,
    line and column.
    """
    definition = load_target(target).definition
    count = len(definition.nodes)
    if as_json:
        put_json({"valid": True, "workflow": definition.name, "nodes": count})
    else:
        put(f"ok: {counted(count, 'node')}")
    return 0
