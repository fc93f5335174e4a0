"""What a resume takes up again: one test per row of the contract's table, section 5."""

from __future__ import annotations

from indelible.definition.model import TriggerRule
from indelible.engine.resume import resumption
from tests.engine.given import AT, chain, failed, node, opened, plan, ran, skipped, started, state


def test_completed_nodes_stay_and_those_in_flight_are_interrupted() -> None:
    again = resumption(state(chain(5), opened(), ran("n1", "n2", "n3"), started("n4")))
    assert (again.interrupted, again.reset) == (("n4",), ())


def test_a_failed_node_and_what_was_skipped_below_it_begin_anew() -> None:
    flow = plan(node("a"), node("b", "a"), node("c", "b"), node("other"))
    again = resumption(
        state(
            flow,
            opened(),
            started("a"),
            failed("a"),
            skipped("b", upstream_failed=True),
            skipped("c", upstream_failed=True),
            ran("other"),
        )
    )
    assert again.reset == ("a", "b", "c")


def test_a_skip_behind_a_completed_node_is_judged_again_too() -> None:
    flow = plan(
        node("a"),
        node("clean", "a", trigger_rule=TriggerRule.ALL_DONE),
        node("c", "clean", when="nodes.a.status == 'success'"),
    )
    again = resumption(state(flow, opened(), started("a"), failed("a"), ran("clean"), skipped("c")))
    assert again.reset == ("a", "c")


def test_a_skip_with_nothing_failed_above_it_stays() -> None:
    flow = plan(node("a"), node("b", "a"), node("x"))
    again = resumption(state(flow, opened(), ran("a"), skipped("b"), started("x"), failed("x")))
    assert again.reset == ("x",)


def test_an_allowed_failure_keeps_its_outcome() -> None:
    flow = plan(node("a", allow_failure=True), node("b", "a"))
    again = resumption(state(flow, opened(), started("a"), failed("a"), started("b")))
    assert (again.interrupted, again.reset) == (("b",), ())


def test_a_stopped_node_begins_anew() -> None:
    again = resumption(state(chain(2), opened(), started("n1"), failed("n1", kind="Stopped")))
    assert again.reset == ("n1",)


def test_a_node_that_waits_for_its_retry_goes_on_waiting() -> None:
    again = resumption(state(chain(2), opened(), started("n1"), failed("n1", retry_at=AT)))
    assert (again.interrupted, again.reset) == ((), ())
