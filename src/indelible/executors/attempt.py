"""Run one attempt and say how it went.

An executor decides where (this thread, another one, the loop thread); what happens there is the
same everywhere, and is this module: the node's context is set, its kind runs, and whatever comes
out of that, in any way at all, becomes one outcome: without secrets, and with an output that fits
the node's schema.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Coroutine, Generator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from threading import Lock
from time import perf_counter
from typing import TYPE_CHECKING, Any, Protocol

from indelible import values
from indelible.errors import UsageError
from indelible.events import NodeError
from indelible.executors.failures import AttemptFailedError, error_of, failure, publishable
from indelible.executors.log import DiskRefusedError, RedactedLog, Sink, refusal_of
from indelible.executors.port import Attempt, End, Failed, Succeeded
from indelible.executors.redaction import Redactor
from indelible.executors.vault import Vault

if TYPE_CHECKING:
    from logging import Logger

    from indelible.executors.group import Watchdog

STREAMS = ("stdout", "stderr")
"""What a node can print to."""

NOTHING_TO_HIDE = Redactor()
"""What an attempt says before its secrets are known is masked by this: not at all."""

Work = bytes | Coroutine[Any, Any, bytes]
"""The output as strict JSON, or a coroutine that will give it."""


class NodeKind(Protocol):
    """How attempts of one kind of node run."""

    def run(self, attempt: Attempt, control: Control) -> Work:
        """The output; a coroutine is awaited on the loop thread.

        Any exception fails the attempt; ``AttemptFailedError`` says itself what the log shall say.
        """
        ...


Kinds = Mapping[type, NodeKind]
"""The kind that runs each type of body."""


class Control:
    """Asks a running attempt to stop.  ``error`` is why, ``grace`` the patience in seconds.

    ``log`` takes what the attempt prints; ``redactor`` masks what else it says; ``watchdog`` gives
    what ends the attempt's processes when the driver dies.
    May be used from any thread.  What can be stopped by force registers itself with ``stoppable``.
    """

    __slots__ = ("_lock", "_stop", "error", "grace", "log", "redactor", "watchdog")

    def __init__(self, log: Sink, watchdog: Callable[[], Watchdog] | None = None) -> None:
        self.log = log
        self.watchdog = watchdog
        self.redactor = NOTHING_TO_HIDE
        self.error: NodeError | None = None
        self.grace: float | None = None
        self._stop: Callable[[], object] | None = None
        self._lock = Lock()

    @property
    def is_cancelled(self) -> bool:
        return self.error is not None

    @property
    def is_stoppable(self) -> bool:
        return self._stop is not None

    def cancel(self, error: NodeError, *, grace: float | None = None) -> None:
        """Ask for a stop.  The first ``error`` stays; ``grace`` overrides the node's own."""
        with self._lock:
            self.error = self.error or error
            self.grace = self.grace if grace is None else grace
            if self._stop is not None:
                self._stop()

    def check(self) -> None:
        """Raise ``AttemptFailedError`` if the attempt was asked to stop."""
        if self.error is not None:
            raise AttemptFailedError(self.error)

    def redact(self, redactor: Redactor) -> None:
        """From now on mask what ``redactor`` knows.  Called once, before the attempt can print."""
        if not redactor.is_idle:
            self.redactor = redactor
            self.log = RedactedLog(self.log, redactor)

    @contextmanager
    def stoppable(self, stop: Callable[[], object]) -> Generator[None]:
        """Inside, ``cancel`` calls ``stop``, which must be quick.  Raises as ``check`` does."""
        with self._lock:
            self.check()
            self._stop = stop
        try:
            yield
        finally:
            with self._lock:
                self._stop = None


class Context:
    """What a node may know about its own attempt."""

    __slots__ = ("_control", "_logger", "attempt", "idempotency_key", "node_id", "run_id")

    def __init__(
        self, run_id: str, node_id: str, attempt: int, idempotency_key: str, control: Control
    ) -> None:
        self.run_id = run_id
        self.node_id = node_id
        self.attempt = attempt
        self.idempotency_key = idempotency_key
        self._control = control
        self._logger: Logger | None = None

    @property
    def cancelled(self) -> bool:
        """Whether the attempt was asked to stop; a long loop in a thread should look."""
        return self._control.is_cancelled

    @property
    def logger(self) -> Logger:
        """Writes to the attempt's log, from level INFO."""
        if self._logger is None:
            from indelible.executors.node_logger import node_logger

            self._logger = node_logger(self.node_id, self.sink.write)
        return self._logger

    @property
    def sink(self) -> Sink:
        return self._control.log


_current: ContextVar[Context | None] = ContextVar("indelible_node", default=None)


def context() -> Context:
    """The context of the node that calls this.  Raises ``UsageError`` outside of any node."""
    found = _current.get()
    if found is None:
        raise UsageError(
            "context() was called outside of a node",
            hint="Call it inside a node's function, in the thread or task that runs the node.",
        )
    return found


