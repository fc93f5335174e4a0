"""``--help`` and ``--version``, written like all results: where stdout fails, that is told."""

from __future__ import annotations

import sys
from collections.abc import Callable

import click

from indelible.version import __version__


class Helpful(click.Command):
    """A command whose help goes the way of all results."""

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        option = super().get_help_option(ctx)
        if option is not None:
            option.callback = _show
        return option


def _shower(
    text: Callable[[click.Context], str],
) -> Callable[[click.Context, click.Parameter, bool], None]:
    """What an option does that only shows a text."""

    def show(ctx: click.Context, parameter: click.Parameter, is_wanted: bool) -> None:
        if not is_wanted or ctx.resilient_parsing:
            return
        _put(text(ctx))
        ctx.exit()

    return show


def _put(text: str) -> None:
    """``streams.put``, which would import more than a list of verbs needs."""
    encoding = sys.stdout.encoding or "utf-8"
    try:
        sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        from indelible.cli.streams import result_lost

        raise result_lost(error) from error


_show = _shower(lambda ctx: ctx.get_help())

version_option = click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_shower(lambda ctx: f"indelible {__version__}"),
    help="Show the version and exit.",
)
