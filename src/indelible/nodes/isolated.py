"""Python in a process of its own: what the driver sends, what the child answers.

Request and reply are two files without a name that the child inherits.  Prints can thus never mix
with results, no pipe can fill up, and a grandchild that holds one open keeps nobody waiting.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec
from msgspec import Raw

from indelible.definition.model import Body, ExecutorKind
from indelible.events import NodeError
from indelible.executors.attempt import Control
from indelible.executors.command import (
    MAX_STDOUT,
    Command,
    nameless_file,
    run_command,
    too_large,
)
from indelible.executors.failures import AttemptFailedError, failure
from indelible.executors.port import Attempt

CHILD = str(Path(__file__).with_name("child.py"))


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt, as the child needs to know it."""

    run_id: str
    node_id: str
    number: int
    idempotency_key: str
    folder: str
    body: Body
    arguments: Mapping[str, Raw]


class Reply(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Either ``error`` or an output."""

    output: Raw = Raw(b"null")
    error: NodeError | None = None


def needs_process(attempt: Attempt) -> bool:
    """Whether the fields of the node ask for a process, whatever it calls there."""
    # An environment and a working directory belong to a process; threads share the driver's.
    is_own = attempt.node.cwd is not None or bool(attempt.env)
    return attempt.node.executor is ExecutorKind.PROCESS or is_own


def run_isolated(attempt: Attempt, control: Control) -> bytes:
    """The output of the attempt's Python, which runs in a child.  Raises ``AttemptFailedError``."""
    # The import path goes ahead, for the child cannot import the rest before it has it.
    content = msgspec.json.encode(sys.path) + b"\n" + _request_of(attempt)
    with nameless_file(content) as request, nameless_file() as reply:
        fds = (request.fileno(), reply.fileno())
        # -P: the folder of child.py holds a python.py and must not be importable from.
        argv = [sys.executable, "-P", CHILD, *map(str, fds)]
        run_command(Command(argv=argv, fds=fds), attempt, control)
        if os.fstat(reply.fileno()).st_size > MAX_STDOUT:
            raise too_large()
        reply.seek(0)
        return _output_of(reply.read())


def _request_of(attempt: Attempt) -> bytes:
    return msgspec.json.encode(
        Request(
            run_id=attempt.run_id,
            node_id=attempt.node_id,
            number=attempt.number,
            idempotency_key=attempt.idempotency_key,
            folder=attempt.folder,
            body=attempt.body,
            arguments={name: Raw(raw) for name, raw in attempt.arguments.items()},
        )
    )


def _output_of(raw: bytes) -> bytes:
    if not raw:
        raise failure("OutputError", "the process ended with exit code 0 before it had a result")
    reply = msgspec.json.decode(raw, type=Reply)
    if reply.error is not None:
        raise AttemptFailedError(reply.error)
    return bytes(reply.output)
