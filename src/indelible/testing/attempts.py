"""Attempts for tests: made in one line, submitted, awaited."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from indelible import values
from indelible.definition.model import Body, ExecutorKind, Node, OutputFormat
from indelible.executors.port import Attempt, Executor, Outcome
from indelible.values import Json

PATIENCE = 60.0
"""Seconds after which a test gives up on something that should have happened long ago."""


def a_node(
    body: Body,
    *,
    id: str = "node",
    timeout: float | None = None,
    grace: float = 5.0,
    cwd: Path | None = None,
    output: OutputFormat | None = None,
    executor: ExecutorKind | None = None,
    output_schema: Json = None,
) -> Node:
    """A node with ``body``.  Times are in seconds."""
    return Node(
        id=id,
        body=body,
        timeout=None if timeout is None else timedelta(seconds=timeout),
        grace=timedelta(seconds=grace),
        cwd=None if cwd is None else str(cwd),
        output=output,
        executor=executor,
        output_schema=output_schema,
    )


def an_attempt(
    body: Body,
    folder: Path,
    *,
    number: int = 1,
    arguments: Mapping[str, object] | None = None,
    env: Mapping[str, str] | None = None,
    **fields: Any,
) -> Attempt:
    """An attempt of ``a_node(body, **fields)``; ``folder`` is the workflow's and has the log."""
    node = a_node(body, **fields)
    return Attempt(
        run_id="run",
        node=node,
        number=number,
        idempotency_key=f"run/{node.id}/0",
        files=folder / "logs",
        folder=str(folder),
        arguments={name: values.encode(value) for name, value in (arguments or {}).items()},
        env=env or {},
    )


def outcomes_of(executor: Executor, attempts: Sequence[Attempt]) -> dict[str, Outcome]:
    """Submit ``attempts`` and wait for the outcome of each; by node id."""
    executor.submit(attempts)
    return awaited(executor, len(attempts))


def awaited(executor: Executor, count: int = 1) -> dict[str, Outcome]:
    """The next ``count`` outcomes, by node id."""
    found: dict[str, Outcome] = {}
    deadline = monotonic() + PATIENCE
    while len(found) < count:
        assert monotonic() < deadline, f"only {sorted(found)} of {count} came back"
        for outcome in executor.outcomes(timeout=deadline - monotonic()):
            assert outcome.node_id not in found, "a second outcome of one attempt"
            found[outcome.node_id] = outcome
    return found


def contents_of(path: Path) -> str:
    """What another process writes to ``path``, once it ends with a newline."""
    deadline = monotonic() + PATIENCE
    while not (path.exists() and path.read_text().endswith("\n")):
        assert monotonic() < deadline, f"nothing was written to {path}"
        sleep(0.005)
    return path.read_text().rstrip("\n")


def is_running(pid: int) -> bool:
    """Whether the process lives; a zombie does not."""
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0]
    except ProcessLookupError:
        return False
    except FileNotFoundError:  # no /proc here, or it ended between the two lines
        return not Path("/proc").exists()
    return state not in (b"Z", b"X")
