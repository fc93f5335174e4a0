"""Why a node is where it is: one test per answer."""

from __future__ import annotations

from datetime import timedelta

import pytest

from indelible.definition.model import Approval, Bash, Composite, ForEach, Node, TriggerRule, Wait
from indelible.engine.state import RunState
from indelible.engine.status import NodeStatus
from indelible.errors import NotFoundError
from indelible.events import NodeSkipped, NodeStarted, Waiting
from indelible.projections.explain import _WHY, Explanation, explain
from tests.engine.given import AT, chain, failed, node, opened, plan, ran, skipped, started, state


def one(of: RunState, node_id: str) -> Explanation:
    (found,) = explain(of, node_id)
    return found


def test_every_status_has_an_answer() -> None:
    assert set(_WHY) == set(NodeStatus)


def test_a_node_that_is_pending_names_the_upstream_it_waits_for() -> None:
    found = one(state(chain(3), opened(), started("n1")), "n2")
    assert found.says == ("waits for n1 to end",)
    assert found.upstream == {"n1": "running"}


def test_a_node_that_nothing_holds_back_may_wait_for_a_place() -> None:
    flow = plan(node("a"), node("b"), max_parallel=1)
    assert "max_parallel" in one(state(flow, opened(), started("a")), "b").says[0]
    assert one(state(plan(node("a")), opened()), "a").says == ("may start now",)


def test_a_skip_names_its_rule_its_upstream_and_the_root_cause() -> None:
    flow = plan(node("a"), node("b", "a"), node("c", "b"))
    found = one(
        state(
            flow,
            opened(),
            started("a"),
            failed("a"),
            skipped("b", upstream_failed=True),
            skipped("c", upstream_failed=True),
        ),
        "c",
    )
    assert found.says[0] == (
        "its trigger rule all_success was not met: of its upstream, 1 upstream_failed"
    )
    assert [(cause.node_id, cause.status, cause.error) for cause in found.causes] == [
        ("a", "failed", "ExitCode: it failed")
    ]
    assert str(found).endswith("root cause: a (failed): ExitCode: it failed")


def test_a_condition_that_did_not_hold_is_quoted() -> None:
    flow = plan(node("a", when="inputs.n > 3"))
    event = NodeSkipped(node_id="a", reason="when", when="inputs.n > 3")
    assert one(state(flow, opened(), event), "a").says == (
        "its condition did not hold: inputs.n > 3",
    )


def test_what_waits_says_for_what() -> None:
    flow = plan(
        Node(id="w", body=Wait(duration=timedelta(hours=1))),
        Node(id="g", body=Approval(message="Publish?")),
    )
    asked = Waiting(message="Publish?", choices=("yes", "no"))
    now = state(
        flow,
        opened(),
        NodeStarted(node_id="w", attempt=1, waiting=Waiting(until=AT)),
        NodeStarted(node_id="g", attempt=1, waiting=asked),
    )
    assert one(now, "w").says == (f"waits until {AT}",)
    assert one(now, "g").says == (
        "waits for an answer to: Publish? (yes | no)",
        "answer it: indelible approve r1 g",
    )


def test_what_is_kept_and_what_is_executed_again_says_so() -> None:
    now = state(
        chain(3),
        opened(),
        ran("n1"),
        started("n2"),
        opened(2, interrupted=("n2",)),
    )
    assert "keeps its output" in one(now, "n1").says[0]
    assert "executed again" in one(now, "n2").says[0]
    again = state(chain(1), opened(), ran("n1"), opened(2, reset=("n1",), reset_explicitly=("n1",)))
    assert one(again, "n1").says == ("may start now",)
    again = state(
        chain(1),
        opened(),
        ran("n1"),
        opened(2, reset=("n1",), reset_explicitly=("n1",)),
        started("n1", 2),
    )
    assert one(again, "n1").says[1] == (
        "of its 2 attempts: 1 begun anew because somebody asked for it"
    )


def test_failures_and_retries_carry_their_error() -> None:
    now = state(chain(1), opened(), started("n1"), failed("n1", retry_at=AT))
    assert one(now, "n1").says[0].startswith("attempt 1 failed (ExitCode: it failed); tried again")
    now = state(chain(1), opened(), started("n1"), failed("n1"))
    assert "failed for good (ExitCode: it failed)" in one(now, "n1").says[0]
    flow = plan(node("a", allow_failure=True))
    assert "allow_failure" in one(state(flow, opened(), started("a"), failed("a")), "a").says[0]


def test_a_container_names_what_is_open_inside_it() -> None:
    body = Composite(nodes=(node("a"), node("b", "a", trigger_rule=TriggerRule.ALL_DONE)))
    flow = plan(Node(id="c", body=body))
    now = state(flow, opened(), started("c"), ran("c/a"))
    assert one(now, "c").says == ("waits for c/b inside it",)
    many = plan(Node(id="m", body=Bash(command="true"), for_each=ForEach(items="range(30)")))
    now = state(many, opened(), NodeStarted(node_id="m", attempt=1, instances=30))
    assert one(now, "m").says[0].endswith("m[9] and 20 more inside it")


def test_without_a_node_all_of_them_are_explained() -> None:
    assert [each.node_id for each in explain(state(chain(2), opened()))] == ["n1", "n2"]
    with pytest.raises(NotFoundError, match="no node 'x'"):
        explain(state(chain(2), opened()), "x")
