"""``indelible``: which verbs there are, and how each of them ends.

A verb is a module of this package, imported when it is typed; what ``--help`` says about it stands
here, so that a list of all verbs imports none.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TextIO

import click

from indelible.cli.exit_codes import table
from indelible.cli.help import Helpful, version_option

VERBS: Mapping[str, str] = {
    "run": "Start a run of a workflow and drive it to its end.",
    "resume": "Go on with a run where its log ends.",
    "approve": "Answer what a run asks, from any process.",
    "reject": "Answer what a run asks with a choice that fails the node.",
    "cancel": "End a run for good, from anywhere.",
    "fork": "Begin a new run with what another has done.",
    "list": "List all runs, the newest first.",
    "show": "Show one run: its nodes, errors, skips and outputs.",
    "explain": "Say why a node waits, was skipped, kept or executed again.",
    "diff": "Say where two runs part.",
    "events": "Print the log of a run, checked on the way.",
    "logs": "Print what a node printed.",
    "graph": "Draw the graph of a workflow or of a run.",
    "validate": "Say everything that is wrong with a workflow.",
    "verify": "Check that the log of a run is what was written.",
    "repair": "Accept a log that was copied without its head.",
    "export": "Write the log of a run as it is, one event a line.",
    "import": "Append an exported log to the store.",
    "copy": "Copy a run to another store.",
    "schema": "Print the JSON Schema of workflow files.",
    "completion": "Print the completion script of a shell.",
}

INTERRUPTED = 130
CLOSED_PIPE = 141
"""What a shell reports for a program that SIGPIPE ended; ours ends as quietly."""


def command_of(verb: str) -> click.Command:
    """What a verb does, imported now."""
    from importlib import import_module
    from keyword import iskeyword

    # No import statement can name a module like a word of the language.
    module = f"{verb}_" if iskeyword(verb) else verb
    found: click.Command = import_module(f"indelible.cli.{module}").command
    return found


class Verbs(Helpful, click.Group):
    """Finds a verb by its name, and imports nothing before that."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return command_of(cmd_name) if cmd_name in VERBS else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and args[0] not in VERBS:
            from indelible.definition.wording import did_you_mean

            hint = did_you_mean(args[0], VERBS, what="Commands")
            ctx.fail(f"there is no command {args[0]!r}. {hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(VERBS.items()))

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        formatter.write(table())
        formatter.write("\nBegin with: indelible run FILE.  More: indelible COMMAND --help\n")

    def invoke(self, ctx: click.Context) -> object:
        from indelible.cli import streams

        try:
            code = super().invoke(ctx)
            streams.flush()
        except BrokenPipeError:
            streams.abandon(sys.stdout)
            return CLOSED_PIPE
        return code


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@version_option
def cli() -> None:
    """Durable workflows: kill a run anywhere, it resumes from its log.

    Each command has --help with examples, --json and --store.  RUN is a run id, the beginning of
    one if it is unique, or `latest`.
    """


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what ``arguments`` (default: those of the process) ask for; the exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if None in {sys.stdin, sys.stdout, sys.stderr}:
        from indelible.cli.streams import open_missing

        open_missing()
    try:
        with _notes():
            code = cli.main(given, prog_name="indelible", standalone_mode=False)
    except (KeyboardInterrupt, click.Abort):
        return INTERRUPTED
    except Exception as error:
        from indelible.cli.failures import report

        return report(error, as_json="--json" in given, store=_store_in(given))
    return code if isinstance(code, int) else 0


def _store_in(arguments: Sequence[str]) -> str | None:
    """What ``--store`` says, for the hints of an error."""
    for place, argument in enumerate(arguments):
        if argument == "--store":
            return next(iter(arguments[place + 1 :]), None)
        if argument.startswith("--store="):
            return argument.removeprefix("--store=")
    return None


@contextmanager
def _notes() -> Iterator[None]:
    """Warnings that are meant for the user are one line on stderr, once each."""
    told: set[str] = set()

    def note(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        from indelible.cli.streams import say

        # A log is read more than once, from different lines, which Python counts as different.
        if str(message) not in told:
            told.add(str(message))
            say(f"note: {message}")

    with warnings.catch_warnings():
        warnings.simplefilter("default", UserWarning)
        warnings.showwarning = note
        yield
