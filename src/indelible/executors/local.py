"""Runs attempts on this machine, side by side: threads, a loop thread, process groups.

A thread of its own runs each attempt, or watches over the process that does; coroutines move on to
the loop thread.  How many run at a time is the engine's decision (``max_parallel``), not ours.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from queue import Empty, SimpleQueue
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING, Any

from indelible.errors import UsageError
from indelible.events import NodeError
from indelible.executors.attempt import Control, Kinds, begin
from indelible.executors.capture import capture, echo
from indelible.executors.failures import error_of, failure
from indelible.executors.log import AttemptLog
from indelible.executors.port import Attempt, Failed, Outcome, Succeeded
from indelible.executors.threads import DaemonThreads
from indelible.executors.vault import Vault
from indelible.secrets import Secrets, SecretSource

if TYPE_CHECKING:
    from indelible.executors.loop import CoroutineLoop

CLOSED = NodeError(type="Interrupted", message="the executor was closed")

CLOSE_GRACE = 0.5
"""Seconds between TERM and KILL at ``close``."""

CLOSE_TICK = 0.05
"""Seconds between two looks, at ``close``, at what is still stopping."""

CLOSE_PATIENCE = 5.0
"""Seconds after which ``close`` gives up on coroutines that do not let themselves be cancelled."""


class LocalExecutor:
    """The everyday executor.  With ``echo`` nodes' prints are shown as well as logged.

    ``secrets`` says where values of secrets are; by default in the environment.
    """

    def __init__(
        self, kinds: Kinds, *, echo: bool = False, secrets: SecretSource | None = None
    ) -> None:
        self._kinds = kinds
        self._vault = Vault(secrets or Secrets())
        self._echo = echo
        self._inbox: SimpleQueue[Outcome | None] = SimpleQueue()
        self._running: dict[str, Control] = {}
        self._threads = DaemonThreads("indelible-node")
        self._loop: CoroutineLoop | None = None
        self._lock = Lock()
        self._is_closed = False
        capture.open()

    def submit(self, attempts: Sequence[Attempt]) -> None:
        """Start them, each on a thread.  Raises ``UsageError`` after ``close``."""
        if self._is_closed:
            raise UsageError("this executor is closed", hint="Make a new one.")
        for attempt in attempts:
            control = Control(AttemptLog(attempt.log, echo if self._echo else None))
            self._running[attempt.node_id] = control
            try:
                self._threads.start(partial(self._run, attempt, control))
            except RuntimeError as error:
                self._give_up(attempt, control, error)

    def outcomes(self, *, timeout: float | None) -> Sequence[Outcome]:
        """All outcomes that are ready, after at most ``timeout`` seconds (None: for ever)."""
        ready: list[Outcome] = []
        try:
            first = self._inbox.get(timeout=timeout) if timeout != 0 else self._inbox.get_nowait()
            if first is not None:
                ready.append(first)
            while True:
                more = self._inbox.get_nowait()
                if more is not None:
                    ready.append(more)
        except Empty:
            return ready

    def wake(self) -> None:
        """Make a blocked ``outcomes`` return now."""
        self._inbox.put(None)  # SimpleQueue.put is reentrant: safe in a signal handler

    def cancel(self, node_id: str, error: NodeError) -> None:
        """Stop the node's attempt; a thread is only asked to (``context().cancelled``)."""
        control = self._running.get(node_id)
        if control is not None:
            control.cancel(error)

    def close(self) -> None:
        """Stop processes and coroutines, abandon threads, give back stdout and stderr."""
        if self._is_closed:
            return
        self._is_closed = True
        for control in list(self._running.values()):
            control.cancel(CLOSED, grace=CLOSE_GRACE)
        deadline = monotonic() + CLOSE_PATIENCE
        while self._is_stopping() and monotonic() < deadline:
            self.outcomes(timeout=CLOSE_TICK)  # in slices: another thread may read the outcomes
        if self._loop is not None:
            self._loop.close()
        self._threads.close()
        self.wake()
        capture.close()

    def _is_stopping(self) -> bool:
        return any(control.is_stoppable for control in list(self._running.values()))

    def _run(self, attempt: Attempt, control: Control) -> Callable[[], None]:
        try:
            result = begin(self._kinds, attempt, control, self._vault)
        except BaseException as error:  # a thread that dies in silence would leave the run waiting
            return partial(self._give_up, attempt, control, error)
        if isinstance(result, Succeeded | Failed):
            return partial(self._end, control, result)
        return partial(self._go_on, attempt, control, result)

    def _go_on(
        self, attempt: Attempt, control: Control, rest: Coroutine[Any, Any, Outcome]
    ) -> None:
        try:
            self._coroutines().start(rest, partial(self._end, control))
        except RuntimeError as error:
            rest.close()
            self._give_up(attempt, control, error)

    def _coroutines(self) -> CoroutineLoop:
        with self._lock:
            if self._loop is None:
                from indelible.executors.loop import CoroutineLoop

                self._loop = CoroutineLoop()
            return self._loop

    def _give_up(self, attempt: Attempt, control: Control, error: BaseException) -> None:
        reason = failure("SpawnError", f"cannot start or go on: {error}")
        self._end(
            control,
            Failed(
                node_id=attempt.node_id,
                attempt=attempt.number,
                error=control.error or error_of(reason),
                duration=0.0,
            ),
        )

    def _end(self, control: Control, outcome: Outcome) -> None:
        # Forgotten first: whoever reads the outcome may submit the node's next attempt at once.
        if self._running.get(outcome.node_id) is control:
            del self._running[outcome.node_id]
        self._inbox.put(outcome)
