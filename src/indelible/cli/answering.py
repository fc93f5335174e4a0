"""What ``approve`` and ``reject`` share: their options, and what they say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from indelible.cli.asking import parsed_answer
from indelible.cli.options import again, opened
from indelible.cli.run_ids import find_run
from indelible.cli.streams import put, put_json, say
from indelible.cli.text import run_argument_of, visible
from indelible.engine.state import RunState

Give = Callable[..., RunState]
"""``approve`` or ``reject`` of ``runtime/answers.py``."""


def answer_options(function: Callable[..., int]) -> Callable[..., int]:
    """--choice, --answer and --by, as ``choice``, ``answer`` and ``by``."""
    decorators: tuple[Callable[[Any], Any], ...] = (
        click.option("--by", default="", metavar="NAME", help="Who answers.  [default: you]"),
        click.option("--answer", metavar="JSON", help="What is said beside the choice."),
        click.option(
            "--choice", metavar="CHOICE", help="Which answer.  [default: the first of its kind]"
        ),
    )
    for decorate in decorators:
        function = decorate(function)
    return function


def answer(
    give: Give,
    run: str,
    node: str,
    *,
    choice: str | None,
    answer: str | None,
    by: str,
    store: str | None,
    as_json: bool,
) -> int:
    """Give the answer, and say what came of it."""
    said = parsed_answer(answer)
    with opened(store) as log_store:
        run_id = find_run(log_store, run)
        state = give(log_store, run_id, node, choice=choice, answer=said, by=by)
    status = state.nodes[node].status.value
    if as_json:
        put_json({"run_id": run_id, "node_id": node, "status": status})
    else:
        put(f"run {run_id}: {visible(node)} is answered, and is {status}")
        drive = again(f"indelible resume {run_argument_of(run_id)}", store)
        say(f"Unless somebody drives it: {drive}")
    return 0