def current_sink() -> Sink | None:
    """Where prints of the calling thread or task go; None outside of a node."""
    found = _current.get()
    return None if found is None else found.sink


class entered:  # noqa: N801  # used as one uses a function, once for every attempt
    """Inside, ``context()`` gives ``found``.  A copy of the process that a node forked ends here.

    What follows, an answer or an outcome, is for the process to give that the node began in.
    """

    __slots__ = ("_found", "_process", "_token")

    def __init__(self, found: Context) -> None:
        self._found = found

    def __enter__(self) -> None:
        self._token = _current.set(self._found)
        self._process = os.getpid()

    def __exit__(self, *failure: object) -> None:
        if os.getpid() != self._process:
            from indelible.executors.forked import leave

            leave()
        _current.reset(self._token)


def begin(
    kinds: Kinds, attempt: Attempt, control: Control, vault: Vault
) -> End | Coroutine[Any, Any, End]:
    """Run the attempt here; a coroutine if the rest of it is to be awaited.  Never raises."""
    started = perf_counter()
    try:
        control.redact(vault.redactor(attempt))
        attempt = vault.opened(attempt)
        with entered(_context_of(attempt, control)):
            control.check()
            work = _kind_of(kinds, attempt).run(attempt, control)
        if not isinstance(work, bytes):
            return _finish(work, attempt, control, started)
        end: End = _succeeded(attempt, control, work, started)
    except BaseException as error:  # also SystemExit and KeyboardInterrupt: they are the node's own
        end = _failed(attempt, control, error, started)
    _let_go(control.log)
    return end


async def _finish(
    work: Coroutine[Any, Any, bytes], attempt: Attempt, control: Control, started: float
) -> End:
    try:
        with entered(_context_of(attempt, control)):
            output = await _within(work, attempt, control)
        end: End = _succeeded(attempt, control, output, started)
    except BaseException as error:  # a SystemExit that left the task would end the loop thread
        end = _failed(attempt, control, error, started)
    _let_go(control.log)
    return end


async def _within(work: Coroutine[Any, Any, bytes], attempt: Attempt, control: Control) -> bytes:
    """Await ``work``, no longer than the node's timeout and only until ``control`` says stop."""
    import asyncio

    timeout = attempt.node.timeout
    seconds = None if timeout is None else timeout.total_seconds()
    task, loop = asyncio.current_task(), asyncio.get_running_loop()
    assert task is not None
    try:
        with control.stoppable(lambda: loop.call_soon_threadsafe(task.cancel)):
            async with asyncio.timeout(seconds) as limit:
                return await work
    except TimeoutError:
        if limit.expired() and seconds is not None:
            raise timed_out(seconds) from None
        raise
    finally:
        work.close()


def timed_out(seconds: float) -> AttemptFailedError:
    """The failure of an attempt that took longer than its node's ``timeout``."""
    return failure("Timeout", f"did not end within its timeout of {seconds:g} s")


def _context_of(attempt: Attempt, control: Control) -> Context:
    return Context(
        attempt.run_id, attempt.node_id, attempt.number, attempt.idempotency_key, control
    )


def _kind_of(kinds: Kinds, attempt: Attempt) -> NodeKind:
    kind = kinds.get(type(attempt.body))
    if kind is None:
        name = type(attempt.body).__name__.lower()
        raise failure("SpawnError", f"this executor cannot run nodes of kind {name}")
    return kind


def _succeeded(attempt: Attempt, control: Control, output: bytes, started: float) -> Succeeded:
    for stream in STREAMS:
        control.log.flush(stream)  # a log that cannot be written fails the attempt
    output = control.redactor.output(output)
    if attempt.node.output_schema is not None:
        _check_schema(attempt.node.output_schema, output)
    return Succeeded(
        node_id=attempt.node_id,
        attempt=attempt.number,
        output=output,
        duration=perf_counter() - started,
    )


def _check_schema(schema: values.Json, output: bytes) -> None:
    from indelible.schemas import validate

    problem = validate(schema, values.decode(output))
    if problem:
        raise failure("SchemaMismatch", f"the output misses its schema: {problem}")


def _failed(attempt: Attempt, control: Control, error: BaseException, started: float) -> End:
    refusal = error if isinstance(error, DiskRefusedError) else refusal_of(control.log, STREAMS)
    if refusal is not None:
        return refusal.explained()
    # Whatever it raised on its way out, an attempt that was asked to stop failed for that reason.
    reason = control.error or error_of(error)
    return Failed(
        node_id=attempt.node_id,
        attempt=attempt.number,
        error=publishable(reason, control.redactor.text),
        duration=perf_counter() - started,
    )


def _let_go(log: Sink) -> None:
    with suppress(OSError):  # of an attempt that has failed already, perhaps for this very reason
        log.close()
