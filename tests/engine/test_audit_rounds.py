"""A run that failed fast: what came up before must have been done, what came up with it not."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from indelible.definition.model import Composite, Loop, Node, Wait
from indelible.events import NodeCompleted, NodeFailed, NodeSkipped, NodeStarted
from tests.engine.forging import Log, a_log, assert_found, found, place_of
from tests.engine.given import node

NOW = Wait(duration=timedelta(0))
ENDLESS = Loop(until="output == 'enough'", max_iterations=2)


def a_fast_failure(*more: Node) -> Log:
    """A loop that runs out of iterations, all of it in one turn, beside ``more``."""
    return a_log(*more, Node(id="loop", body=NOW, loop=ENDLESS), fail_fast=True, max_parallel=0)


@pytest.mark.parametrize(
    ("beside", "kind"),
    [
        (Node(id="a", body=NOW, when="false"), NodeSkipped),
        (Node(id="a", body=NOW), NodeCompleted),
        (replace(node("a"), when="false"), NodeSkipped),
    ],
    ids=["a skip", "a timer", "a skip of an attempt"],
)
def test_what_was_to_be_done_before_is_missed(beside: Node, kind: type) -> None:
    log = a_fast_failure(beside)
    del log[place_of(log, kind, "a") - 1]
    assert_found(log, len(log), "the run failed fast, but a was to go on before")


def test_what_came_up_in_the_round_of_the_failure_may_be_left() -> None:
    """The box is through in the very round in which the loop fails."""
    inner = (Node(id="x", body=NOW), Node(id="y", body=NOW, depends_on=("x",)))
    box = Node(id="box", body=Composite(nodes=inner))
    log = a_fast_failure(box, Node(id="behind", body=NOW, depends_on=("box",)))
    ends = [event.node_id for event, _ in log if isinstance(event, NodeFailed | NodeCompleted)]
    starts = [event.node_id for event, _ in log if isinstance(event, NodeStarted)]
    assert ends[-2:] == ["box", "loop"]
    assert "behind" not in starts
    assert found(log) is None
