"""When a failure is tried again."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indelible.definition.model import OnInterrupt, Retry
from indelible.engine.retry import delay_after, retry_at
from indelible.events import NodeError
from tests.engine.given import AT, failed, node, opened, plan, started, state

BOOM = NodeError(type="ValueError", message="no", bases=("Exception",))
PLAIN = Retry(max_attempts=3, delay=timedelta(seconds=2), jitter=0.0)


def test_without_a_policy_a_failure_is_final() -> None:
    found = state(plan(node("a")), opened(), started("a")).nodes["a"]
    assert retry_at(found, BOOM, now=AT, roll=0.5) is None


def test_attempts_count_the_first() -> None:
    flow = plan(node("a", retry=PLAIN))
    first = (opened(), started("a"))
    assert retry_at(state(flow, *first).nodes["a"], BOOM, now=AT, roll=0.5) == AT + timedelta(
        seconds=2
    )
    second = (*first, failed("a", retry_at=AT), started("a", 2))
    assert retry_at(state(flow, *second).nodes["a"], BOOM, now=AT, roll=0.5) == AT + timedelta(
        seconds=4
    )
    third = (*second, failed("a", 2, retry_at=AT), started("a", 3))
    assert retry_at(state(flow, *third).nodes["a"], BOOM, now=AT, roll=0.5) is None


@pytest.mark.parametrize(
    ("on", "is_retried"),
    [((), True), (("ValueError",), True), (("Exception",), True), (("Timeout", "KeyError"), False)],
)
def test_a_policy_covers_the_types_it_names_and_what_derives_from_them(
    on: tuple[str, ...], is_retried: bool
) -> None:
    flow = plan(node("a", retry=Retry(max_attempts=2, on=on)))
    found = retry_at(state(flow, opened(), started("a")).nodes["a"], BOOM, now=AT, roll=0.5)
    assert (found is not None) is is_retried


def test_an_interrupted_attempt_is_due_at_once_whatever_the_policy() -> None:
    error = NodeError(type="Interrupted", message="")
    rerun = state(plan(node("a")), opened(), started("a")).nodes["a"]
    assert retry_at(rerun, error, now=AT, roll=0.5) == AT
    final = state(plan(node("a", on_interrupt=OnInterrupt.FAIL)), opened(), started("a")).nodes["a"]
    assert retry_at(final, error, now=AT, roll=0.5) is None


def test_a_stopped_node_is_not_retried() -> None:
    found = state(plan(node("a", retry=PLAIN)), opened(), started("a")).nodes["a"]
    assert retry_at(found, NodeError(type="Stopped", message=""), now=AT, roll=0.5) is None


@given(tries=st.integers(1, 5000), roll=st.floats(0, 1))
def test_no_wait_is_longer_than_the_longest_and_its_jitter(tries: int, roll: float) -> None:
    policy = Retry(delay=timedelta(seconds=3), backoff=2.5, max_delay=timedelta(minutes=1))
    assert timedelta(0) < delay_after(policy, tries, roll) <= timedelta(seconds=66)
