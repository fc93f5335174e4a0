"""``indelible run``: from a file or a Python object to a run that has ended."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from functools import partial

import click

from indelible.cli.driving import Manner, drive_to_end
from indelible.cli.options import opened, verb
from indelible.cli.targets import Target, load_target
from indelible.definition.inputs import parse_assignments
from indelible.engine.state import RunState
from indelible.errors import Complaint, DefinitionError, NotFoundError, UsageError
from indelible.runtime import drive
from indelible.runtime.config import open_executor
from indelible.runtime.drive import Shell
from indelible.stores.port import IWorkflowStore
from indelible.values import Json, decode

EXAMPLES = """
indelible run hello.yaml
indelible run hello.yaml -i day=2026-11-23 -i limit=10
indelible run hello.yaml --input-file inputs.json --run-id nightly-1
indelible run etl.py:flow --store sqlite:///runs.db
indelible run release.yaml --no-wait     # exit code 5 when it waits for an answer
indelible run hello.yaml --json | jq .outputs
"""


@verb("run", EXAMPLES)
@click.argument("target", metavar="FILE|MODULE:FLOW")
@click.option(
    "-i",
    "--input",
    "assignments",
    metavar="NAME=VALUE",
    multiple=True,
    help="An input; JSON, unless it is declared as a string.  Wins over --input-file.",
)
@click.option("--input-file", metavar="FILE", help="Inputs: a JSON or YAML object; - is stdin.")
@click.option("--run-id", metavar="ID", help="An id of your own.  [default: a time-ordered one]")
@click.option(
    "--max-parallel",
    metavar="N",
    type=click.IntRange(min=0),
    help="Attempts at a time; 0: no limit.  [default: what the workflow says]",
)
@click.option(
    "--executor",
    type=click.Choice(["local", "inline"]),
    default="local",
    show_default=True,
    help="inline: one node after the other in this thread, for debugging.",
)
@click.option("--no-wait", is_flag=True, help="Exit with 5 when only waiting is left.")
@click.option("-q", "--quiet", is_flag=True, help="No progress, only how it ended.")
def command(
    target: str,
    assignments: tuple[str, ...],
    input_file: str | None,
    run_id: str | None,
    max_parallel: int | None,
    executor: str,
    no_wait: bool,
    quiet: bool,
    store: str | None,
    as_json: bool,
) -> int:
    """Start a run of a workflow and drive it to its end.

    FILE is a workflow file; MODULE:FLOW, or etl.py:flow, a workflow made in Python.  What the
    workflow declares as outputs goes to stdout as JSON, everything else to stderr.  Ctrl-C stops
    the run so that it can be resumed.  On a terminal it asks what it needs an answer to.
    """
    found = load_target(target, max_parallel=max_parallel)
    declared = found.definition.inputs
    inputs = {**_inputs_in(input_file), **parse_assignments(declared, assignments)}
    make = partial(open_executor, is_inline=executor == "inline")
    shell = Shell(functions=found.functions, executor=make)
    manner = Manner(url=store, waits=not no_wait, is_quiet=quiet, as_json=as_json)
    with opened(store) as log_store:
        begin = partial(_begin, log_store, found, inputs, run_id)
        return drive_to_end(log_store, begin, shell, manner)


def _begin(
    store: IWorkflowStore,
    target: Target,
    inputs: Mapping[str, Json],
    run_id: str | None,
    shell: Shell,
) -> RunState:
    return drive.start(
        store, target.definition, inputs, run_id=run_id, source=target.source, shell=shell
    )


def _inputs_in(file: str | None) -> Mapping[str, Json]:
    if file is None:
        return {}
    data = _data(_content(file), file)
    if not isinstance(data, dict):
        raise UsageError(
            f"{file} does not hold inputs", hint='It must be an object: {"name": "value"}'
        )
    return data


def _content(file: str) -> bytes:
    if file == "-":
        return sys.stdin.buffer.read()
    try:
        with open(file, "rb") as stream:
            return stream.read()
    except FileNotFoundError:
        raise NotFoundError(f"{file}: there is no such file") from None
    except OSError as error:
        raise UsageError(f"{file}: cannot be read: {os.strerror(error.errno or 0)}") from None


def _data(content: bytes, file: str) -> Json:
    """JSON if it looks like it, since that may be of any size and depth; else YAML."""
    if content.lstrip()[:1] in {b"{", b"["}:
        try:
            return decode(content)
        except ValueError as error:
            if file.endswith(".json"):
                complaint = Complaint(message=f"not JSON: {error}", file=file)
                raise DefinitionError([complaint]) from None
    from indelible.definition.yaml_source import read_yaml

    source, complaints = read_yaml(content, file)
    if complaints:
        raise DefinitionError(complaints)
    return source.data
