"""The executor's side of the loop: attempts go in, outcomes come back through one inbox.

Six promises, kept by every executor and tested by one suite (``indelible.testing``):

1. Every submitted attempt yields exactly one outcome, unless ``close`` comes first, or the disk
   refuses what the attempt prints: then ``outcomes`` raises ``StoreError``.
2. ``outcomes`` returns all that is ready; it blocks only while nothing is, no longer than asked.
3. ``cancel`` asks the attempt to stop.  What can be stopped by force is, after its grace time; its
   outcome is then a failure of the given type.  Cancelling twice, or too late, does no harm.  A
   thread cannot be stopped; a coroutine that does not let itself be stopped has the same outcome
   after its grace time, and is left to itself.
4. An attempt that raises, exits or prints anything at all harms nobody but itself.
5. After ``close`` nothing that could be stopped by force is running.
6. A node gets the values of its secrets; neither its log nor its outcome has one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from indelible.definition.model import Body, Node
from indelible.errors import StoreError
from indelible.events import NodeError
from indelible.executors.files import lock_path, log_path


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt, with everything it needs; nothing is looked up later.

    ``path`` is the id of a node inside another or of an instance, such as ``deploy[2]/build``.
    ``arguments`` are JSON, by name; ``env`` is what is added to the driver's environment; both hold
    markers where secrets are to be.  ``files`` is where the run keeps files of its attempts;
    ``folder`` is the workflow file's, first on ``sys.path`` of Python that runs here.  ``agent``
    answers prompts that name no command of their own.  ``previous_error`` is how the node's last
    attempt failed, since it was reset.  ``secrets`` are the names of all that the workflow uses:
    they are masked also where this node got hold of them by other ways.
    """

    run_id: str
    node: Node
    number: int
    idempotency_key: str
    files: Path
    path: str = ""
    folder: str = ""
    arguments: Mapping[str, bytes] = {}
    env: Mapping[str, str] = {}
    agent: tuple[str, ...] = ()
    previous_error: NodeError | None = None
    secrets: tuple[str, ...] = ()

    @property
    def node_id(self) -> str:
        return self.path or self.node.id

    @property
    def body(self) -> Body:
        return self.node.body

    @property
    def log(self) -> Path:
        """The file for what the node prints, made when the first byte is written."""
        return log_path(self.files, self.node_id, self.number)

    @property
    def lock(self) -> Path:
        """The file that is kept locked while any process of the attempt lives."""
        return lock_path(self.files, self.node_id, self.number)


class Succeeded(msgspec.Struct, frozen=True, kw_only=True):
    """``output`` is strict JSON (``values.encode``); ``duration`` in seconds."""

    node_id: str
    attempt: int
    output: bytes
    duration: float


class Failed(msgspec.Struct, frozen=True, kw_only=True):
    """``duration`` in seconds."""

    node_id: str
    attempt: int
    error: NodeError
    duration: float


Outcome = Succeeded | Failed

End = Outcome | StoreError
"""How an attempt ended.  The error says that the disk refused what the attempt printed: it has no
outcome then, for the next one would meet the same, and the drive cannot go on."""


class Executor(Protocol):
    """Runs attempts.  All methods may be called from any thread; none but ``outcomes`` blocks."""

    def submit(self, attempts: Sequence[Attempt]) -> None:
        """Start them."""
        ...

    def outcomes(self, *, timeout: float | None) -> Sequence[Outcome]:
        """All outcomes that are ready, after at most ``timeout`` seconds (None: for ever).

        Raises ``StoreError`` if the disk refused what an attempt printed.
        """
        ...

    def relay(self, turn: Callable[[], None]) -> None:
        """Have ``turn`` called where an outcome came to be, if that saves waking another thread.

        An executor may as well let everything wait for ``outcomes``.  ``turn`` asks it for what is
        ready, with no timeout; it raises nothing, and returns at once if a turn is being taken.
        """
        ...

    def wake(self) -> None:
        """Make a blocked ``outcomes`` return now, if with nothing.  Safe in a signal handler."""
        ...

    def cancel(self, node_id: str, error: NodeError) -> None:
        """Stop the node's attempt; it then fails with ``error``.  Nothing if it does not run."""
        ...

    def close(self) -> None:
        """Stop everything by force and forget it."""
        ...
