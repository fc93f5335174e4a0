"""``indelible reject``: answer what a run asks so that the node fails."""

from __future__ import annotations

import click

from indelible.cli.answering import answer as give_answer
from indelible.cli.answering import answer_options
from indelible.cli.options import run_argument, verb
from indelible.runtime.answers import reject

EXAMPLES = """
indelible reject latest gate
indelible reject nightly-1 gate --answer '"not on a Friday"'
"""


@verb("reject", EXAMPLES)
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
    """Answer what a run asks with a choice that fails the node.

    Without --choice: the first that does.  It is not retried; what follows from it is up to the
    trigger rules.
    """
    return give_answer(
        reject, run, node, choice=choice, answer=answer, by=by, store=store, as_json=as_json
    )
