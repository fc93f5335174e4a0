"""What a turn that is over would have left undone, and what the clock of its writer may have said.

Part of the audit.  A turn goes on until nothing more follows, so that whatever is owed after it
was never done, or was taken out of the log.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from enum import Enum, auto

import msgspec

from indelible.engine.gate import Gate, first_full
from indelible.engine.state import NodeState, RunState
from indelible.engine.status import NodeStatus, Role, RunStatus


class Moment(msgspec.Struct, frozen=True):
    """When an event was written.

    The writer's clock said ``at`` too if ``is_exact``; else it may have been behind, because no
    timestamp is ever less than the one before it.
    """

    at: datetime
    is_exact: bool

    def may_be(self, moment: datetime) -> bool:
        """Whether ``moment`` can have come by then."""
        return moment <= self.at

    def must_be(self, moment: datetime) -> bool:
        """Whether ``moment`` had come by then, beyond doubt."""
        return self.is_exact and moment <= self.at


class Writer(Enum):
    """Who comes to write an event, and when in a turn."""

    OPENING = auto()
    """A start, a resume or a fork."""
    OUTCOME = auto()
    """A driver, of an attempt that ended."""
    DECIDED = auto()
    """A driver, because it follows."""
    FOREIGN = auto()
    """Anybody: an answer, or a cancellation."""


class Debt(msgspec.Struct, frozen=True):
    """Something that a turn left undone; it ended with event ``sequence``."""

    sequence: int
    what: str
    allows_outcomes: bool


class Turns:
    """What is known of the turn that the last event belongs to, and of those before it.

    ``was_fatal`` says whether a node had failed for good when the turn began to decide.
    """

    def __init__(self) -> None:
        self.moment = Moment(datetime.min.replace(tzinfo=UTC), is_exact=False)
        self.was_fatal = False
        self._last: Writer | None = None
        self._reports = 0  # under the last timestamp: more than one may be several turns
        self._is_shared = False  # several turns have the last timestamp, as the clock stood or fell
        self._has_driver = False
        self._debt: Debt | None = None

    @property
    def is_forking(self) -> bool:
        """Whether this event was appended together with the opening of a fork."""
        return not self._has_driver and self._reports > 1

    def open(self, *, has_driver: bool) -> None:
        """An attempt of the run begins; only that of a fork has no driver."""
        self._has_driver = has_driver
        self._debt = None

    def next(self, state: RunState, writer: Writer, at: datetime) -> bool:
        """Go on to the event after ``state``; is its timestamp another?"""
        is_later = at != self.moment.at
        begins = writer is Writer.OUTCOME and self._last is not Writer.OUTCOME
        is_next = is_later or begins or writer is Writer.FOREIGN
        if is_next and writer is not Writer.OPENING:
            self._settle(state)
        self._is_shared = not is_later and (self._is_shared or begins)
        if is_later:
            self._reports = 0
        if writer is not Writer.DECIDED:
            self._reports += 1
        elif is_later or self._last is not Writer.DECIDED:
            self.was_fatal = bool(state.fatal)
        self.moment = Moment(at, is_exact=self._reports <= 1 and not self._is_shared)
        self._last = writer
        return is_later

    def objection(self, writer: Writer) -> str:
        """Why a driver cannot have written this event, whatever it says; empty if it can."""
        if not self._has_driver:
            return "nobody drives the run: a fork begins with a resume"
        debt = self._debt
        if debt is None or (debt.allows_outcomes and writer is Writer.OUTCOME):
            return ""
        return f"after event {debt.sequence} {debt.what}, which the log does not have"

    def _settle(self, state: RunState) -> None:
        """Look for what the turn that ends here has left undone."""
        if self._debt is not None or not self._has_driver or self._last is Writer.FOREIGN:
            return
        what = owed(state, self.moment)
        if what:
            self._debt = Debt(state.sequence, what, self._last is Writer.OUTCOME)


def knows_slots(state: RunState) -> bool:
    """Whether the log says how many attempts may run at a time; else it was up to the machine."""
    return state.plan.definition.max_parallel is not None


def owed(state: RunState, moment: Moment) -> str:
    """The first thing that was to be done by the end of a turn at ``moment``; empty if nothing.

    Costs what ``decide`` costs when there is nothing to decide.
    """
    if state.status is not RunStatus.RUNNING:
        return ""
    if state.open_nodes == 0:
        return "the run was to end"
    if state.deadline is not None and moment.may_be(state.deadline):
        is_due = moment.is_exact and not state.running
        return "the run was to fail, as it had passed its timeout" if is_due else ""
    if state.plan.definition.fail_fast and state.fatal:
        return "" if state.running else "the run was to fail, fail_fast being set"
    return next(_owed_nodes(state, moment), "")


def _owed_nodes(state: RunState, moment: Moment) -> Iterator[str]:
    for serial in state.closing:
        node = state.by_serial[serial]
        if not is_at_its_turn(node) or _has_room(state, _gate_of_iterations(node)):
            yield f"{node.id} was to be ended or taken further"
    timer = state.timers.first()
    if timer is not None and moment.must_be(timer[0]):
        yield f"the timer of {state.by_serial[timer[1]].id} had come due"
    for due, serial in state.retries:
        if not moment.must_be(due):
            break
        if _has_room(state, state.by_serial[serial].gate):
            yield f"the retry of {state.by_serial[serial].id} had come due"
    first = state.ready.first()
    if first is not None and _must_start(state, state.by_serial[first]):
        yield f"{state.by_serial[first].id} was to start"


def is_at_its_turn(node: NodeState) -> bool:
    """A loop between two iterations: whether it ends or waits for room, only ``until`` tells."""
    return node.role is Role.LOOP and node.status is NodeStatus.RUNNING


def _gate_of_iterations(node: NodeState) -> Gate | None:
    return node.children[0].gate if node.children else node.gate


def _has_room(state: RunState, gate: Gate | None) -> bool:
    """Whether an attempt could start beyond doubt."""
    return not state.running or (knows_slots(state) and first_full(gate) is None)


def _must_start(state: RunState, node: NodeState) -> bool:
    return node.role is not Role.ATTEMPT or knows_slots(state) or not state.running
