"""What the log of a killed and resumed run must look like, whichever store it is in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec

from indelible import get_run, open_store
from indelible.events import Sealed


def events_of(store: str, run_id: str) -> list[Sealed]:
    """The log, its chain verified, its order judged; empty if there is no run yet."""
    opened = open_store(store)
    try:
        if run_id not in set(opened.runs()):
            return []
        return list(get_run(opened, run_id).events())
    finally:
        opened.close()


def nodes_of(events: Sequence[Sealed], event_type: str) -> list[str]:
    """The nodes of all events of one type, in the order of the log."""
    return [
        msgspec.json.decode(event.payload)["node_id"]
        for event in events
        if event.event_type == event_type
    ]


def last_interrupted(events: Sequence[Sealed]) -> list[str]:
    """The nodes that were in flight when the last attempt but one at the run died."""
    starts = [event for event in events if event.event_type == "workflow_started"]
    found: list[str] = msgspec.json.decode(starts[-1].payload).get("interrupted", [])
    return found


def assert_nothing_ran_twice(before: Sequence[Sealed], after: Sequence[Sealed]) -> None:
    """``before`` begins ``after``; every node completed once; what had did not start again."""
    assert list(after[: len(before)]) == list(before)
    assert after[-1].event_type == "workflow_completed"
    completed = Counter(nodes_of(after, "node_completed"))
    assert set(completed.values()) == {1}
    started_again = nodes_of(after[len(before) :], "node_started")
    assert not set(nodes_of(before, "node_completed")) & set(started_again)
