"""The questions of a run, asked on the terminal of whoever drives it."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from indelible.cli.streams import say
from indelible.cli.text import visible
from indelible.definition.model import Approval
from indelible.errors import Awaited, UsageError, WaitingError
from indelible.runtime.answers import approve
from indelible.runtime.log import open_log
from indelible.stores.port import IWorkflowStore
from indelible.values import Json, decode

LONGEST_WAIT = 60.0
"""Seconds of one wait for a moment, after which the run is looked at again."""


def ask(store: IWorkflowStore, waiting: WaitingError) -> None:
    """Ask the first question; without one, wait for the first moment or for what others write.

    Whether it was answered here or by somebody else meanwhile, the run can be looked at again.
    """
    question = next((each for each in waiting.awaited if each.until is None), None)
    if question is not None:
        _put(store, waiting.run_id, question)
        return
    length = open_log(store, waiting.run_id).length
    first = min((each.until for each in waiting.awaited if each.until), default=None)
    left = LONGEST_WAIT if first is None else (first - datetime.now(UTC)).total_seconds()
    if left > 0:
        store.wait(waiting.run_id, after=length, timeout=min(left, LONGEST_WAIT))


def _put(store: IWorkflowStore, run_id: str, question: Awaited) -> None:
    choice = click.prompt(
        f"{question.node_id}: {visible(question.message)}",
        type=click.Choice(question.choices),
        err=True,
    )
    try:
        approve(
            store, run_id, question.node_id, choice=choice, answer=_answer(store, run_id, question)
        )
    except UsageError as error:
        # A wrong answer is asked for again, and one that came from elsewhere is taken.
        say(f"{error.problem}\n{error.hint}".rstrip())


def _answer(store: IWorkflowStore, run_id: str, question: Awaited) -> Json:
    """JSON beside the choice, where the approval has a schema for it."""
    body = open_log(store, run_id).state.nodes[question.node_id].node.body
    if not isinstance(body, Approval) or body.answer_schema is None:
        return None
    return parsed_answer(click.prompt("answer (JSON)", err=True))


def parsed_answer(text: str | None) -> Json:
    """The JSON in ``text``; None for none.  Raises ``UsageError``."""
    if text is None:
        return None
    try:
        return decode(text.encode())
    except ValueError as error:
        raise UsageError(
            f"the answer is not JSON: {error}", hint="""A text needs its quotes: '"like this"'"""
        ) from None
