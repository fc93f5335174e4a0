"""Every log that the engine writes passes the audit, whatever happened to its drivers; one in which
an event says something else does not, however right its digests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Raw
from msgspec.structs import replace

from indelible.definition.model import Bash, Composite, Definition, Loop, Node, Retry, Wait
from indelible.engine.audit import Finding, audit
from indelible.events import (
    BlobRef,
    Event,
    NodeCompleted,
    NodeError,
    NodeFailed,
    NodeSkipped,
    NodeStarted,
    Sealed,
    WorkflowCompleted,
    WorkflowFailed,
    WorkflowStarted,
)
from indelible.executors.port import Attempt
from indelible.runtime import drive
from indelible.runtime.fork import fork
from indelible.stores.codec import open_event
from indelible.stores.memory import MemoryStore
from indelible.testing.worlds import EPOCH
from indelible.values import Json
from tests.properties.test_any_death import Death
from tests.properties.test_nested_deaths import FAILING, FLOWS, World, run_with_deaths

STEPS = st.lists(st.integers(1, 6), max_size=8)


def audited(store: MemoryStore, run_id: str = "r1") -> Finding | None:
    events: Sequence[Sealed] = list(store.read(run_id))
    pairs = ((open_event(event), event.at) for event in events)
    return audit(run_id, pairs, lambda ref: store.get_blob(run_id, ref))


@settings(max_examples=60)
@given(flow=FLOWS, failing=FAILING, steps=STEPS, data=st.data())
def test_a_log_of_the_engine_passes(
    flow: Definition, failing: list[int], steps: list[int], data: st.DataObject
) -> None:
    world = World(failing)
    state = run_with_deaths(world, flow, steps)
    assert audited(world.store) is None
    names = data.draw(st.lists(st.sampled_from(sorted(state.nodes)), min_size=1, max_size=2))
    moment = state.sequence + data.draw(st.integers(1, 9))
    with suppress(Death):
        drive.resume(world.store, "r1", from_nodes=names, shell=world.shell(moment))
    assert audited(world.store) is None
    run_with_deaths(world, flow, [])
    assert audited(world.store) is None


@settings(max_examples=60)
@given(flow=FLOWS, failing=FAILING, data=st.data())
def test_a_fork_at_any_event_passes(
    flow: Definition, failing: list[int], data: st.DataObject
) -> None:
    world = World(failing)
    length = run_with_deaths(world, flow, data.draw(STEPS)).sequence
    fork(world.store, "r1", at=data.draw(st.integers(1, length)), run_id_of_fork="r2")
    assert audited(world.store, "r2") is None
    drive.resume(world.store, "r2", shell=world.shell(None))
    assert audited(world.store, "r2") is None


@settings(max_examples=60)
@given(flow=FLOWS, failing=FAILING, steps=STEPS, data=st.data())
def test_what_a_crash_leaves_of_an_append_passes(
    flow: Definition, failing: list[int], steps: list[int], data: st.DataObject
) -> None:
    world = World(failing)
    run_with_deaths(world, flow, steps)
    for _ in range(2):
        whole = world.events()
        world.store = MemoryStore()
        world.store.append("r1", whole[: data.draw(st.integers(1, len(whole)))], expected=0)
        assert audited(world.store) is None
        run_with_deaths(world, flow, data.draw(STEPS))
        assert audited(world.store) is None


def _failed_with_retry(event: NodeFailed) -> Event:
    if event.retry_at is None:
        return replace(event, retry_at=EPOCH)
    return replace(event, retry_at=None)


def _other(names: tuple[str, ...]) -> tuple[str, ...]:
    return names[1:] if names else ("n0",)


FORGERIES: dict[type[Event], list[Callable[[Any], Event]]] = {
    WorkflowStarted: [
        lambda event: replace(event, interrupted=_other(event.interrupted)),
        lambda event: replace(event, reset=_other(event.reset)),
        lambda event: replace(event, changed=("n0",)),
        lambda event: replace(event, workflow="v"),
        lambda event: replace(event, attempt=event.attempt + 1),
    ],
    NodeStarted: [
        lambda event: replace(event, attempt=event.attempt + 1),
        lambda event: replace(event, instances=(event.instances or 0) + 1),
        lambda event: NodeSkipped(node_id=event.node_id, reason="trigger_rule", rule="all_done"),
        lambda event: NodeCompleted(node_id=event.node_id, attempt=event.attempt),
    ],
    NodeSkipped: [
        lambda event: replace(event, upstream_failed=not event.upstream_failed),
        lambda event: replace(event, cause=(*event.cause, "n9")),
        lambda event: replace(event, cause_count=event.cause_count + 1),
        lambda event: replace(event, upstream={**event.upstream, "failed": 7}),
        lambda event: NodeStarted(node_id=event.node_id, attempt=1),
    ],
    NodeCompleted: [
        lambda event: replace(event, attempt=event.attempt + 1),
        lambda event: replace(event, output_from=("n9",)),
    ],
    NodeFailed: [
        lambda event: replace(event, attempt=event.attempt + 1),
        _failed_with_retry,
    ],
    WorkflowCompleted: [
        lambda event: replace(event, outputs=Raw(b"1")),
        lambda event: WorkflowFailed(error=NodeError(type="NodesFailed", message="")),
    ],
    WorkflowFailed: [
        lambda event: WorkflowCompleted(),
        lambda event: replace(event, failed=(*event.failed, "n9")),
        lambda event: replace(event, failed_count=event.failed_count + 1),
    ],
}
"""Of each type of event, what somebody could have made of it; none of it is possible there."""


@settings(max_examples=60)
@given(flow=FLOWS, failing=FAILING, steps=STEPS, data=st.data())
def test_a_forgery_is_found_where_it_stands(
    flow: Definition, failing: list[int], steps: list[int], data: st.DataObject
) -> None:
    world = World(failing)
    run_with_deaths(world, flow, steps)
    events = [(open_event(event), event.at) for event in world.events()]
    place = data.draw(st.integers(1, len(events)))
    event, at = events[place - 1]
    forged = data.draw(st.sampled_from(FORGERIES[type(event)]))(event)
    found = audit("r1", [*events[: place - 1], (forged, at), *events[place:]], no_blob)
    assert found is not None
    assert found.sequence == place, found.problem


@settings(max_examples=60)
@given(flow=FLOWS, failing=FAILING, data=st.data())
def test_an_event_that_was_taken_out_of_an_undisturbed_run_is_missed(
    flow: Definition, failing: list[int], data: st.DataObject
) -> None:
    world = World(failing)
    run_with_deaths(world, flow, [])
    events = [(open_event(event), event.at) for event in world.events()]
    place = data.draw(st.integers(1, len(events) - 1))
    found = audit("r1", [*events[: place - 1], *events[place:]], no_blob)
    assert found is not None
    assert found.sequence >= place


def no_blob(ref: BlobRef) -> bytes:
    raise AssertionError(ref)


class JumpingWorld(World):
    """Each attempt takes a while, and some clocks are set meanwhile."""

    def __init__(self, failing: Sequence[int], jumps: Sequence[int]) -> None:
        super().__init__(failing)
        self.jumps = jumps

    def work(self, attempt: Attempt) -> Json | NodeError:
        self.clock.advance(timedelta(seconds=self.jumps[len(self.ran) % len(self.jumps)]))
        return super().work(attempt)


@settings(max_examples=60)
@given(
    flow=FLOWS,
    failing=FAILING,
    steps=STEPS,
    jumps=st.lists(st.integers(-4000, 4000) | st.integers(0, 3), min_size=1, max_size=4),
    limits=st.tuples(st.none() | st.integers(0, 3), st.none() | st.integers(1, 300)),
)
def test_a_log_under_a_clock_that_jumps_passes(
    flow: Definition,
    failing: list[int],
    steps: list[int],
    jumps: list[int],
    limits: tuple[int | None, int | None],
) -> None:
    limit, timeout = limits
    lasting = None if timeout is None else timedelta(seconds=timeout)
    world = JumpingWorld(failing, jumps)
    run_with_deaths(world, replace(flow, max_parallel=limit, timeout=lasting), steps)
    assert audited(world.store) is None


def test_a_retry_is_counted_from_a_clock_that_was_set_back_below_the_last_timestamp() -> None:
    """Found by the property above: the timer's turn had the later clock, the failure's the same
    timestamp."""
    inner = (
        Node(id="n0", body=Bash(command="true"), retry=Retry(max_attempts=2, jitter=0)),
        Node(id="n1", body=Wait(duration=timedelta(0))),
        Node(id="n2", body=Wait(duration=timedelta(seconds=60))),
    )
    loop = Loop(until="output == 'enough'", max_iterations=2)
    flow = Definition(name="w", nodes=(Node(id="n0", body=Composite(nodes=inner), loop=loop),))
    world = JumpingWorld([1], [-1])
    run_with_deaths(world, flow, [])
    assert audited(world.store) is None
