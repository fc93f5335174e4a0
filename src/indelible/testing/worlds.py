"""A world for tests: a clock that moves when told, dice without chance, work that is scripted.

For tests of the engine and for authors of stores: a whole run needs no thread, no process, no file
and no second of real time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from indelible import values
from indelible.events import NodeError
from indelible.executors.port import Attempt, Failed, Outcome, Succeeded
from indelible.values import Json

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)

Work = Callable[[Attempt], Json | NodeError]
"""What an attempt does: gives its output, or the error it fails with."""


class Clock:
    """Stands still until somebody waits."""

    def __init__(self, start: datetime = EPOCH) -> None:
        self.moment = start

    def __call__(self) -> datetime:
        return self.moment

    def advance(self, by: timedelta) -> None:
        self.moment += by


class ScriptedExecutor:
    """Keeps ``Executor``: runs ``work`` for each attempt, in the order of their submission.

    One outcome at a time comes back; an empty wait moves the clock instead of taking time.
    """

    def __init__(self, work: Work, clock: Clock) -> None:
        self.submitted: list[Attempt] = []
        self._work = work
        self._clock = clock
        self._waiting: list[Attempt] = []
        self._cancelled: dict[str, NodeError] = {}

    def submit(self, attempts: Sequence[Attempt]) -> None:
        self.submitted.extend(attempts)
        self._waiting.extend(attempts)

    def outcomes(self, *, timeout: float | None) -> Sequence[Outcome]:
        if not self._waiting:
            self._clock.advance(timedelta(seconds=timeout or 0))
            return ()
        return (self._outcome(self._waiting.pop(0)),)

    def relay(self, turn: Callable[[], None]) -> None:
        """Everything happens in ``outcomes``."""

    def wake(self) -> None:
        """Never blocks, so there is nothing to wake."""

    def cancel(self, node_id: str, error: NodeError) -> None:
        self._cancelled[node_id] = error

    def close(self) -> None:
        self._waiting.clear()

    def _outcome(self, attempt: Attempt) -> Outcome:
        result = self._cancelled.pop(attempt.node_id, None) or self._work(attempt)
        if isinstance(result, NodeError):
            return Failed(
                node_id=attempt.node_id, attempt=attempt.number, error=result, duration=0.0
            )
        return Succeeded(
            node_id=attempt.node_id,
            attempt=attempt.number,
            output=values.encode(result),
            duration=0.0,
        )
