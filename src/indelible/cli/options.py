"""What all verbs share: --store, --json, -h, examples under the help, and how RUN completes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from indelible.cli.exit_codes import OF_VERB, table
from indelible.cli.help import Helpful
from indelible.runtime.config import (
    DEFAULT_STORE,
    STORE_VARIABLE,
    default_store_url,
    open_store,
)
from indelible.stores.port import IWorkflowStore

MOST_COMPLETED = 50
"""Run ids that a shell is offered."""


class Verb(Helpful, click.Command):
    """A command whose examples stay as they are written, with the codes it exits with."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        lines = (self.epilog or "").strip().splitlines()
        formatter.write("\nExamples:\n" + "".join(f"  {line}\n" for line in lines))
        formatter.write(table(OF_VERB[self.name or ""]))


def verb(name: str, examples: str) -> Callable[[Callable[..., int]], click.Command]:
    """Make a function a verb; it takes ``store`` (URL or None) and ``as_json``, gives a code."""

    def decorate(function: Callable[..., int]) -> click.Command:
        with_json = click.option(
            "--json", "as_json", is_flag=True, help="JSON on stdout, for programs."
        )(function)
        with_store = click.option(
            "--store",
            metavar="URL",
            envvar=STORE_VARIABLE,
            help="A directory, sqlite:///FILE or memory:  "
            f"[default: ${STORE_VARIABLE}, else {DEFAULT_STORE}]",
        )(with_json)
        settings = {"help_option_names": ["-h", "--help"]}
        make = click.command(name, cls=Verb, epilog=examples, context_settings=settings)
        command: click.Command = make(with_store)
        return command

    return decorate


def complete_runs(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """The ids that begin so, for a shell.  Never fails: a shell has nowhere to say why."""
    try:
        with opened(context.params.get("store")) as store:
            known = [*sorted(store.runs(), reverse=True), "latest"]
    except Exception:
        return []
    return [name for name in known if name.startswith(incomplete)][:MOST_COMPLETED]


run_argument = click.argument("run", metavar="RUN", shell_complete=complete_runs)


@contextmanager
def opened(url: str | None) -> Iterator[IWorkflowStore]:
    """The store behind ``url`` or, without one, the default; closed afterwards."""
    store = open_store(url)
    try:
        yield store
    finally:
        store.close()


def quoted(name: str) -> str:
    """A node id as it must be typed; a shell has a mind of its own about brackets."""
    from shlex import quote

    return quote(name)


def again(command: str, url: str | None) -> str:
    """``command`` as it must be typed to reach the same store."""
    if url is None or url == default_store_url():
        return command
    from shlex import quote

    # Behind `--`, which keeps a run id from being an option, there are no options.
    before, dashes, behind = command.partition(" -- ")
    return f"{before} --store {quote(url)}{dashes}{behind}"
