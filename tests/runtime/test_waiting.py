"""Approvals and timers: who waits, who gives up, and what an answer may be."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec import Raw

from indelible import values
from indelible.definition.model import Approval, Choice, Node, Retry, Wait
from indelible.errors import HeldError, NotFoundError, UsageError, WaitingError
from indelible.events import Sealed
from indelible.runtime.answers import approve, reject
from indelible.runtime.due import resume_due
from indelible.stores.memory import MemoryStore
from tests.engine.given import node
from tests.runtime.worlds import ERROR, World, chain

SCHEMA: Any = {"type": "object", "required": ["ok"], "properties": {"ok": {"type": "boolean"}}}


def gate(node_id: str = "gate", *upstream: str, **fields: Any) -> Node:
    return Node(id=node_id, body=Approval(message="Publish?", **fields), depends_on=upstream)


def timer(node_id: str = "cool", *upstream: str) -> Node:
    return Node(id=node_id, body=Wait(duration=timedelta(hours=1)), depends_on=upstream)


def waiting(*nodes: Node) -> World:
    world = World()
    with pytest.raises(WaitingError):
        world.start(*nodes, waits=False)
    return world


def test_a_driver_that_does_not_wait_says_what_for() -> None:
    retried = node("r", retry=Retry(max_attempts=2, delay=timedelta(minutes=5), jitter=0))
    world = World(lambda attempt: ERROR if attempt.number == 1 else None)
    with pytest.raises(WaitingError) as caught:
        world.start(gate(), timer(), retried, waits=False)
    assert [(each.node_id, each.kind) for each in caught.value.awaited] == [
        ("gate", "approval"),
        ("r", "retry"),
        ("cool", "timer"),
    ]
    assert "gate: Publish? (approve | reject)" in str(caught.value)
    assert "cool: a timer, due 2026-01-01T01:00:00" in str(caught.value)
    assert "indelible approve r1 gate" in caught.value.hint


def test_a_driver_does_not_give_up_while_something_runs() -> None:
    world = waiting(gate(), *chain(3))
    assert world.ran == ["n1", "n2", "n3"]


def test_who_gives_up_lets_go_of_the_run_and_writes_nothing() -> None:
    world = waiting(gate())
    before = world.types()
    with pytest.raises(WaitingError):
        world.resume(waits=False)
    assert world.types() == before
    with world.store.claim("r1"):
        pass


def test_an_answer_that_came_before_the_claim_was_given_up_is_not_lost() -> None:
    class Slow(MemoryStore):
        def wait(self, run_id: str, *, after: int, timeout: float) -> bool:
            if not self._held and "node_completed" not in self.seen():
                approve(self, "r1", "gate")
            return super().wait(run_id, after=after, timeout=timeout)

        def seen(self) -> list[str]:
            return [event.event_type for event in self.read("r1")]

    world = World()
    world.store = Slow()
    assert world.start(gate(), node("z", "gate"), waits=False).status == "completed"
    assert world.ran == ["z"]


def test_a_driver_that_waits_goes_on_with_an_answer_from_elsewhere() -> None:
    world = World()

    def watch(state: object, events: list[Sealed]) -> None:
        if events[-1].event_type == "node_started":
            approve(world.store, "r1", "gate", by="ann")

    world.watch = watch
    state = world.start(gate(), outputs={"by": "${{ nodes.gate.output.by }}"})
    assert state.outputs == Raw(b'{"by":"ann"}')


def test_an_answer_without_a_driver_is_kept_for_the_next_resume() -> None:
    world = waiting(gate(), node("z", "gate"))
    state = approve(world.store, "r1", "gate", by="ann", answer={"n": 1}, now=world.clock)
    output = state.nodes["gate"].output
    assert isinstance(output, Raw)
    assert values.decode(output) == {
        "choice": "approve",
        "by": "ann",
        "at": "2026-01-01T00:00:00.000000Z",
        "answer": {"n": 1},
    }
    assert world.resume().status == "completed"
    assert world.ran == ["z"]


def test_a_choice_that_fails_fails_the_node_for_good() -> None:
    world = waiting(gate(), node("z", "gate"))
    state = reject(world.store, "r1", "gate", by="bob", answer="too soon")
    error = state.nodes["gate"].error
    assert error is not None
    assert (error.type, error.message) == ("Rejected", 'reject by bob: "too soon"')
    assert world.state().nodes["gate"].status == "failed"


def test_any_choice_can_be_named() -> None:
    choices = (Choice(id="now"), Choice(id="later"), Choice(id="never", fails=True))
    world = waiting(gate(choices=choices))
    state = approve(world.store, "r1", "gate", choice="later")
    assert b'"choice":"later"' in bytes(state.nodes["gate"].output)  # type: ignore[arg-type]
    world = waiting(gate(choices=choices))
    assert approve(world.store, "r1", "gate", choice="never").nodes["gate"].status == "failed"


def test_an_unknown_choice_lists_the_known_ones_and_writes_nothing() -> None:
    world = waiting(gate())
    before = world.types()
    with pytest.raises(UsageError, match=r"'maybe'\nIts choices: approve, reject \(fails\)"):
        approve(world.store, "r1", "gate", choice="maybe")
    with pytest.raises(UsageError, match="'approve'"):
        reject(world.store, "r1", "gate", choice="approve")
    assert world.types() == before


def test_approving_twice_says_who_was_first() -> None:
    world = waiting(gate("gate"), gate("other"))
    approve(world.store, "r1", "gate", by="ann", now=world.clock)
    with pytest.raises(UsageError, match=r"success, approve by ann at 2026-01-01T00:00:00.0+Z"):
        approve(world.store, "r1", "gate", by="bob")
    reject(world.store, "r1", "other", by="eve", now=world.clock)
    with pytest.raises(UsageError, match="failed, reject by eve at 2026"):
        approve(world.store, "r1", "other")


def test_two_answers_at_once_leave_one() -> None:
    class Racing(MemoryStore):
        is_racing = False

        def append(self, run_id: str, events: Any, *, expected: int) -> None:
            if self.is_racing:
                self.is_racing = False
                approve(self, run_id, "gate", by="quick")
            super().append(run_id, events, expected=expected)

    world = World()
    world.store = store = Racing()
    with pytest.raises(WaitingError):
        world.start(gate(), waits=False)
    store.is_racing = True
    with pytest.raises(UsageError, match="approve by quick"):
        approve(store, "r1", "gate", by="slow")
    assert world.types().count("node_completed") == 1


def test_only_what_waits_can_be_answered() -> None:
    world = waiting(gate("gate", "a"), node("a"), timer())
    with pytest.raises(UsageError, match=r"a asks nobody(.|\n)*Waiting for an answer: gate"):
        approve(world.store, "r1", "a")
    with pytest.raises(NotFoundError, match="no node 'nope'"):
        approve(world.store, "r1", "nope")
    with pytest.raises(NotFoundError, match="no run r9"):
        approve(world.store, "r9", "gate")


def test_an_answer_is_checked_by_its_schema() -> None:
    world = waiting(gate(answer_schema=SCHEMA))
    with pytest.raises(UsageError, match=r"ok(.|\n)*answer_schema"):
        approve(world.store, "r1", "gate", answer={"ok": 3})
    with pytest.raises(UsageError, match="does not fit"):
        approve(world.store, "r1", "gate")
    assert approve(world.store, "r1", "gate", answer={"ok": True}).nodes["gate"].is_ended


def test_a_large_answer_goes_beside_the_log() -> None:
    world = waiting(gate(), node("z", "gate", when="len(nodes.gate.output.answer) > 10"))
    approve(world.store, "r1", "gate", answer="x" * 100_000)
    assert world.resume().status == "completed"
    assert all(len(event.payload) < 70_000 for event in world.store.read("r1"))


def test_due_resumes_what_has_come_and_nothing_else() -> None:
    world = World()
    runs: dict[str, tuple[Node, ...]] = {
        "answered": (gate(), node("z", "gate")),
        "asked": (gate(),),
        "later": (Node(id="w", body=Wait(duration=timedelta(days=9))),),
        "timed": (timer(), gate("gate", "cool")),
        "held": (timer(),),
    }
    for run_id, nodes in runs.items():
        with pytest.raises(WaitingError):
            world.start(*nodes, waits=False, run_id=run_id)
    world.start(node("a"), run_id="done")
    approve(world.store, "answered", "gate")
    world.clock.advance(timedelta(hours=2))
    with world.store.claim("held"):
        done = resume_due(world.store, shell=world.shell())
    assert [(each.run_id, each.why, each.status) for each in done] == [
        ("answered", "answer arrived: gate", "completed"),
        ("timed", "timer came due: cool", "waiting"),
    ]
    assert [each.run_id for each in resume_due(world.store, shell=world.shell())] == ["held"]
    assert resume_due(world.store, shell=world.shell()) == []


def test_a_retry_that_came_due_is_made_by_due() -> None:
    retried = node("r", retry=Retry(max_attempts=2, delay=timedelta(minutes=5), jitter=0))
    world = World(lambda attempt: ERROR if attempt.number == 1 else None)
    with pytest.raises(WaitingError):
        world.start(retried, waits=False)
    assert resume_due(world.store, shell=world.shell()) == []
    world.clock.advance(timedelta(minutes=5))
    (done,) = resume_due(world.store, shell=world.shell())
    assert (done.why, done.status) == ("retry came due: r", "completed")


def test_a_damaged_run_is_told_of_and_stops_no_other() -> None:
    world = World()
    for run_id in ("bad", "good"):
        with pytest.raises(WaitingError):
            world.start(timer(), waits=False, run_id=run_id)
    log = world.store._logs["bad"]
    world.store._logs["bad"] = [log[0], log[0]]
    world.clock.advance(timedelta(hours=2))
    bad, good = resume_due(world.store, shell=world.shell())
    assert (bad.run_id, bad.status) == ("bad", "error")
    assert "event 1 may not stand there" in bad.error
    assert (good.run_id, good.status) == ("good", "completed")


def test_a_run_that_somebody_drives_is_held_for_a_resume() -> None:
    world = waiting(gate())
    with world.store.claim("r1"), pytest.raises(HeldError):
        world.resume(waits=False)
