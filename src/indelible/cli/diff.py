"""``indelible diff``: where two runs part."""

from __future__ import annotations

import click

from indelible.cli.options import complete_runs, opened, verb
from indelible.cli.run_ids import find_run
from indelible.cli.streams import put, put_json
from indelible.cli.text import visible
from indelible.projections.diff import diff
from indelible.runtime.log import open_log

EXAMPLES = """
indelible diff nightly-1 nightly-2
indelible diff nightly-1 latest --json | jq .differences[0]
"""


@verb("diff", EXAMPLES)
@click.argument("left", metavar="RUN", shell_complete=complete_runs)
@click.argument("right", metavar="RUN", shell_complete=complete_runs)
def command(left: str, right: str, store: str | None, as_json: bool) -> int:
    """Say where two runs part.

    Their definitions, inputs, and node by node how they ended and with what output.  That they
    differ is no failure: the exit code is 0.
    """
    with opened(store) as log_store:
        names = [find_run(log_store, text) for text in (left, right)]
        first, second = (open_log(log_store, name).state for name in names)
    found = diff(first, second)
    if as_json:
        put_json(found)
    else:
        put(visible(str(found)))
    return 0
