"""A drive in the foreground: progress while it goes on, questions on a terminal, how it ended."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial

import msgspec

from indelible.cli.outcome import finish
from indelible.cli.progress import progress_to
from indelible.cli.streams import results_apart, say
from indelible.engine.state import RunState
from indelible.errors import InterruptedRunError, WaitingError
from indelible.runtime import drive
from indelible.runtime.config import default_store_url
from indelible.runtime.drive import Shell
from indelible.stores.port import IWorkflowStore

Begin = Callable[[Shell], RunState]
"""Drives a run with the shell it is given, until it is closed or only waiting is left."""


class Manner(msgspec.Struct, frozen=True, kw_only=True):
    """How a drive is shown.  ``url`` is the store as it was given; one that does not wait gives up
    when only waiting is left."""

    url: str | None
    waits: bool = True
    is_quiet: bool = False
    as_json: bool = False


def drive_to_end(store: IWorkflowStore, begin: Begin, shell: Shell, manner: Manner) -> int:
    """Drive, and say how it ended; the exit code.

    On a terminal what waits for an answer is asked for.  Raises ``WaitingError`` in a manner that
    does not wait, ``InterruptedRunError`` for Ctrl-C at a question, and what ``begin`` raises.
    """
    is_asking = manner.waits and _can_ask()
    shell = msgspec.structs.replace(shell, waits=manner.waits and not is_asking)
    while True:
        url = manner.url or default_store_url()
        progress, watch, view = progress_to(sys.stderr, url, is_quiet=manner.is_quiet)
        try:
            with view, results_apart():
                state = begin(msgspec.structs.replace(shell, watch=watch))
        except WaitingError as waiting:
            if not is_asking:
                raise
            _ask(store, waiting)
            begin = partial(go_on, store, waiting.run_id)
            continue
        return finish(store, state, progress, url=manner.url, as_json=manner.as_json)


def _ask(store: IWorkflowStore, waiting: WaitingError) -> None:
    """Raises ``InterruptedRunError`` if instead of an answer comes Ctrl-C, or the input ends."""
    import click

    from indelible.cli.asking import ask

    try:
        ask(store, waiting)
    except (KeyboardInterrupt, click.Abort):
        say("")  # behind the question
        raise InterruptedRunError(waiting.run_id) from None


def go_on(store: IWorkflowStore, run_id: str, shell: Shell) -> RunState:
    """Resume it; a ``Begin`` but for the first two."""
    return drive.resume(store, run_id, shell=shell)


def _can_ask() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()
