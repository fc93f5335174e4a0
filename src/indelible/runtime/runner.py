"""The loop that drives a run: outcomes in, events appended, then the world follows.

One turn: what happened becomes events, decisions follow from them until nothing more does, all of
it is appended at once, and only then do attempts start or stop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from threading import Lock

from msgspec import UNSET

from indelible.engine.actions import FetchBlobs, Keep, StartNode, StopNode, events_of
from indelible.engine.decide import decide, next_moment
from indelible.engine.retry import retry_at
from indelible.engine.state import NodeState, RunState
from indelible.engine.status import INTERRUPTED, RunStatus
from indelible.errors import ConflictError, HeldError, InterruptedRunError
from indelible.events import BlobRef, Event, NodeCompleted, NodeError, NodeFailed, WorkflowStarted
from indelible.executors.port import Executor, Outcome, Succeeded
from indelible.runtime.attempts import Attempts
from indelible.runtime.log import Log, holds_definition
from indelible.runtime.payloads import keep
from indelible.runtime.waiting import is_only_waiting

POLL = 0.5
"""How often, in seconds, a waiting driver looks for events that others appended."""

SPARE = timedelta(seconds=1)
"""How long an interrupted driver waits beyond the longest grace time of what runs."""

LAST_TURN = 1.0
"""How long, in seconds, a drive that ends waits for a turn that another thread is taking."""

Opening = Callable[[RunState, datetime], WorkflowStarted]
"""Makes the event that a drive begins with, from the state as it is then."""


class Runner:
    """Drives one run until it is settled.  ``now`` and ``roll`` are the clock and the dice.

    The ``workflow_started`` that ``opening`` makes is appended together with the first events that
    follow from it, and not before there are any.
    """

    def __init__(
        self,
        log: Log,
        executor: Executor,
        *,
        opening: Opening,
        waits: bool = True,
        now: Callable[[], datetime],
        roll: Callable[[], float],
    ) -> None:
        self._log = log
        self._executor = executor
        self._attempts = Attempts(log)
        self._opening: Opening | None = opening
        self._attempt = log.state.attempt + 1
        self._waits = waits
        self._now = now
        self._roll = roll
        self._keep: Keep = partial(keep, log.store, log.run_id)
        self._blobs: dict[str, bytes] = {}
        self._is_interrupted = False
        self._turns = Lock()
        self._has_news = False
        self._moment: datetime | None = None
        self._failure: BaseException | None = None
        self._is_ended = False

    def interrupt(self) -> None:
        """Stop gracefully: running attempts are stopped and recorded, the run can be resumed.

        Safe in a signal handler and from any thread.
        """
        self._is_interrupted = True
        self._executor.wake()

    def drive(self) -> RunState:
        """Go on until the run is closed and nothing of it runs any more.

        A runner that never waits also returns when only waiting is left; the state tells.
        Raises ``InterruptedRunError`` after ``interrupt``, ``HeldError`` if another driver took
        over, and whatever the store raises; the run can be resumed after each of them.
        """
        self._executor.relay(self._relayed)
        outcomes: Sequence[Outcome] | None = None
        try:
            while True:
                with self._turns, self._ending():
                    patience = self._advance(outcomes)
                if patience is None:
                    return self._log.state
                is_asked = not self._is_interrupted
                outcomes = self._executor.outcomes(timeout=patience) if is_asked else ()
        finally:
            self._is_ended = True
            # The claim is given up next.  A turn that hangs must not keep a second Ctrl-C waiting.
            if self._turns.acquire(timeout=LAST_TURN):
                self._turns.release()

    @contextmanager
    def _ending(self) -> Iterator[None]:
        """After an error in the driving thread no other one takes a turn."""
        try:
            yield
        except BaseException:
            self._is_ended = True
            raise

    def _advance(self, outcomes: Sequence[Outcome] | None) -> float | None:
        """A turn in the driving thread: seconds until the next one at the latest, None if it is
        over.  ``outcomes`` are None at the first.
        """
        if self._failure is not None:
            raise self._failure
        if self._is_interrupted:
            self._stop(outcomes or ())
            return None
        if outcomes is not None and not outcomes and not self._log.state.is_settled:
            self._notice_others()
        self._turn(outcomes or ())
        state = self._log.state
        if state.is_settled or (not self._waits and is_only_waiting(state)):
            self._is_ended = True
            return None
        return self._patience()

    def _stop(self, outcomes: Sequence[Outcome]) -> None:
        """End the drive.  Raises ``InterruptedRunError`` unless the run has ended as well."""
        if self._log.length == 0:
            # So that there is a run to resume; nothing of it starts.
            self._open(now := self._now())
            self._commit(now)
        self._wind_down(outcomes)
        self._is_ended = True
        if not self._log.state.is_settled:
            raise InterruptedRunError(self._log.run_id)

    def _relayed(self) -> None:
        """Take a turn in the thread that has news, unless another one does: that will see them.

        One turn: what it has submitted may wait for this very thread.
        """
        self._has_news = True
        if self._turns.acquire(blocking=False):
            try:
                self._has_news = False
                self._turn_here()
            finally:
                self._turns.release()
        # Whoever had the turn may not have seen this; the driving thread has it while it stops.
        if self._has_news or self._is_interrupted:
            self._executor.wake()

    def _turn_here(self) -> None:
        """A turn in a thread of the executor; the driving one is woken only if it has to act."""
        if self._is_interrupted or self._is_ended:
            return
        try:
            self._turn(self._executor.outcomes(timeout=0))
            state = self._log.state
            if not state.running or next_moment(state, self._now()) != self._moment:
                self._executor.wake()
        except BaseException as error:  # it is the driving thread's to raise
            self._failure, self._is_ended = error, True
            self._executor.wake()

    def _turn(self, outcomes: Sequence[Outcome]) -> None:
        """Append what happened and what follows from it; then, and only then, act."""
        is_appended = False
        while not is_appended:
            now = self._now()
            self._record(outcomes, now)
            self._open(now)
            starts, stops = self._decide(now)
            is_appended = self._commit(now)
        self._opening = self._opening if self._log.state.attempt < self._attempt else None
        self._executor.submit([self._attempts.of(start) for start in starts])
        for stop in stops:
            self._executor.cancel(stop.node_id, stop.error)

    def _open(self, now: datetime) -> None:
        """Draft the event that this drive begins with, unless all that is left is waiting."""
        if self._opening is None:
            return
        state = self._log.state
        event = self._opening(state, now)
        is_news = event.interrupted or event.reset or holds_definition(event)
        if state.status is not RunStatus.RUNNING or is_news or decide(state, now, self._blobs):
            self._log.draft(event)

    def _record(self, outcomes: Sequence[Outcome], now: datetime) -> None:
        state = self._log.state
        for outcome in outcomes:
            node = state.nodes[outcome.node_id]
            # After a reload the log may know this outcome already, or a later attempt.
            if outcome.node_id in state.running and node.attempt == outcome.attempt:
                self._log.draft(self._event_of(outcome, node, now))

    def _event_of(self, outcome: Outcome, node: NodeState, now: datetime) -> Event:
        if isinstance(outcome, Succeeded):
            return completed(outcome, self._keep)
        is_open = self._log.state.status is RunStatus.RUNNING
        return NodeFailed(
            node_id=outcome.node_id,
            attempt=outcome.attempt,
            error=outcome.error,
            duration=outcome.duration,
            retry_at=retry_at(node, outcome.error, now=now, roll=self._roll()) if is_open else None,
        )

    def _decide(self, now: datetime) -> tuple[list[StartNode], list[StopNode]]:
        """Draft all that follows from the state at ``now``; give what the world is to do."""
        starts: list[StartNode] = []
        stops: list[StopNode] = []
        goes_on = True
        while goes_on:
            goes_on = False
            for action in decide(self._log.state, now, self._blobs):
                for event in events_of(action, self._keep):
                    self._log.draft(event)
                    goes_on = True
                match action:
                    case StartNode():
                        starts.append(action)
                    case StopNode():
                        stops.append(action)
                    case FetchBlobs(refs):
                        self._fetch(refs)
                        goes_on = True
        self._blobs.clear()
        return starts, stops

    def _fetch(self, refs: Sequence[BlobRef]) -> None:
        for ref in refs:
            self._blobs[ref.sha256] = self._log.store.get_blob(self._log.run_id, ref)

    def _commit(self, now: datetime) -> bool:
        """Append the drafts.  False if somebody else was first: the state is then read anew."""
        if self._is_ended:
            raise InterruptedRunError(self._log.run_id)  # the claim is somebody else's by now
        try:
            self._log.commit(now)
        except ConflictError:
            self._reload()
            return False
        return True

    def _reload(self) -> None:
        self._log.reload()
        if self._log.state.attempt > self._attempt:
            self._executor.close()
            raise HeldError(self._log.run_id, "a driver that began after this one")

    def _notice_others(self) -> None:
        if self._log.store.wait(self._log.run_id, after=self._log.length, timeout=0):
            self._reload()

    def _patience(self) -> float:
        """Seconds until there is something to look at, whatever the executor says."""
        now = self._now()
        moment = self._moment = next_moment(self._log.state, now)
        if moment is None:
            return POLL
        return min(POLL, max(0.0, (moment - now).total_seconds()))

    def _wind_down(self, outcomes: Sequence[Outcome]) -> None:
        """Stop what runs and record how it ended.  What cannot be stopped stays in flight."""
        state = self._log.state
        graces = [state.nodes[name].planned.node.grace for name in state.running]
        end = self._now() + max(graces, default=timedelta()) + SPARE
        error = NodeError(type=INTERRUPTED, message="the process that drove the run was stopped")
        for name in state.running:
            self._executor.cancel(name, error)
        while True:
            now = self._now()
            self._record(outcomes, now)
            if not self._commit(now):
                continue  # somebody else was first; what is in hand is decided on again
            rest = (end - self._now()).total_seconds()
            if rest <= 0 or not self._log.state.running:
                return
            outcomes = self._executor.outcomes(timeout=rest)


def completed(outcome: Succeeded, keep_value: Keep) -> NodeCompleted:
    """The event of a success; its output inline, or in a blob that is durable by then."""
    kept = keep_value(outcome.output)
    return NodeCompleted(
        node_id=outcome.node_id,
        attempt=outcome.attempt,
        duration=outcome.duration,
        output=UNSET if isinstance(kept, BlobRef) else kept,
        output_blob=kept if isinstance(kept, BlobRef) else None,
    )
