"""Runs attempts one after the other, in the thread that asks: for tests, for a debugger.

Nothing happens between two calls of ``outcomes``, so a breakpoint in a node stops the whole run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from queue import Empty, SimpleQueue
from threading import Lock

from indelible.errors import StoreError, UsageError
from indelible.events import NodeError
from indelible.executors.attempt import Control, Kinds, begin
from indelible.executors.capture import capture, echo
from indelible.executors.local import CLOSE_GRACE, CLOSE_PATIENCE, CLOSED, LazyWatchdog
from indelible.executors.log import AttemptLog
from indelible.executors.port import Attempt, End, Failed, Outcome, Succeeded
from indelible.executors.vault import Vault
from indelible.secrets import Secrets, SecretSource


class InlineExecutor:
    """One attempt at a time.  With ``echo`` nodes' prints are shown as well as logged.

    ``secrets`` says where values of secrets are; by default in the environment.
    """

    def __init__(
        self, kinds: Kinds, *, echo: bool = False, secrets: SecretSource | None = None
    ) -> None:
        self._kinds = kinds
        self._vault = Vault(secrets or Secrets())
        self._echo = echo
        self._waiting: SimpleQueue[tuple[Attempt, Control] | None] = SimpleQueue()
        self._controls: dict[str, Control] = {}
        self._turn = Lock()
        self._watchdog = LazyWatchdog()
        self._is_closed = False
        capture.open()

    def submit(self, attempts: Sequence[Attempt]) -> None:
        """Keep them for ``outcomes``.  Raises ``UsageError`` after ``close``."""
        if self._is_closed:
            raise UsageError("this executor is closed", hint="Make a new one.")
        for attempt in attempts:
            log = AttemptLog(partial(getattr, attempt, "log"), echo if self._echo else None)
            control = Control(log, self._watchdog)
            self._controls[attempt.node_id] = control
            self._waiting.put((attempt, control))

    def outcomes(self, *, timeout: float | None) -> Sequence[Outcome]:
        """Run the next attempt, however long it takes; its outcome is what is ready.

        A coroutine that swallows its cancellation takes as long as it likes: nobody else is there.
        With no attempt waiting, waits for one, or for ``wake``, at most ``timeout`` seconds.
        """
        try:
            found = self._waiting.get(timeout=timeout) if timeout != 0 else self._waiting.get(False)
        except Empty:
            return ()
        if found is None or self._is_closed:
            return ()
        attempt, control = found
        with self._turn:
            end = self._run(attempt, control)
        if self._controls.get(attempt.node_id) is control:
            del self._controls[attempt.node_id]
        if isinstance(end, StoreError):
            raise end
        return (end,)

    def relay(self, turn: Callable[[], None]) -> None:
        """Everything happens in ``outcomes``."""

    def wake(self) -> None:
        """Make an ``outcomes`` that waits for attempts return; a running node goes on."""
        self._waiting.put(None)

    def cancel(self, node_id: str, error: NodeError) -> None:
        """An attempt that waits fails when its turn comes; a running one is stopped."""
        control = self._controls.get(node_id)
        if control is not None:
            control.cancel(error)

    def close(self) -> None:
        """Stop what another thread runs in ``outcomes``, forget what waits."""
        if self._is_closed:
            return
        self._is_closed = True
        for control in list(self._controls.values()):
            control.cancel(CLOSED, grace=CLOSE_GRACE)
        if self._turn.acquire(timeout=CLOSE_PATIENCE):
            self._turn.release()
        self._watchdog.close()
        self.wake()
        capture.close()

    def _run(self, attempt: Attempt, control: Control) -> End:
        result = begin(self._kinds, attempt, control, self._vault)
        if isinstance(result, Succeeded | Failed | StoreError):
            return result
        import asyncio

        return asyncio.run(result)
