"""Could the engine have written this log?  Each event is held against fold and decide, in order.

The chain of digests shows that a log was not changed by somebody who could not compute it anew; the
audit shows what even a newly chained log cannot hide: a start before its time, a verdict that no
trigger rule gives, a skip that was left out, a node that ran twice, a run that completed too early.

Two things are asked.  Of every event, whether it follows from the state before it.  And whenever a
turn is over, whether it left something undone: then its driver died there, and nobody can go on
before another ``workflow_started``.  A driver that is stopped records outcomes and no more, so
after that only outcomes may follow.

What a log does not tell is never held against it: how many attempts the machine allowed where the
workflow sets no ``max_parallel``; what a clock said that was behind the log; what an attempt did
and gave; which nodes a fork took over, and what an expression saw of an ancestor that ran again
beside it, after a resume that had reset it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

import msgspec

from indelible.engine.actions import RefuseNode
from indelible.engine.audit_end import (
    check_completed,
    check_failed,
    is_ending_early,
    is_failing_fast,
)
from indelible.engine.audit_events import Misfit, check_end, check_skip, check_start
from indelible.engine.audit_openings import (
    NodeEvent,
    check_opening,
    check_resume,
    check_taken_over,
    plan_in,
)
from indelible.engine.audit_outcomes import check_answer, check_attempt
from indelible.engine.audit_rounds import Rounds
from indelible.engine.audit_turns import Moment, Turns, Writer
from indelible.engine.decide import EXPRESSION_ERROR
from indelible.engine.fold import evolve, initial_state
from indelible.engine.outputs import BlobsNeeded
from indelible.engine.replan import replan
from indelible.engine.scope import Scope
from indelible.engine.state import NodeState, RunState
from indelible.engine.status import NodeStatus, Role, RunStatus
from indelible.engine.tree import around
from indelible.errors import IllegalEventError, IndelibleError
from indelible.events import (
    BlobRef,
    Event,
    NodeCompleted,
    NodeFailed,
    NodeSkipped,
    NodeStarted,
    WorkflowCancelled,
    WorkflowCompleted,
    WorkflowFailed,
    WorkflowStarted,
)
from indelible.plan import Plan

Load = Callable[[BlobRef], bytes]
"""Gives a value that is kept beside the log."""


class Finding(msgspec.Struct, frozen=True):
    """The first event that the engine could not have written."""

    run_id: str
    sequence: int
    problem: str

    @property
    def hint(self) -> str:
        """What can be done about it."""
        before = self.sequence - 1
        way_out = (
            f"Go on from before it: indelible fork {self.run_id} --at {before}" if before else ""
        )
        return (
            "Its digests are right, so whoever wrote it could compute them. Compare the log with a "
            f"copy, or with a digest kept elsewhere (verify --head). {way_out}".strip()
        )


def audit(run_id: str, events: Iterable[tuple[Event, datetime]], load: Load) -> Finding | None:
    """The first of ``events``, with the time of each, that the engine could not have written.

    Takes time in proportion to the run.  Raises what ``load`` raises.
    """
    walk = _Audit(run_id, load)
    for sequence, (event, at) in enumerate(events, start=1):
        try:
            walk.take(event, at)
        except Misfit as misfit:
            return Finding(run_id, sequence, misfit.problem)
        except IllegalEventError as error:
            return Finding(run_id, sequence, error.problem)
        except IndelibleError:
            raise
        except Exception as error:  # a log can be made to break what no definition of ours breaks
            return Finding(
                run_id, sequence, f"nothing follows from it: {type(error).__name__}: {error}"
            )
    return None


class _Audit:
    """The state so far, and what is known of the turn that the last event belongs to."""

    def __init__(self, run_id: str, load: Load) -> None:
        self._run_id = run_id
        self._load = load
        self._blobs: dict[str, bytes] = {}
        self._state: RunState | None = None
        self._turns = Turns()
        self._rounds = Rounds()
        self._refused: RefuseNode | None = None
        self._again: set[str] = set()  # nodes that a resume has reset, and what they are in

    def take(self, event: Event, at: datetime) -> None:
        """Check ``event`` and fold it.  Raises ``Misfit`` or ``IllegalEventError``."""
        state = self._state or self._begin(event)
        if at < self._turns.moment.at:
            raise Misfit("it is earlier than the event before it")
        writer = self._writer_of(state, event)
        if self._turns.next(state, writer, at):
            self._blobs.clear()
        plan = self._with_blobs(lambda: self._check(state, event, writer))
        evolve(state, event)
        self._rounds.note(state, event, writer)
        if isinstance(event, WorkflowStarted):
            self._opened(state, event, plan)

    def _begin(self, event: Event) -> RunState:
        if not isinstance(event, WorkflowStarted):
            raise Misfit("it is not the beginning of a run")
        plan = self._with_blobs(lambda: plan_in(event, self._blobs))
        if plan is None:
            raise Misfit("it is the beginning of a run, but holds no definition")
        self._state = initial_state(plan, self._run_id)
        return self._state

    def _with_blobs(self, check: Callable[[], Plan | None]) -> Plan | None:
        while True:
            try:
                return check()
            except BlobsNeeded as needed:
                for ref in needed.refs:
                    self._blobs[ref.sha256] = self._load(ref)

    def _writer_of(self, state: RunState, event: Event) -> Writer:
        match event:
            case WorkflowStarted():
                return Writer.OPENING
            case WorkflowCancelled():
                return Writer.FOREIGN
            case NodeStarted() | NodeSkipped() | NodeCompleted() | NodeFailed() if event.at:
                return Writer.OPENING  # taken over with the opening of a fork
            case NodeCompleted() | NodeFailed() if not self._is_refusal(event):
                node = state.nodes.get(event.node_id)
                return Writer.DECIDED if node is None else _reporter(node)
        return Writer.DECIDED

    def _is_refusal(self, event: NodeCompleted | NodeFailed) -> bool:
        """Whether ``event`` is the failure with which an attempt begins that cannot be rendered."""
        return (
            self._refused is not None
            and isinstance(event, NodeFailed)
            and event.node_id == self._refused.node_id
            and event.error.type == EXPRESSION_ERROR
        )

    def _check(self, state: RunState, event: Event, writer: Writer) -> Plan | None:
        moment = self._turns.moment
        match writer, event:
            case Writer.OPENING, WorkflowStarted():
                return self._check_opening(state, event, moment)
            case Writer.OPENING, NodeStarted() | NodeCompleted() | NodeFailed() | NodeSkipped():
                self._check_taken_over(event)
            case Writer.FOREIGN, NodeCompleted() | NodeFailed():
                check_answer(state, state.nodes[event.node_id], event, moment, self._blobs)
            case Writer.OUTCOME, NodeCompleted() | NodeFailed():
                self._check_driver(writer)
                check_attempt(state, state.nodes[event.node_id], event, moment)
            case Writer.DECIDED, _:
                self._check_driver(writer)
                try:
                    self._check_decided(state, event, moment)
                except Misfit as misfit:
                    if misfit.node is None or not self._is_doubtful(state, misfit.node):
                        raise
        return None

    def _check_opening(
        self, state: RunState, event: WorkflowStarted, moment: Moment
    ) -> Plan | None:
        plan = plan_in(event, self._blobs)
        check_opening(event, plan or state.plan, moment, self._blobs)
        if state.attempt:
            check_resume(state, event, plan)
        elif event.changed or event.reset or event.reset_explicitly:
            raise Misfit("it is the beginning of a run, but says that nodes begin anew")
        return plan

    def _check_taken_over(self, event: NodeEvent) -> None:
        if not self._turns.is_forking:
            raise Misfit(f"the event of {event.node_id} has a time of its own, as if of a fork")
        check_taken_over(event)

    def _check_driver(self, writer: Writer) -> None:
        problem = self._turns.objection(writer)
        if problem:
            raise Misfit(problem)
        if self._refused is not None and writer is Writer.OUTCOME:
            raise self._unrefused(self._refused)

    def _unrefused(self, refused: RefuseNode) -> Misfit:
        return Misfit(f"{refused.node_id} was to fail as it started, and did not")

    def _check_decided(self, state: RunState, event: Event, moment: Moment) -> None:
        if state.status is not RunStatus.RUNNING:
            raise Misfit(f"nothing is decided in a run that is {state.status}")
        scope = Scope(state, self._blobs)
        match event:
            case WorkflowCompleted():
                check_completed(state, event, scope)
            case WorkflowFailed():
                check_failed(state, event, scope, moment)
                undone = self._rounds.left_undone(state, moment)
                if undone and is_failing_fast(state, event):
                    raise Misfit(f"the run failed fast, but {undone} was to go on before")
            case NodeFailed() if self._is_refusal(event):
                self._refused = None
            case NodeStarted() | NodeSkipped() | NodeCompleted() | NodeFailed():
                self._check_node(state, event, scope, moment)

    def _check_node(self, state: RunState, event: NodeEvent, scope: Scope, moment: Moment) -> None:
        if self._refused is not None:
            raise self._unrefused(self._refused)
        if is_ending_early(state, moment, was_fatal=self._turns.was_fatal):
            raise Misfit(f"the run was to fail as it stood, without an event of {event.node_id}")
        match event:
            case NodeStarted():
                action = check_start(state, event, scope, moment)
                self._refused = action if isinstance(action, RefuseNode) else None
            case NodeSkipped():
                check_skip(state, event, scope, moment)
            case NodeCompleted() | NodeFailed() if event.node_id in state.nodes:
                check_end(state, state.nodes[event.node_id], event, scope, moment)

    def _opened(self, state: RunState, event: WorkflowStarted, plan: Plan | None) -> None:
        """Note what begins anew with an attempt of the run."""
        self._turns.open(has_driver=event.forked_from is None)
        self._refused = None
        for name in event.reset:
            node = state.nodes[name]
            self._again.update(each.id for each in (node, *around(node)))
        if plan is not None and event.attempt > 1:
            self._state = replan(state, plan)

    def _is_doubtful(self, state: RunState, node: NodeState) -> bool:
        """Whether an ancestor may run, or end, while ``node`` looks at it in an expression."""
        return any(each.id in self._again for each in _ancestors(state, node))


def _reporter(node: NodeState) -> Writer:
    """Who tells how a node ended that is where it is."""
    match node.role, node.status:
        case Role.ATTEMPT, NodeStatus.RUNNING:
            return Writer.OUTCOME
        case Role.APPROVAL, NodeStatus.WAITING:
            return Writer.FOREIGN
    return Writer.DECIDED


def _ancestors(state: RunState, node: NodeState) -> Iterator[NodeState]:
    """Everything upstream of ``node`` and of what it is in, however far."""
    front = [node, *around(node)]
    seen: set[str] = set()
    while front:
        each = front.pop()
        for path in (each.prefix + name for name in each.planned.upstream):
            if path not in seen and path in state.nodes:
                seen.add(path)
                front.append(state.nodes[path])
                yield state.nodes[path]
