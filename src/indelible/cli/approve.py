"""``indelible approve``: answer what a run asks."""

from __future__ import annotations

import click

from indelible.cli.answering import answer as give_answer
from indelible.cli.answering import answer_options
from indelible.cli.options import run_argument, verb
from indelible.runtime.answers import approve

EXAMPLES = """
indelible approve latest gate
indelible approve nightly-1 gate --choice later --by ada
indelible approve nightly-1 'deploy[2]/gate' --answer '{"ok": true}'
"""


@verb("approve", EXAMPLES)
@run_argument
@click.argument("node")
@answer_options
def command(
    run: str,
    node: str,
    choice: str | None,
    answer: str | None,
    by: str,
    store: str | None,
    as_json: bool,
) -> int:
    """Answer what a run asks, from any process.

    Without --choice: the first that does not fail the node.  A process that drives the run goes on
    within a second; without one the next resume does.
    """
    return give_answer(
        approve, run, node, choice=choice, answer=answer, by=by, store=store, as_json=as_json
    )
