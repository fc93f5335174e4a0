"""The child's side of ``isolated``: run what was asked for, and answer once."""

from __future__ import annotations

import os
import sys
from io import TextIOWrapper
from signal import SIGTERM, signal
from types import ModuleType
from typing import NoReturn

import msgspec
from msgspec import Raw

from indelible import values
from indelible.definition.model import Plugged, Python, Script
from indelible.events import NodeError
from indelible.executors.attempt import Context, Control, Work, entered
from indelible.executors.failures import error_of
from indelible.nodes.edge import Edge, output_of
from indelible.nodes.isolated import Reply, Request
from indelible.nodes.python import load_function

TERMINATED = NodeError(type="ExitCode", message="stopped by SIGTERM", exit_code=128 + SIGTERM)


def answer(raw: bytes, reply_fd: int) -> None:
    """Run the request; whatever comes of it is written to ``reply_fd`` as one ``Reply``."""
    os.set_inheritable(reply_fd, False)
    request = msgspec.json.decode(raw, type=Request)
    control = Control(_Streams())
    _prepare(request, control)
    reply = _run(request, control)
    with open(reply_fd, "wb") as answered:
        answered.write(msgspec.json.encode(reply))


def _prepare(request: Request, control: Control) -> None:
    """Make the process look as its node expects it."""
    sys.argv = [request.node_id]
    if request.folder and request.folder not in sys.path:
        sys.path.insert(0, request.folder)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # so that the log shows a line when it is printed
            stream.reconfigure(line_buffering=True, errors="backslashreplace")

    def stop(_signal: int, _frame: object) -> NoReturn:
        control.cancel(TERMINATED)
        raise SystemExit(TERMINATED.exit_code)  # so that `finally` blocks run

    signal(SIGTERM, stop)


def _run(request: Request, control: Control) -> Reply:
    context = Context(
        request.run_id, request.node_id, request.number, request.idempotency_key, control
    )
    try:
        with entered(context):
            return Reply(output=Raw(_output_of(request)))
    except BaseException as error:  # also SystemExit: it is the node's own
        return Reply(error=control.error or error_of(error))


def _output_of(request: Request) -> bytes:
    arguments = {name: bytes(raw) for name, raw in request.arguments.items()}
    match request.body:
        case Script(source):
            return _run_script(request.node_id, source, arguments)
        case Python():
            edge = Edge(load_function(request.body, request.folder))
            return _finished(edge.call(request.node_id, arguments))
        case Plugged() as body:
            from indelible.nodes.plugged import load

            return _finished(load(body).call(request.node_id, body, arguments))
        case _:
            raise TypeError(f"{type(request.body).__name__} bodies are no Python")


def _finished(work: Work) -> bytes:
    if isinstance(work, bytes):
        return work
    import asyncio

    return asyncio.run(work)


def _run_script(node_id: str, source: str, arguments: dict[str, bytes]) -> bytes:
    """Run ``source`` as ``__main__``; ``sys.exit()`` without an error ends it as its end would."""
    module = ModuleType("__main__")
    module.__dict__.update({name: values.decode(raw) for name, raw in arguments.items()})
    sys.modules["__main__"] = module
    name = f"<script of node {node_id}>"
    try:
        exec(compile(source, name, "exec"), module.__dict__)  # noqa: S102  the author's own code
    except SystemExit as stopped:
        if stopped.code:
            raise
    except BaseException:
        import linecache

        # So that a traceback shows the lines of a source that is in no file.
        linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
        raise
    return output_of(node_id, module.__dict__.get("output"))


class _Streams:
    """The process's own stdout and stderr, which the driver reads."""

    def write(self, data: bytes, stream: str = "stdout") -> bytes:
        os.write(2 if stream == "stderr" else 1, data)
        return data

    def flush(self, stream: str) -> bytes:
        return b""

    def close(self) -> None:
        """They end with the process."""
