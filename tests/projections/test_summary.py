"""The summary agrees with the state that the engine folds, whatever happened to the run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from indelible.definition.model import Approval, Definition, Node
from indelible.definition.normal import encode_definition
from indelible.engine.fold import fold
from indelible.errors import CorruptLogError, NewerLogError
from indelible.events import (
    BlobRef,
    Event,
    NodeError,
    NodeFailed,
    NodeStarted,
    Sealed,
    Waiting,
    WorkflowCancelled,
    WorkflowCompleted,
    WorkflowFailed,
)
from indelible.plan import make_plan
from indelible.projections.standing import Standing, standing_of
from indelible.projections.summary import summarise
from indelible.runtime import drive
from indelible.stores.codec import open_event
from indelible.stores.memory import MemoryStore
from indelible.testing.logs import BEGINNING, sealed_log
from tests.engine.given import completed, failed, node, opened, ran, skipped, started
from tests.properties.test_any_death import Death, World, graphs
from tests.properties.test_nested_deaths import FAILING, FLOWS, run_with_deaths
from tests.properties.test_nested_deaths import World as Nested

TWO = Definition(name="w", nodes=(node("a"), node("b", "a", allow_failure=True)))
BEGUN = opened(definition=Raw(encode_definition(TWO)))
ERROR = NodeError(type="ExitCode", message="exit code 1")


def log_of(*events: Event) -> tuple[Sealed, ...]:
    return sealed_log("r1", [BEGUN, *events])


@given(
    nodes=graphs(),
    failures=st.dictionaries(st.sampled_from([f"n{number}" for number in range(8)]), st.just(4)),
    share=st.floats(0, 1),
)
def test_it_says_what_the_engine_folds_after_every_event(
    nodes: tuple[Node, ...], failures: dict[str, int], share: float
) -> None:
    world = World(failures)
    flow = Definition(name="w", nodes=nodes)
    drive.start(world.store, flow, {}, run_id="r1", shell=world.shell(None))
    drive.resume(world.store, "r1", shell=world.shell(None))
    assert_agrees(flow, list(world.store.read("r1")), share)


@given(flow=FLOWS, failing=FAILING, steps=st.lists(st.integers(1, 6), max_size=6), data=st.data())
def test_it_says_what_the_engine_folds_of_nodes_inside_nodes_too(
    flow: Definition, failing: list[int], steps: list[int], data: st.DataObject
) -> None:
    world = Nested(failing)
    state = run_with_deaths(world, flow, steps)
    names = data.draw(st.lists(st.sampled_from(sorted(state.nodes)), max_size=2, unique=True))
    with suppress(Death):
        drive.resume(world.store, "r1", from_nodes=names, shell=world.shell(state.sequence + 3))
    assert_agrees(flow, world.events(), data.draw(st.floats(0, 1)))


def test_nodes_are_those_of_the_definition_that_the_run_goes_on_with() -> None:
    three = Definition(name="w", nodes=(node("a"), node("c", "a"), node("d", "a")))
    changed = opened(attempt=2, definition=Raw(encode_definition(three)))
    found = summarise(log_of(*ran("a"), changed, started("c")))
    assert found.nodes == {"success": 1, "running": 1, "pending": 1}


MIXED = Definition(name="w", nodes=(node("a"), Node(id="gate", body=Approval(message="?"))))
ASKED = NodeStarted(node_id="gate", attempt=1, waiting=Waiting(message="?"))
STANDINGS: list[tuple[list[Event], Standing]] = [
    ([], Standing.INTERRUPTED),
    ([started("a")], Standing.INTERRUPTED),
    ([started("a"), ASKED], Standing.INTERRUPTED),
    ([*ran("a"), ASKED], Standing.WAITING),
    ([*ran("a"), ASKED, completed("gate")], Standing.INTERRUPTED),
    ([started("a"), failed("a", retry_at=BEGINNING)], Standing.WAITING),
    ([started("a"), failed("a", kind="Interrupted", retry_at=BEGINNING)], Standing.INTERRUPTED),
    ([*ran("a"), ASKED, completed("gate"), WorkflowCompleted()], Standing.COMPLETED),
    ([*ran("a"), ASKED, WorkflowCancelled(reason="", by="me")], Standing.CANCELLED),
]


@pytest.mark.parametrize(("events", "expected"), STANDINGS)
def test_a_run_that_nobody_drives_waits_or_was_interrupted_or_has_ended(
    events: list[Event], expected: Standing
) -> None:
    begun = opened(definition=Raw(encode_definition(MIXED)))
    state = fold(make_plan(MIXED), "r1", [begun, *events])
    log = sealed_log("r1", [begun, *events])
    driven = {Standing.INTERRUPTED: Standing.RUNNING}.get(expected, expected)
    assert summarise(log).status is standing_of(state, has_driver=False) is expected
    assert summarise(log, driver="pid 7").status is standing_of(state, has_driver=True) is driven


def assert_agrees(flow: Definition, log: Sequence[Sealed], share: float) -> None:
    cut = log[: max(1, round(share * len(log)))]
    state = fold(make_plan(flow), "r1", map(open_event, cut))
    found = summarise(cut)
    assert found.nodes == Counter(node.status.value for node in state.nodes.values())
    assert (found.status, found.attempt) == (standing_of(state, has_driver=False), state.attempt)
    assert found.error == state.error
    assert (found.events, found.total) == (len(cut), len(state.nodes))


def test_a_run_that_goes_on_has_not_ended() -> None:
    found = summarise(log_of(started("a")))
    assert found.status is Standing.INTERRUPTED
    assert summarise(log_of(started("a")), driver="pid 7").status is Standing.RUNNING
    assert found.ended_at is None
    assert found.started_at == BEGINNING + timedelta(seconds=1)
    assert found.nodes == {"running": 1, "pending": 1}


@pytest.mark.parametrize(
    ("ends", "status"),
    [
        ([*ran("a", "b"), WorkflowCompleted()], Standing.COMPLETED),
        ([started("a"), failed("a"), WorkflowFailed(error=ERROR)], Standing.FAILED),
        ([WorkflowCancelled(reason="", by="me")], Standing.CANCELLED),
    ],
)
def test_a_run_ends_with_its_last_event(ends: list[Event], status: Standing) -> None:
    found = summarise(log_of(*ends))
    assert found.status is status
    assert found.ended_at == BEGINNING + timedelta(seconds=1 + len(ends))
    assert found.error == (ERROR if status is Standing.FAILED else None)


def test_nodes_are_counted_by_how_they_ended() -> None:
    allowed = summarise(log_of(*ran("a"), started("b"), failed("b")))
    assert allowed.nodes == {"success": 1, "allowed": 1}
    blocked = summarise(log_of(started("a"), failed("a"), skipped("b", upstream_failed=True)))
    assert blocked.nodes == {"failed": 1, "upstream_failed": 1}
    stopped = summarise(log_of(*ran("a"), started("b"), failed("b", kind="Stopped")))
    assert stopped.nodes == {"success": 1, "failed": 1}


def test_a_resume_takes_back_what_it_resets_and_what_was_interrupted() -> None:
    again = opened(attempt=2, interrupted=("b",), reset=("a",))
    found = summarise(log_of(*ran("a"), started("b"), again))
    assert found.nodes == {"pending": 1, "interrupted": 1}
    assert found.attempt == 2


def test_an_output_is_never_decoded() -> None:
    broken = completed("a", output=b"[")
    sealed = log_of(started("a"), completed("a", output=b'"' + b"x" * 9 + b'"'), broken)
    assert summarise(sealed[:-1]).nodes == {"success": 1, "pending": 1}


def test_a_definition_kept_elsewhere_is_handed_in() -> None:
    ref = BlobRef(sha256="0" * 64, bytes=1)
    sealed = sealed_log("r1", [opened(definition_blob=ref), started("a")])
    assert summarise(sealed).total == 1
    assert summarise(sealed, definition_in=lambda opening: encode_definition(TWO)).total == 2


def test_a_log_that_does_not_begin_with_a_start_is_corrupt() -> None:
    with pytest.raises(CorruptLogError, match="the first event is node_started"):
        summarise(sealed_log("r1", [NodeStarted(node_id="a", attempt=1)]))


def test_a_payload_that_is_none_is_corrupt_and_says_which() -> None:
    first, second = log_of(started("a"))
    with pytest.raises(CorruptLogError, match=r"run r1: event 2 \(node_started\)"):
        summarise([first, msgspec.structs.replace(second, payload=b'{"node_id":1}')])


def test_a_log_of_a_later_format_is_newer() -> None:
    later = msgspec.structs.replace(BEGUN, format=99)
    with pytest.raises(NewerLogError, match="written in format 99"):
        summarise(sealed_log("r1", [later]))


def test_a_retry_is_not_an_end() -> None:
    retry = NodeFailed(node_id="a", attempt=1, error=ERROR, retry_at=BEGINNING)
    assert summarise(log_of(started("a"), retry)).nodes == {"retrying": 1, "pending": 1}


def test_the_memory_store_is_enough_for_all_of_it() -> None:
    store = MemoryStore()
    store.append("r1", log_of(started("a")), expected=0)
    assert summarise(store.read("r1")).events == 2
