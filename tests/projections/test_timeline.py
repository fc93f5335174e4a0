"""When nodes began and ended."""

from __future__ import annotations

from datetime import datetime, timedelta

from indelible.events import Event, NodeCompleted
from indelible.projections.timeline import NodeTimes, node_times
from indelible.testing.logs import BEGINNING, sealed_log
from tests.engine.given import AT, failed, opened, skipped, started


def times(*events: Event) -> dict[str, NodeTimes]:
    """The events are a second apart; the first of them is the second of the log."""
    return node_times(sealed_log("r1", [opened(), *events]))


def second(number: int) -> datetime:
    return BEGINNING + timedelta(seconds=number)


DONE = NodeCompleted(node_id="a", attempt=1, duration=0.25)


def test_a_node_runs_from_its_start_to_its_end() -> None:
    assert times(started("a"))["a"] == NodeTimes(second(2), None, None, 1)
    assert times(started("a"), DONE)["a"] == NodeTimes(second(2), second(3), 0.25, 1)


def test_a_retry_begins_anew_and_is_counted() -> None:
    again = failed("a", retry_at=AT)
    assert times(started("a"), again)["a"].ended is None
    assert times(started("a"), again, started("a", 2))["a"] == NodeTimes(second(4), None, None, 2)


def test_a_skipped_node_ended_without_a_beginning() -> None:
    assert times(skipped("a"))["a"] == NodeTimes(None, second(2), None, 0)


def test_a_reset_forgets_all_but_the_attempts() -> None:
    found = times(started("a"), failed("a"), opened(attempt=2, reset=("a",)))
    assert found["a"] == NodeTimes(attempts=1)


def test_a_node_that_no_event_names_has_no_times() -> None:
    assert times() == {}
