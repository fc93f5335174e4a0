"""Nodes that begin anew: what is lost with them, and what outlives it."""

from __future__ import annotations

import pytest

from indelible.definition.model import Bash, Composite, Definition, Input, Loop, Node
from indelible.engine.decide import decide
from indelible.engine.fold import evolve
from indelible.engine.replan import replan
from indelible.engine.resume import resumption
from indelible.errors import IllegalEventError
from indelible.plan import Plan, make_plan
from tests.engine.given import (
    AT,
    completed,
    failed,
    node,
    opened,
    plan,
    ran,
    started,
    state,
)


def looped() -> Plan:
    loop = Loop(until="output > 9", max_iterations=5)
    return plan(Node(id="r", body=Bash(command="true"), loop=loop), node("z", "r"))


def test_iterations_after_the_one_that_begins_anew_are_lost() -> None:
    current = state(looped(), opened(), started("r"), ran("r#1", "r#2", "r#3"))
    again = resumption(current, ["r#2", "r#3"])
    assert again.reset == again.reset_explicitly == ("r#2",)
    evolve(current, opened(2, reset=("r#2",), reset_explicitly=("r#2",)))
    assert list(current.nodes) == ["r", "z", "r#1", "r#2"]
    assert current.nodes["r"].open_children == 1
    evolve(current, started("r#2", 2))
    evolve(current, completed("r#2", 2, b"1"))
    evolve(current, started("r#3", 2))
    assert (current.nodes["r#3"].attempt, current.nodes["r#3"].resets) == (2, 1)
    with pytest.raises(IllegalEventError, match="as attempt 3 after attempt 0"):
        evolve(state(looped(), opened(), started("r")), started("r#1", 3))


def test_what_is_lost_with_another_cannot_be_reset_beside_it() -> None:
    flow = plan(Node(id="c", body=Composite(nodes=(node("a"),))))
    current = state(flow, opened(), started("c"), ran("c/a"), completed("c"))
    with pytest.raises(IllegalEventError, match="c/a, which is lost with another"):
        evolve(current, opened(2, reset=("c", "c/a")))


def test_what_is_behind_a_reset_node_is_reset_whatever_became_of_it() -> None:
    flow = plan(node("a"), node("b", "a"), node("c", "b"), node("d", "c"), node("x"))
    current = state(flow, opened(), ran("a", "b", "x"), started("c"), failed("c", retry_at=AT))
    again = resumption(current, ["a"])
    assert again.reset == ("a", "b", "c")
    evolve(current, opened(2, reset=again.reset, reset_explicitly=again.reset_explicitly))
    assert [each.status.value for each in current.nodes.values()] == [
        *("pending", "pending", "pending", "pending", "success")
    ]
    assert [each.missing for each in current.nodes.values()] == [0, 1, 1, 1, 0]
    assert list(current.retries) == []
    assert [action.node_id for action in decide(current, AT, {})] == ["a"]  # type: ignore[union-attr]


def test_places_of_what_is_forgotten_are_free_again() -> None:
    body = Composite(nodes=(node("x"),), is_isolated=True, inputs={"day": Input(required=True)})
    flow = plan(Node(id="c", body=body, allow_failure=True), node("z", "c"), max_parallel=1)
    current = state(flow, opened(), started("c"), failed("c"))
    assert current.gate is not None
    assert list(current.ready) == [current.nodes["z"].serial]
    assert current.gate.inside == 1


def test_under_a_changed_definition_what_was_done_stands() -> None:
    flow = plan(node("a"), node("b", "a"), node("gone"))
    current = state(flow, opened(), ran("a"), opened(2))
    new = (node("a"), node("new", "a"), node("b", "a"), node("z", "b", "new"))
    after = replan(current, make_plan(Definition(name="w", nodes=new)))
    assert {name: each.status.value for name, each in after.nodes.items()} == {
        "a": "success",
        "new": "pending",
        "b": "pending",
        "z": "pending",
    }
    assert (after.open_nodes, after.nodes["z"].missing, after.nodes["b"].missing) == (3, 2, 0)
    assert list(after.ready) == [1, 2]


def test_a_definition_that_changes_what_was_done_is_illegal() -> None:
    flow = plan(node("a"), node("b", "a"))
    changed = plan(Node(id="a", body=Bash(command="false")), node("b", "a"))
    with pytest.raises(IllegalEventError, match="changes a, which is success"):
        replan(state(flow, opened(), ran("a"), opened(2)), changed)
    with pytest.raises(IllegalEventError, match="changes a, which is success"):
        replan(state(flow, opened(), ran("a"), opened(2)), plan(node("b")))
