"""``indelible import``: a log that was exported, into a store."""

from __future__ import annotations

import os
import sys

import click

from indelible.cli.options import opened, verb
from indelible.cli.streams import put, put_json
from indelible.errors import NotFoundError, UsageError
from indelible.runtime.move import import_run
from indelible.stores.port import IWorkflowStore

EXAMPLES = """
indelible import run.jsonl
indelible import run.jsonl --store sqlite:///runs.db
indelible import - < run.jsonl
"""


@verb("import", EXAMPLES)
@click.argument("file", metavar="FILE|-")
def command(file: str, store: str | None, as_json: bool) -> int:
    """Append an exported log to the store.

    All of it is checked first, line by line, its chain and the legal order; if anything is wrong,
    or the store has the run already, nothing is written.
    """
    with opened(store) as log_store:
        run_id = _imported(log_store, file)
    if as_json:
        put_json({"run_id": run_id})
    else:
        put(f"run {run_id} is imported")
    return 0


def _imported(store: IWorkflowStore, file: str) -> str:
    if file == "-":
        return import_run(store, sys.stdin.buffer.read(), place="stdin")
    return import_run(store, _content(file), place=file)


def _content(file: str) -> bytes:
    try:
        with open(file, "rb") as stream:
            return stream.read()
    except FileNotFoundError:
        raise NotFoundError(f"{file}: there is no such file") from None
    except OSError as error:
        raise UsageError(f"{file}: cannot be read: {os.strerror(error.errno or 0)}") from None
