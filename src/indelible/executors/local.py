"""Runs attempts on this machine, side by side: threads, a loop thread, process groups.

A thread of its own runs each attempt, or watches over the process that does; coroutines move on to
the loop thread.  How many run at a time is the engine's decision (``max_parallel``), not ours.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from functools import partial
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING, Any

from indelible.errors import StoreError, UsageError
from indelible.events import NodeError
from indelible.executors.attempt import Control, Kinds, begin
from indelible.executors.capture import capture, echo
from indelible.executors.failures import error_of, failure
from indelible.executors.inbox import Inbox
from indelible.executors.log import AttemptLog
from indelible.executors.port import Attempt, End, Failed, Outcome, Succeeded
from indelible.executors.threads import node_threads
from indelible.executors.vault import Vault
from indelible.secrets import Secrets, SecretSource

if TYPE_CHECKING:
    from indelible.executors.group import Watchdog
    from indelible.executors.loop import Coroutines

CLOSED = NodeError(type="Interrupted", message="the executor was closed")

CLOSE_GRACE = 0.5
"""Seconds between TERM and KILL at ``close``."""

CLOSE_TICK = 0.05
"""Seconds between two looks, at ``close``, at what is still stopping."""

CLOSE_PATIENCE = 5.0
"""Seconds after which ``close`` gives up on what does not end even so."""

LOOK = 0.5
"""Seconds between two looks at whether a coroutine is overdue; one may have begun meanwhile."""


class LazyWatchdog:
    """The watchdog of one executor, started before its first process."""

    def __init__(self) -> None:
        self._watchdog: Watchdog | None = None
        self._lock = Lock()

    def __call__(self) -> Watchdog:
        """Raises ``OSError`` if it cannot be started."""
        with self._lock:
            if self._watchdog is None:
                from indelible.executors.group import Watchdog

                self._watchdog = Watchdog()
            self._watchdog.open()
            return self._watchdog

    def close(self) -> None:
        """What it still watches over ends."""
        with self._lock:
            if self._watchdog is not None:
                self._watchdog.close()


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
        self._inbox: Inbox[End] = Inbox()
        self._refusal: StoreError | None = None
        self._relay: Callable[[], None] | None = None
        self._running: dict[str, Control] = {}
        self._unbegun: set[str] = set()
        self._threads = node_threads()
        self._watchdog = LazyWatchdog()
        self._loop: Coroutines | None = None
        self._lock = Lock()
        self._is_closed = False
        capture.open()

    def submit(self, attempts: Sequence[Attempt]) -> None:
        """Start them, each on a thread.  Raises ``UsageError`` after ``close``."""
        if self._is_closed:
            raise UsageError("this executor is closed", hint="Make a new one.")
        if not attempts:
            return
        both = [(attempt, self._control_of(attempt)) for attempt in attempts]
        running = {attempt.node_id: control for attempt, control in both}
        self._running.update(running)
        self._unbegun.update(running)
        try:
            self._threads.start([partial(self._run, *each) for each in both])
        except RuntimeError as error:
            for attempt, control in both:
                self._give_up(attempt, control, error)

    def outcomes(self, *, timeout: float | None) -> Sequence[Outcome]:
        """All outcomes that are ready, after at most ``timeout`` seconds (None: for ever).

        Raises ``StoreError`` if the disk refused what an attempt printed, once all is handed over
        that came before.
        """
        deadline = math.inf if timeout is None else monotonic() + timeout
        while True:
            due = math.inf if self._loop is None else self._loop.next_due()
            now = monotonic()
            ready = self._received(max(0.0, min(deadline, due, now + LOOK) - now))
            if self._loop is not None and due <= monotonic():
                self._loop.give_up_overdue()
            if ready is not None:
                return ready
            if self._refusal is not None:
                raise self._refusal
            if monotonic() >= deadline and due > deadline:
                return ()

    def relay(self, turn: Callable[[], None]) -> None:
        """Turns are taken by the threads that run nodes, when no attempt waits for them."""
        self._relay = turn

    def wake(self) -> None:
        """Make a blocked ``outcomes`` return now."""
        self._inbox.ring()

    def cancel(self, node_id: str, error: NodeError) -> None:
        """Stop the node's attempt; a thread is only asked to (``context().cancelled``)."""
        control = self._running.get(node_id)
        if control is not None:
            self._stop(control, error)

    def close(self) -> None:
        """Stop processes and coroutines, abandon threads, give back stdout and stderr."""
        if self._is_closed:
            return
        self._is_closed = True
        for control in list(self._running.values()):
            self._stop(control, CLOSED, grace=CLOSE_GRACE)
        deadline = monotonic() + CLOSE_PATIENCE
        while self._is_stopping() and monotonic() < deadline:
            with suppress(StoreError):  # told already, or too late
                self.outcomes(timeout=CLOSE_TICK)  # in slices: another thread may read them
        if self._loop is not None:
            self._loop.close()
        self._watchdog.close()
        self.wake()
        capture.close()

    def _stop(self, control: Control, error: NodeError, *, grace: float | None = None) -> None:
        control.cancel(error, grace=grace)
        if self._loop is not None:
            self._loop.hurry(control)

    def _received(self, seconds: float) -> list[Outcome] | None:
        """What is in the inbox; None if nothing came in time."""
        found = self._inbox.take(0 if self._refusal is not None else seconds)
        if found is None:
            return None
        ready: list[Outcome] = []
        for end in found:
            if isinstance(end, StoreError):
                self._refusal = end
                self._inbox.ring()  # it is told next, also if this is another thread's turn
            else:
                ready.append(end)
        return ready if ready or self._refusal is None else None

    def _control_of(self, attempt: Attempt) -> Control:
        log = AttemptLog(partial(getattr, attempt, "log"), echo if self._echo else None)
        return Control(log, self._watchdog)

    def _is_stopping(self) -> bool:
        return any(control.is_stoppable for control in list(self._running.values()))

    def _run(self, attempt: Attempt, control: Control) -> Callable[[], None]:
        self._unbegun.discard(attempt.node_id)
        try:
            result = begin(self._kinds, attempt, control, self._vault)
        except BaseException as error:  # a thread that dies in silence would leave the run waiting
            return partial(self._give_up, attempt, control, error)
        if isinstance(result, Succeeded | Failed | StoreError):
            return partial(self._end_here, attempt, control, result)
        return partial(self._go_on, attempt, control, result)

    def _go_on(self, attempt: Attempt, control: Control, rest: Coroutine[Any, Any, End]) -> None:
        try:
            self._coroutines().start(attempt, control, rest)
        except RuntimeError as error:
            rest.close()
            self._give_up(attempt, control, error)

    def _coroutines(self) -> Coroutines:
        with self._lock:
            if self._loop is None:
                from indelible.executors.loop import Coroutines

                self._loop = Coroutines(self._end)
            return self._loop

    def _give_up(self, attempt: Attempt, control: Control, error: BaseException) -> None:
        self._unbegun.discard(attempt.node_id)
        reason = failure("SpawnError", f"cannot start or go on: {error}")
        self._end(
            attempt,
            control,
            Failed(
                node_id=attempt.node_id,
                attempt=attempt.number,
                error=control.error or error_of(reason),
                duration=0.0,
            ),
        )

    def _end_here(self, attempt: Attempt, control: Control, end: End) -> None:
        """In a thread that runs nodes: it has time for a turn, unless attempts wait for it."""
        relay = self._relay
        if relay is None or self._is_closed:
            self._end(attempt, control, end)
            return
        self._put(attempt, control, end)
        if self._unbegun:
            # If those are as short, one turn will do for all; if not, the driving thread takes it.
            self._threads.remind(self._inbox.ring_if_full)
        else:
            relay()

    def _end(self, attempt: Attempt, control: Control, end: End) -> None:
        self._put(attempt, control, end)
        self._inbox.ring()

    def _put(self, attempt: Attempt, control: Control, end: End) -> None:
        with self._lock:
            if self._running.get(attempt.node_id) is not control:
                return  # a coroutine that was given up
            # Forgotten first: whoever reads the outcome may submit the node's next attempt at once.
            del self._running[attempt.node_id]
        self._inbox.put(end)
