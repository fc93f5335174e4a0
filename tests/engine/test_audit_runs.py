"""What the audit holds against containers, limits, resumes, answers and forks."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from msgspec import Raw
from msgspec.structs import replace

from indelible.definition.model import Approval, Composite, ForEach, Loop, Node
from indelible.errors import WaitingError
from indelible.events import (
    NodeCompleted,
    NodeFailed,
    NodeStarted,
    WorkflowFailed,
    WorkflowStarted,
)
from indelible.runtime.answers import approve
from indelible.runtime.fork import fork
from tests.engine.forging import (
    DIAMOND,
    Log,
    a_log,
    assert_found,
    found,
    log_of,
    place_of,
    swapped,
)
from tests.engine.given import completed, failed, node, started
from tests.runtime.worlds import PowerCut, World, cut_after

MAP = Node(id="m", body=node("x").body, for_each=ForEach(items="[1, 2]"))


@pytest.mark.parametrize("change", [{"instances": 1}, {"items_digest": "0" * 64}])
def test_a_map_over_other_items_is_found(change: dict[str, Any]) -> None:
    log = a_log(MAP)
    place = swapped(log, NodeStarted, lambda event: replace(event, **change), "m")
    assert_found(log, place, "which are not those that its for_each gives")


def test_a_container_with_the_output_of_others_is_found() -> None:
    log = a_log(MAP)
    change = ("m[1]",)
    place = swapped(log, NodeCompleted, lambda event: replace(event, output_from=change), "m")
    assert_found(log, place, "m has the output of other nodes")


def test_a_container_that_completed_though_an_item_failed_is_found() -> None:
    log = a_log(MAP, fails=("m[1]",))
    place = swapped(log, NodeFailed, lambda event: completed("m"), "m")
    assert_found(log, place, "m ended, but it was to fail")


def test_a_container_that_failed_though_nothing_in_it_did_is_found() -> None:
    inner = Composite(nodes=(node("x"),))
    log = a_log(Node(id="c", body=inner))
    place = swapped(log, NodeCompleted, lambda event: failed("c"), "c")
    assert_found(log, place, "c ended, but it was to complete")


def test_a_loop_that_went_on_though_it_was_through_is_found() -> None:
    log = a_log(
        Node(id="l", body=node("x").body, loop=Loop(until="output == 'l#1'", max_iterations=3))
    )
    place = swapped(log, NodeCompleted, lambda event: started("l#2"), "l")
    assert_found(log, place, "l#2 started, but l was to end")


def test_a_loop_that_ended_too_early_is_found() -> None:
    log = a_log(
        Node(id="l", body=node("x").body, loop=Loop(until="output == 'l#2'", max_iterations=3))
    )
    place = swapped(log, NodeStarted, lambda event: completed("l"), "l#2")
    assert_found(log, place, "l ended, but it was to go on")


def test_a_node_that_was_to_be_refused_is_found() -> None:
    log = a_log(node("a"), node("b", "a", env={"X": "${{ nodes.a.output.lost }}"}))
    place = place_of(log, NodeFailed, "b")
    log[place - 1] = completed("b"), log[place - 1][1]
    assert_found(log, place, "b was to be ended")


def test_more_attempts_at_a_time_than_there_may_be_are_found() -> None:
    log = a_log(node("a"), node("b"), max_parallel=1)
    place = place_of(log, NodeStarted, "b")
    log.insert(2, log.pop(place - 1))
    assert_found(log, 3, "max_parallel attempts ran already")


def test_a_start_after_a_failure_that_was_to_end_all_is_found() -> None:
    log = a_log(node("a"), node("b"), max_parallel=1, fails=("a",), fail_fast=True)
    place = swapped(log, WorkflowFailed, lambda event: started("b"))
    assert_found(log, place, "the run was to fail as it stood")


def interrupted_log() -> Log:
    world = World()
    world.watch = cut_after(4)
    with pytest.raises(PowerCut):
        world.start(*DIAMOND)
    world.watch = lambda state, events: None
    world.resume()
    log = log_of(world)
    assert found(log) is None
    return log


@pytest.mark.parametrize(
    ("field", "value", "text"),
    [
        ("interrupted", ("b",), "lists b as interrupted"),
        ("reset", ("a",), "lists a as reset"),
        ("reset_explicitly", ("zzz",), "resets zzz, which is not a node"),
        ("changed", ("a",), "lists a as changed"),
        ("workflow", "v", "names the workflow v"),
        ("definition_digest", "0" * 64, "is that of another definition"),
        ("deadline", datetime.fromisoformat("2030-01-01T00:00:00Z"), "there is no timeout"),
    ],
)
def test_a_resume_that_tells_something_else_is_found(field: str, value: object, text: str) -> None:
    log = interrupted_log()
    place = next(
        at
        for at, (event, _) in enumerate(log, start=1)
        if isinstance(event, WorkflowStarted) and event.attempt == 2
    )
    event, at = log[place - 1]
    log[place - 1] = replace(event, **{field: value}), at
    assert_found(log, place, text)


def test_a_definition_under_another_digest_is_found() -> None:
    log = a_log(*DIAMOND)
    change = "0" * 64
    swapped(log, WorkflowStarted, lambda event: replace(event, definition_digest=change))
    assert_found(log, 1, "definition_digest is that of another definition")


def test_time_that_runs_backwards_is_found() -> None:
    log = a_log(*DIAMOND)
    log[3] = log[3][0], log[3][1] - timedelta(seconds=1)
    assert_found(log, 4, "earlier than the event before it")


def an_answered_log() -> Log:
    world = World()
    gate = Approval(message="Go?", answer_schema={"type": "integer"})
    with pytest.raises(WaitingError):
        world.start(Node(id="gate", body=gate), waits=False)
    approve(world.store, "r1", "gate", answer=3, by="me", now=world.clock)
    world.resume()
    log = log_of(world)
    assert found(log) is None
    return log


@pytest.mark.parametrize(
    ("output", "text"),
    [
        (
            b'{"choice":"maybe","by":"me","at":"2026-01-01T00:00:00Z","answer":3}',
            "not one of its choices",
        ),
        (
            b'{"choice":"reject","by":"me","at":"2026-01-01T00:00:00Z","answer":3}',
            "not one of its choices",
        ),
        (
            b'{"choice":"approve","by":"me","at":"2026-01-01T00:00:00Z","answer":"x"}',
            "does not fit its schema",
        ),
        (b'{"choice":"approve","by":"me","at":"2126-01-01T00:00:00Z"}', "after it was written"),
        (b"3", "is no answer"),
    ],
)
def test_an_answer_that_nobody_can_give_is_found(output: bytes, text: str) -> None:
    log = an_answered_log()
    place = swapped(log, NodeCompleted, lambda event: replace(event, output=Raw(output)))
    assert_found(log, place, text)


def test_a_fork_passes_and_goes_on_only_with_a_resume() -> None:
    world = World()
    world.start(*DIAMOND)
    fork(world.store, "r1", at=4, run_id_of_fork="r2")
    log = log_of(world, "r2")
    assert found(log) is None
    assert_found([*log, (started("b"), log[-1][1])], len(log) + 1, "nobody drives the run")


def test_an_event_with_a_time_of_its_own_is_found_where_nothing_was_forked() -> None:
    log = a_log(*DIAMOND)
    place = swapped(log, NodeStarted, lambda event: replace(event, at=log[0][1]), "b")
    assert_found(log, place, "as if of a fork")


def test_a_finding_says_what_can_be_done() -> None:
    log = a_log(*DIAMOND)
    swapped(log, NodeStarted, lambda event: started("b", 2), "b")
    finding = found(log)
    assert finding is not None
    assert "verify --head" in finding.hint
    assert f"indelible fork r1 --at {finding.sequence - 1}" in finding.hint
