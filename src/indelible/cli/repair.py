"""``indelible repair``: accept a log whose head is gone."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import click

from indelible.cli.options import opened, run_argument, verb
from indelible.cli.streams import put, put_json
from indelible.cli.text import counted
from indelible.errors import UsageError

EXAMPLES = """
indelible repair nightly-1 --rebuild-head
indelible repair nightly-1 --rebuild-head --store sqlite:///runs.db
"""


@runtime_checkable
class HasHead(Protocol):
    """A store that keeps heads beside its logs."""

    def rebuild_head(self, run_id: str) -> int: ...


@verb("repair", EXAMPLES)
@run_argument
@click.option("--rebuild-head", is_flag=True, help="Make a new head, after checking the chain.")
def command(run: str, rebuild_head: bool, store: str | None, as_json: bool) -> int:
    """Accept a log that was copied without its head.

    Without its head nobody can tell whether the end of a log is missing: do this only with a copy
    that is known to be whole.  The chain is checked first; nothing else is ever repaired.
    """
    with opened(store) as found:
        if not rebuild_head:
            raise UsageError("say what to repair", hint="There is one repair: --rebuild-head")
        if not isinstance(found, HasHead):
            raise UsageError("this store keeps no heads")
        events = found.rebuild_head(run)
    if as_json:
        put_json({"run_id": run, "events": events})
    else:
        put(f"run {run}: the chain holds; a new head vouches for {counted(events, 'event')}")
    return 0
