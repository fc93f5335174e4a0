"""The command line in this process, in a folder of its own, and runs for it to look at."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from tests.engine.given import node

from indelible.definition.model import Definition, Node
from indelible.events import NodeError
from indelible.executors.port import Attempt
from indelible.runtime import drive
from indelible.runtime.drive import Shell
from indelible.stores.filesystem import FilesystemStore
from indelible.testing.worlds import Clock, ScriptedExecutor
from indelible.values import Json


class Said(msgspec.Struct, frozen=True):
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """Its stdout, which must be one JSON document."""
        return msgspec.json.decode(self.out)


Invoke = Callable[..., Said]
"""``invoke("list", "--json")``"""

HELLO = """
name: hello
inputs: {who: {default: world}}
outputs: {said: "${{ nodes.say.output }}"}
nodes:
  - {id: say, env: {WHO: "${{ inputs.who }}"}, bash: 'echo "hello $WHO"'}
  - {id: shout, depends_on: [say], bash: echo HELLO}
"""

CHAIN = (node("a"), node("b", "a"), node("c", "b"))


def succeed(attempt: Attempt) -> Json | NodeError:
    return {"from": attempt.node_id}


def fail_at(name: str, message: str = "exit code 3") -> Callable[[Attempt], Json | NodeError]:
    """Work in which one node fails."""
    error = NodeError(type="ExitCode", message=message, exit_code=3)
    return lambda attempt: error if attempt.node_id == name else succeed(attempt)


def a_run(
    folder: Path,
    run_id: str,
    *,
    nodes: tuple[Node, ...] = CHAIN,
    work: Callable[[Attempt], Json | NodeError] = succeed,
    clock: Clock | None = None,
    waits: bool = True,
    **fields: Any,
) -> None:
    """A whole run in the default store of ``folder``; no process, no time."""
    clock = clock or Clock()
    shell = Shell(executor=lambda functions: ScriptedExecutor(work, clock), now=clock, waits=waits)
    store = FilesystemStore(folder / ".indelible")
    drive.start(store, Definition(name="w", nodes=nodes, **fields), {}, run_id=run_id, shell=shell)
    store.close()


def log_of(folder: Path, run_id: str) -> Path:
    return folder / ".indelible" / run_id / "events.jsonl"


def damage(folder: Path, run_id: str) -> None:
    """Change one letter in the middle of a log."""
    log = log_of(folder, run_id)
    log.write_bytes(log.read_bytes().replace(b'"node_id":"b"', b'"node_id":"B"', 1))
