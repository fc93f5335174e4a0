"""Random nested workflows, failures and deaths: the end depends on none of the deaths.

Composites, maps, loops and timers inside each other, under all trigger rules.  A driver dies after
a random event, again and again; each time another resumes.  Then nodes begin anew, the run is
forked, and the log is damaged by one event.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indelible.definition.model import (
    Bash,
    Body,
    Composite,
    Definition,
    ForEach,
    Loop,
    Node,
    OnItemFailure,
    Retry,
    TriggerRule,
    Wait,
)
from indelible.engine.fold import fold
from indelible.engine.state import RunState
from indelible.errors import CorruptLogError, IllegalEventError
from indelible.events import NodeCompleted, NodeError, Sealed, WorkflowStarted
from indelible.executors.port import Attempt
from indelible.plan import make_plan
from indelible.runtime import drive
from indelible.runtime.drive import Shell
from indelible.runtime.fork import fork
from indelible.runtime.log import open_log
from indelible.runtime.move import import_run
from indelible.stores.codec import line_of, open_event
from indelible.stores.memory import MemoryStore
from indelible.testing.worlds import Clock, ScriptedExecutor
from indelible.values import Json
from tests.properties.test_any_death import Death

RETRY = Retry(max_attempts=2, delay=timedelta(seconds=1), jitter=0)
TRUE = Bash(command="true")


@st.composite
def graphs(draw: st.DrawFn, depth: int = 2) -> tuple[Node, ...]:
    """Any graph of up to four nodes, some of which hold graphs of their own."""
    nodes: list[Node] = []
    for number in range(draw(st.integers(1, 4))):
        known = [known.id for known in nodes]
        upstream = draw(st.lists(st.sampled_from(known), unique=True, max_size=2)) if known else []
        nodes.append(draw(any_node(f"n{number}", tuple(upstream), depth)))
    return tuple(nodes)


@st.composite
def any_node(draw: st.DrawFn, name: str, upstream: tuple[str, ...], depth: int) -> Node:
    inner = draw(graphs(depth - 1)) if depth and draw(st.booleans()) else None
    body: Body = TRUE if inner is None else Composite(nodes=inner)
    if inner is None and draw(st.integers(0, 5)) == 0:
        body = Wait(duration=timedelta(minutes=draw(st.integers(0, 2))))
    return Node(
        id=name,
        body=body,
        depends_on=upstream,
        trigger_rule=draw(st.sampled_from(TriggerRule)),
        when=draw(st.sampled_from([None, None, None, "true", "false"])),
        retry=RETRY if body is TRUE and draw(st.booleans()) else None,
        allow_failure=draw(st.booleans()),
        max_interruptions=1000,
        max_parallel=draw(st.sampled_from([None, None, 1, 2])),
        **draw(st.sampled_from(_REPEATED)),
    )


_REPEATED: list[dict[str, Any]] = [
    {},
    {},
    {"for_each": ForEach(items="[1, 2]")},
    {"for_each": ForEach(items="[1, 2, 3]", on_item_failure=OnItemFailure.COLLECT)},
    {"for_each": ForEach(items="[]")},
    {"loop": Loop(until="true", max_iterations=2)},
    {"loop": Loop(until="output == 'enough'", max_iterations=2)},
]


class World:
    """Whether an attempt fails follows from its path and the failures recorded of it."""

    def __init__(self, failing: Sequence[int]) -> None:
        self.store = MemoryStore()
        self.clock = Clock()
        self.failing = failing
        self.ran: list[str] = []
        self.completed: list[str] = []

    def work(self, attempt: Attempt) -> Json | NodeError:
        self.ran.append(attempt.node_id)
        place = sum(attempt.node_id.encode()) % len(self.failing)
        failed = Counter(
            event.payload.split(b'"')[3].decode()
            for event in self.store.read("r1")
            if event.event_type == "node_failed"
        )
        if failed[attempt.node_id] < self.failing[place]:
            return NodeError(type="ExitCode", message="exit code 1")
        self.completed.append(attempt.idempotency_key)
        return attempt.node_id

    def shell(self, moment: int | None) -> Shell:
        def watch(state: RunState, events: list[Sealed]) -> None:
            if moment is not None and state.sequence >= moment:
                raise Death

        return Shell(
            executor=lambda functions: ScriptedExecutor(self.work, self.clock),
            watch=watch,
            now=self.clock,
            roll=lambda: 0.5,
        )

    def events(self) -> list[Sealed]:
        return list(self.store.read("r1"))


FLOWS = st.builds(
    Definition,
    name=st.just("w"),
    nodes=graphs(),
    max_parallel=st.integers(0, 3),
    fail_fast=st.sampled_from([False, False, True]),
)
FAILING = st.lists(st.sampled_from([0, 0, 1, 1, 4]), min_size=1, max_size=5)


def run_with_deaths(world: World, flow: Definition, steps: Sequence[int]) -> RunState:
    """Drive to the end, dying when the log has grown by each of ``steps``."""
    for step in (*steps, None):
        length = len(world.events())
        if length and open_log(world.store, "r1").state.is_closed:
            break
        shell = world.shell(None if step is None else length + step)
        try:
            if length:
                drive.resume(world.store, "r1", shell=shell)
            else:
                drive.start(world.store, flow, {}, run_id="r1", shell=shell)
        except Death:
            continue
    return open_log(world.store, "r1").state


@given(flow=FLOWS, failing=FAILING, steps=st.lists(st.integers(1, 6), max_size=12))
def test_nested_runs_end_the_same_however_often_the_driver_died(
    flow: Definition, failing: list[int], steps: list[int]
) -> None:
    expected = run_with_deaths(World(failing), flow, [])
    world = World(failing)
    found = run_with_deaths(world, flow, steps)
    assert expected.is_settled
    assert found.is_settled
    events = [open_event(event) for event in world.events()]
    assert picture(found) == picture(fold(make_plan(flow), "r1", events))
    completed = Counter(each.node_id for each in events if isinstance(each, NodeCompleted))
    was_reset = any(isinstance(each, WorkflowStarted) and each.reset for each in events)
    # A resume tries what failed anew, so that a death after a failure may mend it; and with
    # fail_fast it is up to timing what the first failure stops.
    if not was_reset and not flow.fail_fast:
        assert picture(found, attempts=False) == picture(expected, attempts=False)
    if not was_reset:
        assert set(completed.values()) <= {1}


@given(flow=FLOWS, failing=FAILING, data=st.data())
def test_nodes_that_begin_anew_end_again_under_new_keys(
    flow: Definition, failing: list[int], data: st.DataObject
) -> None:
    world = World(failing)
    state = run_with_deaths(world, flow, [])
    for _ in range(2):
        names = data.draw(st.lists(st.sampled_from(sorted(state.nodes)), min_size=1, max_size=2))
        moment = state.sequence + data.draw(st.integers(1, 9))
        with suppress(Death):
            drive.resume(world.store, "r1", from_nodes=names, shell=world.shell(moment))
        state = run_with_deaths(world, flow, [])
        assert state.is_settled
    events = [open_event(event) for event in world.events()]
    assert picture(state) == picture(fold(make_plan(flow), "r1", events))
    openings = [each for each in events if isinstance(each, WorkflowStarted)]
    if all(each.reset == each.reset_explicitly for each in openings):
        # The key of an attempt that completed is never given to another one.
        assert max(Counter(world.completed).values(), default=1) == 1


@given(flow=FLOWS, failing=FAILING, data=st.data())
def test_a_fork_at_any_event_ends(
    flow: Definition, failing: list[int], data: st.DataObject
) -> None:
    world = World(failing)
    length = run_with_deaths(world, flow, data.draw(st.lists(st.integers(1, 6)))).sequence
    at = data.draw(st.integers(1, length))
    fork(world.store, "r1", at=at, run_id_of_fork="r2")
    kept = {node.id for node in open_log(world.store, "r2").state.nodes.values() if node.is_ended}
    world.ran.clear()
    drive.resume(world.store, "r2", shell=world.shell(None))
    found = open_log(world.store, "r2").state
    assert found.is_settled
    assert not kept.intersection(world.ran)


@given(flow=FLOWS, failing=FAILING, data=st.data())
def test_a_log_with_one_event_changed_is_refused(
    flow: Definition, failing: list[int], data: st.DataObject
) -> None:
    world = World(failing)
    run_with_deaths(world, flow, data.draw(st.lists(st.integers(1, 6), max_size=4)))
    whole = world.events()
    lines = [line_of(event) + b"\n" for event in whole]
    assert import_run(MemoryStore(), b"".join(lines)) == "r1"
    at = data.draw(st.integers(0, len(lines) - 2))
    altered = msgspec.structs.replace(whole[at], payload=whole[at].payload[:-1] + b',"x":1}')
    broken = {
        "altered": [*lines[:at], line_of(altered) + b"\n", *lines[at + 1 :]],
        "dropped": [*lines[:at], *lines[at + 1 :]],
        "doubled": [*lines[: at + 1], *lines[at:]],
        "swapped": [*lines[:at], lines[at + 1], lines[at], *lines[at + 2 :]],
    }
    store = MemoryStore()
    for damaged in broken.values():
        with pytest.raises((CorruptLogError, IllegalEventError)):
            import_run(store, b"".join(damaged))
    assert list(store.runs()) == []


def picture(state: RunState, *, attempts: bool = True) -> object:
    """What of a state has to be the same."""
    nodes = {
        name: (
            node.status.value,
            node.open_children,
            node.missing,
            msgspec.structs.asdict(node.upstream),
            bytes(node.output) if isinstance(node.output, msgspec.Raw) else node.output,
            sorted(node.roots),
            (node.attempt, node.tries, node.interruptions, node.resets) if attempts else (),
        )
        for name, node in state.nodes.items()
    }
    return state.status.value, state.open_nodes, sorted(state.fatal), nodes
