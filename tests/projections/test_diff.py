"""Where two runs part."""

from __future__ import annotations

from msgspec import Raw

from indelible.definition.model import Bash, Node
from indelible.projections.diff import Difference, diff
from tests.engine.given import chain, completed, failed, node, opened, plan, ran, started, state


def test_two_runs_that_did_the_same_do_not_differ() -> None:
    found = diff(state(chain(2), opened(), ran("n1")), state(chain(2), opened(), ran("n1")))
    assert found.first is None
    assert found.has_same_definition
    assert found.has_same_inputs
    assert "every node is the same" in str(found)


def test_runs_part_at_the_first_node_with_another_outcome() -> None:
    left = state(chain(3), opened(), ran("n1", "n2"))
    right = state(chain(3), opened(), ran("n1"), started("n2"), failed("n2"))
    found = diff(left, right)
    assert found.first == Difference("n2", "status", "success", "failed (ExitCode)")
    assert "they part at n2" in str(found)
    assert "n2: another status: success / failed (ExitCode)" in str(found)


def test_another_output_is_a_difference() -> None:
    begun = (opened(), started("n1"))
    left = state(chain(1), *begun, completed("n1", output=b"1"))
    right = state(chain(1), *begun, completed("n1", output=b"2"))
    assert diff(left, right).first == Difference("n1", "output")


def test_inputs_and_definitions_are_compared() -> None:
    left = state(plan(node("a"), node("b")), opened(inputs=Raw(b'{"n":1}')))
    other = plan(Node(id="a", body=Bash(command="false")), node("c"))
    found = diff(left, state(other, opened(inputs=Raw(b'{"n":2}'))))
    assert not found.has_same_definition
    assert not found.has_same_inputs
    assert [(each.node_id, each.what) for each in found.differences] == [
        ("a", "definition"),
        ("b", "absent"),
        ("c", "absent"),
    ]
    assert "b: only in r1" in str(found)
