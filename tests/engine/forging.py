"""Logs that the engine wrote, and one event of them made into another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from indelible.definition.model import Node, Retry
from indelible.engine.audit import Finding, audit
from indelible.events import (
    Event,
    NodeError,
)
from indelible.executors.port import Attempt
from indelible.stores.codec import open_event
from indelible.values import Json
from tests.engine.given import node
from tests.runtime.worlds import ERROR, World

Log = list[tuple[Event, datetime]]
E = TypeVar("E", bound=Event)
RETRY = Retry(max_attempts=2, delay=timedelta(seconds=10), jitter=0.1)


def log_of(world: World, run_id: str = "r1") -> Log:
    return [(open_event(event), event.at) for event in world.store.read(run_id)]


def found(log: Sequence[tuple[Event, datetime]]) -> Finding | None:
    return audit("r1", log, lambda ref: b"")


def failing(*names: str) -> Callable[[Attempt], Json | NodeError]:
    return lambda attempt: ERROR if attempt.node_id in names else attempt.node_id


def a_log(*nodes: Node, fails: tuple[str, ...] = (), **fields: Any) -> Log:
    """The log of a whole run, which passes."""
    world = World(failing(*fails))
    world.start(*nodes, **fields)
    log = log_of(world)
    assert found(log) is None
    return log


def place_of(log: Log, kind: type, node_id: str = "") -> int:
    """The sequence of the first event of this kind, of this node."""
    return next(
        at
        for at, (event, _) in enumerate(log, start=1)
        if isinstance(event, kind) and node_id in ("", getattr(event, "node_id", ""))
    )


def swapped(log: Log, kind: type[E], change: Callable[[E], Event], node_id: str = "") -> int:
    """Change the first event of this kind in place; gives its sequence."""
    place = place_of(log, kind, node_id)
    event, at = log[place - 1]
    assert isinstance(event, kind)
    log[place - 1] = change(event), at
    return place


def assert_found(log: Log, sequence: int, text: str) -> None:
    finding = found(log)
    assert finding is not None
    assert finding.sequence == sequence, finding.problem
    assert text in finding.problem, finding.problem


DIAMOND = (node("a"), node("b", "a"), node("c", "a"), node("d", "b", "c"))
