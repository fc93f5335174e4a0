"""Clocks step back, jump ahead, and change their zone twice a year; order and timers hold."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indelible.definition.model import Approval, Node, Retry, Wait
from indelible.definition.yaml_file import load_workflow
from indelible.engine.state import RunState
from indelible.engine.status import RunStatus
from indelible.errors import WaitingError
from indelible.events import NodeStarted, Sealed
from indelible.runtime.answers import approve
from indelible.runtime.due import resume_due
from indelible.stores.codec import open_event
from indelible.testing.worlds import EPOCH
from tests.engine.given import node
from tests.runtime.worlds import ERROR, World, chain

YEAR = timedelta(days=365)
HOUR = timedelta(hours=1)
SOON = timedelta(seconds=5)


def times(world: World) -> list[str]:
    return [event.timestamp for event in world.store.read("r1")]


def stepping(world: World, steps: list[timedelta]) -> Callable[[RunState, list[Sealed]], None]:
    """A watch that moves the clock after each append."""
    rest = iter(steps)

    def watch(state: RunState, events: list[Sealed]) -> None:
        world.clock.advance(next(rest, timedelta()))

    return watch


def timer(node_id: str, **fields: object) -> Node:
    return Node(id=node_id, body=Wait(**fields))  # type: ignore[arg-type]  # one of its two fields


STEPS = st.sampled_from(
    [timedelta(), timedelta(seconds=1), -HOUR, HOUR, -YEAR, YEAR, timedelta(microseconds=-1)]
)


@given(st.lists(STEPS, max_size=12))
def test_times_never_run_backwards_and_the_run_ends_as_it_would(steps: list[timedelta]) -> None:
    world = World()
    world.watch = stepping(world, steps)
    world.start(*chain(5))
    assert world.ran == ["n1", "n2", "n3", "n4", "n5"]
    assert times(world) == sorted(times(world))


def test_a_clock_that_stepped_back_between_two_drives_changes_no_order() -> None:
    world = World(lambda attempt: ERROR if attempt.node_id == "n2" and attempt.number == 1 else 1)
    world.start(*chain(3))
    before = times(world)[-1]
    world.clock.advance(-YEAR)
    assert world.resume().status is RunStatus.COMPLETED
    assert times(world) == sorted(times(world))
    assert times(world)[-1] == before, "the last time is repeated until the clock has caught up"


@pytest.mark.parametrize("step", [-YEAR, -HOUR, timedelta(), HOUR, YEAR])
def test_a_timer_fires_at_the_moment_that_was_recorded(step: timedelta) -> None:
    world = World()
    with pytest.raises(WaitingError):
        world.start(timer("cool", duration=10 * HOUR), waits=False)
    due = EPOCH + 10 * HOUR
    world.clock.advance(step)
    is_due = world.clock() >= due
    if is_due:
        assert world.resume(waits=False).status is RunStatus.COMPLETED
        return
    with pytest.raises(WaitingError) as caught:
        world.resume(waits=False)
    assert caught.value.awaited[0].until == due
    world.clock.moment = due - SOON
    assert world.resume().status is RunStatus.COMPLETED
    assert world.clock() >= due


@pytest.mark.parametrize("step", [-YEAR, -HOUR, HOUR, YEAR])
def test_a_retry_waits_for_the_moment_that_was_recorded(step: timedelta) -> None:
    retry = Retry(max_attempts=2, delay=HOUR / 12, jitter=0)
    world = World(lambda attempt: ERROR if attempt.number == 1 else None)
    with pytest.raises(WaitingError):
        world.start(node("a", retry=retry), waits=False)
    world.clock.advance(step)
    due = EPOCH + HOUR / 12
    if world.clock() < due:
        with pytest.raises(WaitingError):
            world.resume(waits=False)
        assert world.ran == []
        world.clock.moment = due - SOON
    assert world.resume().status is RunStatus.COMPLETED
    assert world.clock() >= due


def test_a_clock_that_jumps_ahead_fires_timers_in_the_order_of_their_moments() -> None:
    world = World()
    with pytest.raises(WaitingError):
        world.start(
            *(timer(f"t{hours}", duration=hours * HOUR) for hours in (3, 1, 2)), waits=False
        )
    world.clock.advance(YEAR)
    world.resume()
    ended = [
        getattr(open_event(event), "node_id", "")
        for event in world.store.read("r1")
        if event.event_type == "node_completed"
    ]
    assert ended == ["t1", "t2", "t3"]


def test_a_timeout_counts_from_the_start_that_was_recorded_when_the_clock_jumps() -> None:
    world = World()
    world.watch = stepping(world, [YEAR])
    state = world.start(*chain(2), timeout=HOUR)
    assert state.status is RunStatus.FAILED
    assert state.error is not None
    assert state.error.type == "Timeout"


def test_an_answer_under_a_clock_that_is_behind_counts_all_the_same() -> None:
    world = World()
    with pytest.raises(WaitingError):
        world.start(Node(id="gate", body=Approval(message="Go?")), node("n", "gate"), waits=False)
    approve(world.store, "r1", "gate", by="ann", now=lambda: EPOCH - YEAR)
    assert times(world) == sorted(times(world))
    assert world.resume().status is RunStatus.COMPLETED


def test_what_is_due_is_told_by_the_clock_of_who_asks() -> None:
    world = World()
    with pytest.raises(WaitingError):
        world.start(timer("cool", duration=HOUR), waits=False)
    assert not list(resume_due(world.store, shell=world.shell(waits=False)))
    world.clock.advance(YEAR)
    assert list(resume_due(world.store, shell=world.shell(waits=False)))


# Zones.  In Berlin the clocks went from 02:00 to 03:00 on 2026-03-29, and from 03:00 back to 02:00
# on 2026-10-25.

BERLIN = ZoneInfo("Europe/Berlin")
UNTIL = {
    "before the gap": ("2026-03-29T01:59:59+01:00", "2026-03-29T00:59:59+00:00"),
    "after the gap": ("2026-03-29T03:00:00+02:00", "2026-03-29T01:00:00+00:00"),
    "the first half past two": ("2026-10-25T02:30:00+02:00", "2026-10-25T00:30:00+00:00"),
    "the second half past two": ("2026-10-25T02:30:00+01:00", "2026-10-25T01:30:00+00:00"),
}


def until(text: str) -> Node:
    raw = f'nodes: [{{id: t, wait: {{until: "{text}"}}}}]'.encode()
    return load_workflow("w.yaml", text=raw).nodes[0]


@pytest.mark.parametrize(("written", "utc"), UNTIL.values(), ids=UNTIL.keys())
@pytest.mark.parametrize("zone", [UTC, BERLIN, timezone(timedelta(hours=-11))])
def test_a_local_time_with_its_offset_is_one_moment_in_any_zone(
    written: str, utc: str, zone: timezone | ZoneInfo
) -> None:
    world = World()
    world.clock.moment = (datetime.fromisoformat(utc) - SOON).astimezone(zone)
    world.start(until(written))
    (began,) = [
        event for event in map(open_event, world.store.read("r1")) if isinstance(event, NodeStarted)
    ]
    assert began.waiting is not None
    assert began.waiting.until == datetime.fromisoformat(utc)
    assert world.clock() >= datetime.fromisoformat(utc)
    assert times(world) == sorted(times(world))


@pytest.mark.parametrize("written", ["2026-03-29T02:30:00", "2026-10-25T02:30:00"])
def test_a_time_without_an_offset_is_utc_and_never_local(written: str) -> None:
    world = World()
    world.clock.moment = datetime.fromisoformat(written).replace(tzinfo=UTC) - SOON
    world.start(until(written))
    assert world.clock() == datetime.fromisoformat(written).replace(tzinfo=UTC)
