"""Random graphs, rules, failures and deaths: the outcome depends on none of the deaths.

A driver dies after a random event, again and again; each time another resumes.  In the end every
node has the outcome that it has in a run nobody disturbed, and the log is legal to its last event.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from indelible.definition.model import Definition, Node, Retry, TriggerRule
from indelible.engine.state import RunState
from indelible.events import NodeError, Sealed
from indelible.executors.port import Attempt
from indelible.runtime import drive
from indelible.runtime.drive import Shell
from indelible.runtime.log import open_log
from indelible.stores.memory import MemoryStore
from indelible.testing.worlds import Clock, ScriptedExecutor
from indelible.values import Json
from tests.engine.given import node

MAX_NODES = 8


class Death(BaseException):
    """The driver is gone."""


@st.composite
def graphs(draw: st.DrawFn) -> tuple[Node, ...]:
    """Any graph of up to eight nodes, with any rules, conditions, retries and allowances."""
    nodes: list[Node] = []
    for number in range(draw(st.integers(1, MAX_NODES))):
        known = [known.id for known in nodes]
        upstream = draw(st.lists(st.sampled_from(known), unique=True, max_size=3)) if known else []
        retry = Retry(max_attempts=draw(st.integers(1, 3)), delay=timedelta(seconds=1), jitter=0)
        nodes.append(
            node(
                f"n{number}",
                *upstream,
                trigger_rule=draw(st.sampled_from(TriggerRule)),
                when=draw(st.sampled_from([None, None, None, "true", "false"])),
                retry=draw(st.sampled_from([None, retry])),
                allow_failure=draw(st.booleans()),
                max_interruptions=1000,
            )
        )
    return tuple(nodes)


class World:
    """Nodes fail a given number of times, counted over all drivers by recorded failures."""

    def __init__(self, failures: dict[str, int]) -> None:
        self.store = MemoryStore()
        self.clock = Clock()
        self.failures = failures

    def work(self, attempt: Attempt) -> Json | NodeError:
        failed = Counter(
            event.payload.split(b'"')[3].decode()
            for event in self.store.read("r1")
            if event.event_type == "node_failed"
        )
        if failed[attempt.node_id] < self.failures.get(attempt.node_id, 0):
            return NodeError(type="ExitCode", message="exit code 1")
        return attempt.node_id

    def shell(self, moment: int | None) -> Shell:
        def watch(state: RunState, events: list[Sealed]) -> None:
            if moment is not None and state.sequence >= moment:
                raise Death

        return Shell(
            executor=lambda functions: ScriptedExecutor(self.work, self.clock),
            watch=watch,
            now=self.clock,
            roll=lambda: 0.5,
        )


@given(
    nodes=graphs(),
    failures=st.dictionaries(
        st.sampled_from([f"n{number}" for number in range(MAX_NODES)]), st.integers(1, 4)
    ),
    steps=st.lists(st.integers(1, 6), max_size=12),
    limit=st.integers(0, 3),
)
def test_the_outcome_does_not_depend_on_how_often_the_driver_died(
    nodes: tuple[Node, ...], failures: dict[str, int], steps: list[int], limit: int
) -> None:
    flow = Definition(name="w", nodes=nodes, max_parallel=limit)
    calm = World(failures)
    expected = drive.start(calm.store, flow, {}, run_id="r1", shell=calm.shell(None))

    wild = World(failures)
    length = steps[0] if steps else None
    try:
        drive.start(wild.store, flow, {}, run_id="r1", shell=wild.shell(length))
    except Death:
        for step in steps[1:]:
            length = len(list(wild.store.read("r1"))) + step
            if open_log(wild.store, "r1").state.is_closed:
                break
            try:
                drive.resume(wild.store, "r1", shell=wild.shell(length))
            except Death:
                continue
        if not open_log(wild.store, "r1").state.is_closed:
            drive.resume(wild.store, "r1", shell=wild.shell(None))

    found = open_log(wild.store, "r1").state
    if not found.stopped and not _was_reset(wild.store):
        assert found.status == expected.status
        assert statuses(found) == statuses(expected)
    completed = Counter(
        event.payload.split(b'"')[3]
        for event in wild.store.read("r1")
        if event.event_type == "node_completed"
    )
    assert all(count == 1 for count in completed.values())


def _was_reset(store: MemoryStore) -> bool:
    """A resume tries failed nodes anew, so a death after a final failure may mend it."""
    return any(
        b'"reset":' in event.payload
        for event in store.read("r1")
        if event.event_type == "workflow_started"
    )


def statuses(state: RunState) -> dict[str, str]:
    return {name: node.status.value for name, node in state.nodes.items()}
