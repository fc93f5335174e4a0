"""Whole runs in a scripted world: no threads, no files, no real time."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from itertools import pairwise

import pytest

from indelible.definition.model import (
    Approval,
    Definition,
    Node,
    OnInterrupt,
    Retry,
    TriggerRule,
)
from indelible.errors import (
    HeldError,
    InputError,
    InterruptedRunError,
    NotFoundError,
    RunCancelledError,
    RunExistsError,
    StoreError,
    UsageError,
)
from indelible.events import NodeError
from indelible.executors.port import Attempt, Outcome
from indelible.runtime import drive
from indelible.runtime.answers import approve
from indelible.runtime.drive import Shell
from indelible.stores.memory import MemoryStore
from indelible.testing.worlds import Clock, ScriptedExecutor
from indelible.values import Json
from tests.engine.given import node
from tests.runtime.worlds import ERROR, PowerCut, World, chain, cut_after


def test_a_run_goes_from_its_first_event_to_its_last() -> None:
    world = World(lambda attempt: attempt.node_id)
    state = world.start(*chain(2))
    assert state.status == "completed"
    assert world.types() == [
        "workflow_started",
        "node_started",
        "node_completed",
        "node_started",
        "node_completed",
        "workflow_completed",
    ]


def test_what_follows_from_an_outcome_is_appended_with_it() -> None:
    world = World()
    appends: list[list[str]] = []
    world.watch = lambda state, events: appends.append([event.event_type for event in events])
    world.start(*chain(3))
    assert appends == [
        ["workflow_started", "node_started"],
        ["node_completed", "node_started"],
        ["node_completed", "node_started"],
        ["node_completed", "workflow_completed"],
    ]


def test_the_log_leads_an_attempt_is_durable_before_it_is_made() -> None:
    world = World()

    def work(attempt: Attempt) -> Json:
        last = list(world.store.read("r1"))[-1]
        assert last.event_type == "node_started"
        assert attempt.node_id.encode() in last.payload
        return None

    world.work = work
    assert world.start(*chain(3)).status == "completed"


def test_killed_after_three_of_five_a_resume_runs_four_and_five_only() -> None:
    world = World()
    world.watch = cut_after(8)
    with pytest.raises(PowerCut):
        world.start(*chain(5))
    assert world.ran == ["n1", "n2", "n3"]
    world.watch = lambda state, events: None
    world.ran.clear()
    assert world.resume().status == "completed"
    assert world.ran == ["n4", "n5"]
    assert world.types().count("node_completed") == 5


def test_killed_at_any_event_a_resume_ends_the_same() -> None:
    nodes = [
        node("a"),
        node("b", "a", retry=Retry(max_attempts=2)),
        node("c", "a", when="false"),
        node("d", "b", "c", trigger_rule=TriggerRule.NONE_FAILED),
    ]
    tries: Counter[str] = Counter()

    def work(attempt: Attempt) -> Json | NodeError:
        tries[attempt.node_id] += 1
        return ERROR if attempt.node_id == "b" and tries["b"] == 1 else attempt.node_id

    undisturbed = World(work)
    undisturbed.start(*nodes)
    for moment in range(1, len(undisturbed.types())):
        tries.clear()
        world = World(work)
        world.watch = cut_after(moment)
        with pytest.raises(PowerCut):
            world.start(*nodes)
        world.watch = lambda state, events: None
        assert world.resume().status == "completed"
        assert world.types().count("node_completed") == 3
        assert world.types().count("node_skipped") == 1


def test_retries_wait_for_their_time_by_the_clock() -> None:
    tries: list[object] = []
    world = World()

    def work(attempt: Attempt) -> Json | NodeError:
        tries.append(world.clock())
        return ERROR if len(tries) < 3 else "at last"

    world.work = work
    policy = Retry(max_attempts=3, delay=timedelta(seconds=10), backoff=3, jitter=0)
    assert world.start(node("a", retry=policy)).status == "completed"
    waits = [later - sooner for sooner, later in pairwise(tries)]  # type: ignore[operator]
    assert waits == [timedelta(seconds=10), timedelta(seconds=30)]


def test_a_failed_run_resumes_at_its_failed_node() -> None:
    world = World(lambda attempt: ERROR if attempt.node_id == "n2" else None)
    assert world.start(*chain(3)).status == "failed"
    world.work = lambda attempt: None
    world.ran.clear()
    state = world.resume()
    assert (state.status, state.attempt, world.ran) == ("completed", 2, ["n2", "n3"])


def test_resume_of_a_completed_run_changes_nothing() -> None:
    world = World()
    world.start(*chain(2))
    before = world.types()
    assert world.resume().status == "completed"
    assert world.types() == before


def test_a_resume_that_can_only_wait_appends_nothing_until_the_time_has_come() -> None:
    hour = timedelta(hours=1)
    policy = Retry(max_attempts=2, delay=hour, max_delay=hour, jitter=0)
    world = World(lambda attempt: ERROR if attempt.number == 1 else "ok")
    world.watch = cut_after(3)
    with pytest.raises(PowerCut):
        world.start(node("a", retry=policy))
    seen: list[object] = []
    world.watch = lambda state, events: seen.append((world.clock(), events[0].event_type))
    begun = world.clock()
    assert world.resume().status == "completed"
    assert seen[0] == (begun + hour, "workflow_started")


def test_fail_fast_stops_the_others_and_a_resume_goes_on() -> None:
    world = World(lambda attempt: ERROR if attempt.node_id == "a" else None)
    state = world.start(node("a"), node("b"), node("c", "b"), fail_fast=True)
    assert state.status == "failed"
    assert {name: n.status for name, n in state.nodes.items()} == {
        "a": "failed",
        "b": "failed",
        "c": "pending",
    }
    assert list(state.stopped) == ["b"]
    world.work = lambda attempt: None
    assert world.resume().status == "completed"


def test_a_cancel_from_elsewhere_stops_the_run() -> None:
    world = World()

    def work(attempt: Attempt) -> Json:
        if attempt.node_id == "n2":
            drive.cancel(world.store, "r1", reason="enough", by="a test")
        return None

    world.work = work
    state = world.start(*chain(3))
    assert state.status == "cancelled"
    assert world.ran == ["n1", "n2"]
    with pytest.raises(RunCancelledError, match="--cancelled"):
        world.resume()
    assert world.resume(cancelled=True).status == "completed"


def test_cancelling_twice_is_no_error_but_cancelling_what_ended_is() -> None:
    world = World()
    world.start(*chain(1))
    with pytest.raises(UsageError, match="completed already"):
        drive.cancel(world.store, "r1")


def test_a_run_that_another_process_holds_is_not_resumed() -> None:
    world = World(lambda attempt: ERROR)
    world.start(*chain(1))
    with world.store.claim("r1"), pytest.raises(HeldError):
        world.resume()


def test_a_newer_driver_fences_the_old_one() -> None:
    world = World()

    def work(attempt: Attempt) -> Json:
        if attempt.number == 1:
            rival = World()
            rival.store = world.store
            world.store._held.clear()  # the claim is only a courtesy; the fence is the append
            rival.resume()
        return None

    world.work = work
    with pytest.raises(HeldError, match="a driver that began after this one"):
        world.start(*chain(2))
    assert world.types().count("node_completed") == 2


def test_an_interrupted_run_records_what_it_stopped_and_resumes() -> None:
    store, clock = MemoryStore(), Clock()
    drives: list[object] = []

    class Stopping(ScriptedExecutor):
        def submit(self, attempts):  # type: ignore[no-untyped-def]
            super().submit(attempts)
            if self.submitted[-1].node_id == "n2" and not drives:
                drives.append(self)
                raise_signal()

    def raise_signal() -> None:
        signal.raise_signal(signal.SIGTERM)

    shell = Shell(
        executor=lambda functions: Stopping(lambda attempt: None, clock),
        now=clock,
        roll=lambda: 0.5,
    )
    flow = Definition(name="w", nodes=tuple(chain(3)))
    with pytest.raises(InterruptedRunError, match="indelible resume r1"):
        drive.start(store, flow, {}, run_id="r1", shell=shell)
    last = list(store.read("r1"))[-1]
    assert last.event_type == "node_failed"
    assert b'"type":"Interrupted"' in last.payload
    assert drive.resume(store, "r1", shell=shell).status == "completed"


class Interrupted(ScriptedExecutor):
    """Interrupts the drive as it submits, and lets attempts end well after all.

    ``meanwhile`` is what somebody else does before their outcome is asked for.
    """

    def __init__(self, clock: Clock, meanwhile: Callable[[], object]) -> None:
        super().__init__(lambda attempt: 7, clock)
        self.is_interrupting = True
        self._meanwhile = meanwhile

    def submit(self, attempts: Sequence[Attempt]) -> None:
        super().submit(attempts)
        if attempts and self.is_interrupting:
            signal.raise_signal(signal.SIGTERM)

    def cancel(self, node_id: str, error: NodeError) -> None:
        """Comes too late."""

    def outcomes(self, *, timeout: float | None) -> Sequence[Outcome]:
        if self.is_interrupting:
            self.is_interrupting = False
            self._meanwhile()
        return super().outcomes(timeout=timeout)


def test_what_ended_while_the_drive_was_stopped_is_kept_though_somebody_else_appends() -> None:
    store, clock = MemoryStore(), Clock()
    executor = Interrupted(clock, lambda: approve(store, "r1", "gate", by="ann"))
    shell = Shell(executor=lambda functions: executor, now=clock, roll=lambda: 0.5)
    gate = Node(id="gate", body=Approval(message="Go?"))
    flow = Definition(name="w", nodes=(gate, node("a"), node("b", "a", "gate")))
    with pytest.raises(InterruptedRunError):
        drive.start(store, flow, {}, run_id="r1", shell=shell)
    state = drive.resume(store, "r1", shell=shell)
    assert state.status == "completed"
    assert [attempt.node_id for attempt in executor.submitted] == ["a", "b"]


def test_a_run_that_is_cancelled_while_its_drive_is_stopped_is_cancelled() -> None:
    store, clock = MemoryStore(), Clock()
    executor = Interrupted(clock, lambda: drive.cancel(store, "r1", by="ann"))
    shell = Shell(executor=lambda functions: executor, now=clock, roll=lambda: 0.5)
    flow = Definition(name="w", nodes=tuple(chain(2)))
    state = drive.start(store, flow, {}, run_id="r1", shell=shell)
    assert state.status == "cancelled"
    assert state.nodes["n1"].status == "success"


def test_a_drive_that_is_interrupted_before_it_begins_starts_nothing() -> None:
    store, clock = MemoryStore(), Clock()
    executor = ScriptedExecutor(lambda attempt: None, clock)

    def interrupted_already(interrupt: Callable[[], None]) -> AbstractContextManager[None]:
        interrupt()
        return nullcontext()

    shell = Shell(
        executor=lambda functions: executor,
        interrupting=interrupted_already,
        now=clock,
        roll=lambda: 0.5,
    )
    flow = Definition(name="w", nodes=tuple(chain(2)))
    with pytest.raises(InterruptedRunError):
        drive.start(store, flow, {}, run_id="r1", shell=shell)
    assert [event.event_type for event in store.read("r1")] == ["workflow_started"]
    assert executor.submitted == []
    going_on = Shell(executor=lambda functions: executor, now=clock, roll=lambda: 0.5)
    assert drive.resume(store, "r1", shell=going_on).status == "completed"


def test_an_interrupt_is_final_for_a_node_that_may_not_run_twice() -> None:
    world = World()
    world.watch = cut_after(2)
    with pytest.raises(PowerCut):
        world.start(node("a", on_interrupt=OnInterrupt.FAIL))
    world.watch = lambda state, events: None
    assert world.resume().status == "failed"
    assert world.ran == []


def test_a_store_that_fails_stops_the_run_and_nothing_it_announced_happens() -> None:
    class Failing(MemoryStore):
        is_full = False

        def append(self, run_id, events, *, expected):  # type: ignore[no-untyped-def]
            if self.is_full:
                raise StoreError("disk: cannot append: No space left on device")
            super().append(run_id, events, expected=expected)

    world = World()
    failing = Failing()
    world.store = failing

    def work(attempt: Attempt) -> Json:
        failing.is_full = attempt.node_id == "n2"
        return None

    world.work = work
    with pytest.raises(StoreError, match="No space left"):
        world.start(*chain(3))
    assert world.ran == ["n1", "n2"]
    failing.is_full = False
    world.work = lambda attempt: None
    assert world.resume().status == "completed"


def test_a_run_id_is_taken_once() -> None:
    world = World()
    world.start(*chain(1))
    with pytest.raises(RunExistsError, match="indelible resume r1"):
        world.start(*chain(1))


def test_inputs_are_checked_before_anything_is_written() -> None:
    world = World()
    with pytest.raises(InputError, match="day"):
        world.start(node("a"), inputs={"day": "mon"})
    assert list(world.store.runs()) == []


def test_a_run_that_is_not_cannot_be_resumed_or_cancelled() -> None:
    store = MemoryStore()
    with pytest.raises(NotFoundError, match="no run nope"):
        drive.resume(store, "nope")
    with pytest.raises(NotFoundError, match="no run nope"):
        drive.cancel(store, "nope")


def test_large_values_go_beside_the_log_and_come_back() -> None:
    large = "x" * 100_000
    world = World(lambda attempt: large if attempt.node_id == "a" else None)
    state = world.start(
        node("a"),
        node("b", "a", with_={"text": "${{ nodes.a.output }}"}, when="len(nodes.a.output) > 10"),
        outputs={"text": "${{ nodes.a.output }}"},
    )
    assert state.status == "completed"
    assert all(len(event.payload) < 70_000 for event in world.store.read("r1"))
    assert world.ran == ["a", "b"]


def test_timestamps_never_decrease_though_the_clock_steps_back() -> None:
    world = World()

    def work(attempt: Attempt) -> Json:
        world.clock.advance(timedelta(hours=-1))
        return None

    world.work = work
    world.start(*chain(3))
    stamps = [event.timestamp for event in world.store.read("r1")]
    assert stamps == sorted(stamps)
