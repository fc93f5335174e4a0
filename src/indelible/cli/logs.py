"""``indelible logs``: what a node printed, stdout and stderr as they came."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from indelible.cli.options import opened, run_argument, verb
from indelible.cli.run_ids import find_run
from indelible.cli.show import node_of
from indelible.cli.streams import put_bytes, put_json, say
from indelible.cli.text import counted, visible_bytes
from indelible.engine.state import NodeState
from indelible.engine.status import NodeStatus
from indelible.errors import NotFoundError
from indelible.executors.files import log_path
from indelible.runtime.log import Log, open_log
from indelible.stores import disk

EXAMPLES = """
indelible logs latest fetch
indelible logs nightly-1 fetch --attempt 1
indelible logs latest fetch --follow
"""

PATIENCE = 0.2
"""Seconds between two looks at a file that is followed."""

PIECE = 1024 * 1024


@verb("logs", EXAMPLES)
@run_argument
@click.argument("node")
@click.option("--follow", "-f", is_flag=True, help="Go on until the node has ended.")
@click.option(
    "--attempt", metavar="N", type=click.IntRange(min=1), help="Only that.  [default: the last]"
)
def command(
    run: str, node: str, follow: bool, attempt: int | None, store: str | None, as_json: bool
) -> int:
    """Print what a node printed.

    Of its last attempt, unless --attempt says otherwise; with --follow also of those to come.
    """
    with opened(store) as log_store:
        log = open_log(log_store, find_run(log_store, run))
        found = node_of(log.state, node)
        _refuse_unstarted(found, attempt, is_following=follow)
        pieces = followed(log, node, attempt) if follow else _pieces(_path(log, found, attempt), 0)
        if as_json:
            text = b"".join(pieces).decode(errors="replace")
            number = attempt or log.state.nodes[node].attempt
            put_json({"run_id": log.run_id, "node_id": node, "attempt": number, "log": text})
            return 0
        is_empty = True
        for piece in pieces:
            is_empty = False
            put_bytes(visible_bytes(piece) if sys.stdout.isatty() else piece)
    if is_empty:
        say(f"{node} printed nothing")
    return 0


def _refuse_unstarted(node: NodeState, attempt: int | None, *, is_following: bool) -> None:
    if attempt is not None and attempt > node.attempt and not is_following:
        raise NotFoundError(
            f"{node.id} has had {counted(node.attempt, 'attempt')}, not {attempt}",
            hint="Leave --attempt out to see the last.",
        )
    if not node.attempt and not is_following:
        raise NotFoundError(f"{node.id} has not started: it is {node.status.value}")


def _path(log: Log, node: NodeState, attempt: int | None) -> Path:
    return log_path(log.store.folder(log.run_id), node.id, attempt or node.attempt)


def _pieces(path: Path, offset: int) -> Iterator[bytes]:
    with disk.explain(path, "read"):
        try:
            fd = disk.open_private(path, os.O_RDONLY)
        except FileNotFoundError:
            return  # made with the first byte that is printed
        with os.fdopen(fd, "rb") as file:
            file.seek(offset)
            while piece := file.read(PIECE):
                yield piece


def followed(log: Log, name: str, attempt: int | None) -> Iterator[bytes]:
    """What is there and what comes, until the attempt, or without one the node, has ended."""
    number = attempt or max(1, log.state.nodes[name].attempt)
    offset = 0
    while True:
        # First the state, then the file: what was printed before the end is then not missed.
        node = log.state.nodes[name]
        is_over = _is_over(node, number)
        for piece in _pieces(_path(log, node, number), offset):
            offset += len(piece)
            yield piece
        if is_over and attempt is None and node.attempt > number:
            number, offset = number + 1, 0
        elif is_over and (attempt is not None or _has_ended(log, node)):
            return
        else:
            _look(log)


def _is_over(node: NodeState, number: int) -> bool:
    """Whether this attempt has ended."""
    is_running = node.status is NodeStatus.RUNNING
    return node.attempt > number or (node.attempt == number and not is_running)


def _has_ended(log: Log, node: NodeState) -> bool:
    """Whether no attempt comes any more, unless somebody resumes the run."""
    return node.is_ended or log.state.is_closed


def _look(log: Log) -> None:
    if log.store.wait(log.run_id, after=log.length, timeout=PATIENCE):
        log.reload()
