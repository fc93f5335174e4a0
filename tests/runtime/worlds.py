"""What tests of the runtime begin with: a store, a clock, and work that is scripted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from indelible.definition.model import Definition, Node
from indelible.engine.state import RunState
from indelible.events import NodeError, Sealed
from indelible.executors.port import Attempt
from indelible.runtime import drive
from indelible.runtime.drive import Shell
from indelible.runtime.log import open_log
from indelible.stores.memory import MemoryStore
from indelible.testing.worlds import Clock, ScriptedExecutor, Work
from indelible.values import Json
from tests.engine.given import node

ERROR = NodeError(type="ExitCode", message="exit code 1")


class World:
    """A store, a clock, and a record of which attempts ran, and under which keys."""

    def __init__(self, work: Work | None = None) -> None:
        self.store = MemoryStore()
        self.clock = Clock()
        self.ran: list[str] = []
        self.keys: list[str] = []
        self.work: Work = work or (lambda attempt: None)
        self.watch: Callable[[RunState, list[Sealed]], None] = lambda state, events: None

    def shell(self, *, waits: bool = True) -> Shell:
        return Shell(
            executor=lambda functions: ScriptedExecutor(self._recorded, self.clock),
            watch=lambda state, events: self.watch(state, events),
            waits=waits,
            now=self.clock,
            roll=lambda: 0.5,
        )

    def start(
        self,
        *nodes: Node,
        inputs: dict[str, Json] | None = None,
        waits: bool = True,
        run_id: str = "r1",
        **fields: Any,
    ) -> RunState:
        flow = Definition(name="w", nodes=nodes, **fields)
        shell = self.shell(waits=waits)
        return drive.start(self.store, flow, inputs or {}, run_id=run_id, shell=shell)

    def resume(self, run_id: str = "r1", *, waits: bool = True, **how: Any) -> RunState:
        self.ran.clear()
        self.keys.clear()
        return drive.resume(self.store, run_id, shell=self.shell(waits=waits), **how)

    def types(self, run_id: str = "r1") -> list[str]:
        return [event.event_type for event in self.store.read(run_id)]

    def state(self, run_id: str = "r1") -> RunState:
        return open_log(self.store, run_id).state

    def statuses(self, run_id: str = "r1") -> dict[str, str]:
        return {name: node.status.value for name, node in self.state(run_id).nodes.items()}

    def _recorded(self, attempt: Attempt) -> Json | NodeError:
        self.ran.append(attempt.node_id)
        self.keys.append(attempt.idempotency_key.removeprefix(f"{attempt.run_id}/"))
        return self.work(attempt)


class PowerCut(BaseException):
    """The process is gone; nothing after this line happens."""


def cut_after(events: int) -> Callable[[RunState, list[Sealed]], None]:
    """A watch that ends the process once the log has this many events."""

    def watch(state: RunState, appended: list[Sealed]) -> None:
        if state.sequence >= events:
            raise PowerCut

    return watch


def chain(length: int) -> list[Node]:
    return [node(f"n{at}", *([f"n{at - 1}"] if at > 1 else [])) for at in range(1, length + 1)]
