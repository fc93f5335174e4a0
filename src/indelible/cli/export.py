"""``indelible export``: the log of a run as it is."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from indelible.cli.options import opened, run_argument, verb
from indelible.cli.run_ids import find_run
from indelible.cli.streams import put_json, say, to_stdout
from indelible.cli.text import counted, run_argument_of
from indelible.errors import NotFoundError, UsageError
from indelible.runtime.move import blobs_of, export_run
from indelible.stores.port import IWorkflowStore

EXAMPLES = """
indelible export latest > run.jsonl
indelible export nightly-1 nightly-1.jsonl
indelible export nightly-1 | ssh elsewhere indelible import -
"""


@verb("export", EXAMPLES)
@run_argument
@click.argument("file", metavar="[FILE|-]", default="-")
def command(run: str, file: str, store: str | None, as_json: bool) -> int:
    """Write the log of a run as it is, one event a line.

    To a new FILE, or to stdout.  Values over 64 KiB stand beside a log and are not in it; use copy
    for a run that has some.
    """
    if as_json and file == "-":
        raise UsageError(
            "the log itself goes to stdout, where --json would write too",
            hint="Leave out --json, each line is JSON; or name a FILE.",
        )
    with opened(store) as log_store:
        run_id = find_run(log_store, run)
        events = _write(log_store, run_id, file)
        beside = sum(1 for event in log_store.read(run_id) for _ in blobs_of(event))
    if beside:
        say(
            f"note: it names {counted(beside, 'value')} kept beside the log and not in it; "
            f"to move the run: indelible copy --to STORE {run_argument_of(run_id)}"
        )
    if as_json:
        put_json({"run_id": run_id, "events": events, "file": file, "values_beside": beside})
    elif file != "-":
        say(f"run {run_id}: {counted(events, 'event')} written to {file}")
    return 0


def _write(store: IWorkflowStore, run_id: str, file: str) -> int:
    if file == "-":
        with to_stdout():
            sys.stdout.flush()
            return export_run(store, run_id, sys.stdout.buffer)
    try:
        with open(file, "xb") as stream, _whole_or_gone(file):
            return export_run(store, run_id, stream)
    except FileExistsError:
        raise UsageError(f"{file} is there already", hint="Name a new file.") from None
    except FileNotFoundError:
        raise NotFoundError(f"{file}: its folder is not there") from None
    except OSError as error:
        raise UsageError(f"{file}: cannot be written: {os.strerror(error.errno or 0)}") from None


@contextmanager
def _whole_or_gone(file: str) -> Iterator[None]:
    """Half a log is refused everywhere; better that there is none."""
    try:
        yield
    except BaseException:
        os.unlink(file)
        raise
