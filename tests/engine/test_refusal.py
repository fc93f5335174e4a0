"""A node whose expression has no value begins and fails in one append; a crash may part the two."""

from __future__ import annotations

import pytest

from indelible.definition.model import Approval, Bash, Composite, ForEach, Loop, Node, Wait
from indelible.engine.actions import FailNode, FailRun, RefuseNode, events_of
from indelible.engine.decide import decide
from indelible.engine.fold import evolve
from indelible.engine.resume import resumption
from indelible.events import NodeStarted
from tests.engine.given import AT, node, opened, plan, state

NO_VALUE = "nodes.a.output.missing"
REFUSED = {
    "attempt": Node(id="b", body=Bash(command="true"), env={"X": f"${{{{ {NO_VALUE} }}}}"}),
    "condition": Node(id="b", body=Bash(command="true"), when=NO_VALUE),
    "map": Node(id="b", body=Bash(command="true"), for_each=ForEach(items=NO_VALUE)),
    "approval": Node(id="b", body=Approval(message=f"${{{{ {NO_VALUE} }}}}")),
    "timer": Node(id="b", body=Wait(until=f"${{{{ {NO_VALUE} }}}}")),
    "composite": Node(id="b", body=Composite(nodes=(node("in"),)), when=NO_VALUE),
    "loop": Node(
        id="b", body=Bash(command="true"), when=NO_VALUE, loop=Loop(until="true", max_iterations=3)
    ),
}


@pytest.mark.parametrize("refused", REFUSED.values(), ids=REFUSED)
def test_a_refusal_cut_in_two_by_a_crash_is_a_failure_all_the_same(refused: Node) -> None:
    before = state(plan(refused), opened())
    (action,) = decide(before, AT, {})
    assert isinstance(action, RefuseNode)
    begun, ended = events_of(action, lambda value: pytest.fail("nothing is kept"))
    assert isinstance(begun, NodeStarted)
    evolve(before, begun)
    interrupted = resumption(before).interrupted
    evolve(before, opened(attempt=2, interrupted=tuple(interrupted)))
    assert decide(before, AT, {}) == (FailNode("b", 1, action.error),)
    assert not before.running
    evolve(before, ended)
    (end,) = decide(before, AT, {})
    assert isinstance(end, FailRun)
    assert end.event.failed == ("b",)
