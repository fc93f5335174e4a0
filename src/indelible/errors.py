"""Everything Indelible raises on purpose, and the exit code each one means.

IndelibleError           1   catch this to catch all of ours and none of yours
├── UsageError               2   the command or call makes no sense as given
│   └── RunExistsError               this run id is taken
├── DefinitionError          3   the workflow is wrong; every complaint, with line and column
├── InputError               3   an input is missing or has the wrong type
├── ExpressionError          3   an expression does not parse, or has no value
├── ValueNotJsonError        1   a value cannot be written as strict JSON; names the path inside it
├── NotFoundError            4   no such run, node, file
├── WaitingError             5   only an approval or a timer is left
├── RunCancelledError        6   the run was cancelled
├── HeldError                7   another process drives this run
│   └── GhostError                   a process of a dead driver still runs, and cannot be ended
├── CorruptLogError          8   what is stored is not what was written
├── IllegalEventError        8   an event that its own past forbids
├── ResultLostError          9   the command did its work, and stdout does not take what it found
├── StoreError               9   the store could not read or write
│   ├── ConflictError                somebody else appended first; read again, then decide again
│   └── NewerLogError                the log was written by a newer Indelible
└── InterruptedRunError    130   stopped by a signal; the run can be resumed

An error says where, what, and what to do, and keeps its parts as attributes.  The exit
codes are those of the contract, section 8.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

import msgspec


class IndelibleError(Exception):
    """The root.  ``hint`` is what the reader can do about it, if there is anything to do."""

    exit_code: ClassVar[int] = 1

    def __init__(self, problem: str, *, hint: str = "") -> None:
        super().__init__(f"{problem}\n{hint}" if hint else problem)
        self.problem = problem
        self.hint = hint


class UsageError(IndelibleError):
    """The command or call makes no sense as given."""

    exit_code = 2


class RunExistsError(UsageError):
    """A new run was asked for under an id that already has a log."""

    def __init__(self, run_id: str) -> None:
        super().__init__(
            f"run {run_id} exists already",
            hint=f"Go on with it: indelible resume {run_id}. Or choose another --run-id.",
        )
        self.run_id = run_id


class Complaint(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong with a workflow.  Line and column count from 1; 0 is unknown."""

    message: str
    file: str = ""
    line: int = 0
    column: int = 0
    node: str = ""
    hint: str = ""

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part)
        said = f"node {self.node}: {self.message}" if self.node else self.message
        text = f"{place}: {said}" if place else said
        return f"{text}\n    {self.hint}" if self.hint else text


class DefinitionError(IndelibleError):
    """The workflow cannot be run as written.  Every complaint is there, in file order."""

    exit_code = 3

    def __init__(self, complaints: Sequence[Complaint]) -> None:
        super().__init__("\n".join(str(complaint) for complaint in complaints))
        self.complaints = tuple(complaints)


class InputError(IndelibleError):
    """Inputs that do not fit what the workflow declares; every one that is wrong is named."""

    exit_code = 3

    def __init__(self, problems: Sequence[str], *, hint: str = "") -> None:
        super().__init__("\n".join(problems), hint=hint)
        self.problems = tuple(problems)


class ExpressionError(IndelibleError):
    """``column`` counts from 1 inside ``source``; 0 when no single place is to blame."""

    exit_code = 3

    def __init__(self, problem: str, *, source: str, column: int = 0, hint: str = "") -> None:
        super().__init__(problem, hint=hint)
        self.source = source
        self.column = column


class ValueNotJsonError(IndelibleError):
    """``path`` leads to the part that JSON cannot hold, e.g. ``$.rows[3].price``."""

    def __init__(self, problem: str, *, path: str, hint: str = "") -> None:
        super().__init__(f"{path}: {problem}", hint=hint)
        self.path = path


class NotFoundError(IndelibleError):
    """What was asked for does not exist."""

    exit_code = 4


class Awaited(msgspec.Struct, frozen=True, kw_only=True):
    """What a node waits for: an answer to ``message``, one of ``choices``, or a moment.

    ``kind`` is ``approval``, ``timer`` or ``retry``.
    """

    node_id: str
    kind: str
    until: datetime | None = None
    message: str = ""
    choices: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.until is not None:
            return f"{self.node_id}: a {self.kind}, due {self.until.isoformat()}"
        return f"{self.node_id}: {self.message} ({' | '.join(self.choices)})"


class WaitingError(IndelibleError):
    """Nothing is left to do now but wait for a person or a moment; ``awaited`` lists for what."""

    exit_code = 5

    def __init__(self, run_id: str, awaited: Sequence[Awaited]) -> None:
        what = "".join(f"\n    {each}" for each in awaited)
        asked = next((each.node_id for each in awaited if each.until is None), "")
        answer = f"Answer: indelible approve {run_id} {asked}. " if asked else ""
        super().__init__(
            f"run {run_id} waits for{what}",
            hint=f"{answer}When it has come, go on: indelible resume {run_id}",
        )
        self.run_id = run_id
        self.awaited = tuple(awaited)


class RunCancelledError(IndelibleError):
    """The run was cancelled, and nobody asked to go on all the same."""

    exit_code = 6


class HeldError(IndelibleError):
    """Another process drives this run.  ``holder`` says which: host, pid, since."""

    exit_code = 7

    def __init__(self, run_id: str, holder: str) -> None:
        super().__init__(
            f"run {run_id} is held by {holder or 'another process'}",
            hint=f"Wait for it (indelible events {run_id} --follow), "
            f"or stop it (indelible cancel {run_id}).",
        )
        self.run_id = run_id
        self.holder = holder


class GhostError(HeldError):
    """A node still runs though its driver is dead.  ``pids`` are those of its processes we see."""

    def __init__(
        self, run_id: str, *, node_id: str, attempt: int, pids: Sequence[int], lock: str
    ) -> None:
        seen = " ".join(map(str, pids))
        who = f"pid {seen}" if seen else "a process that cannot be seen from here"
        end = f"End it (kill -KILL {seen})" if seen else f"Find it (lsof {lock}) and end it"
        IndelibleError.__init__(
            self,
            f"run {run_id}: attempt {attempt} of node {node_id} still runs ({who}), "
            "though its driver is gone",
            hint=f"{end}, then go on: indelible resume {run_id}",
        )
        self.run_id = run_id
        self.holder = who
        self.node_id = node_id
        self.attempt = attempt
        self.pids = tuple(pids)
        self.lock = lock


class CorruptLogError(IndelibleError):
    """``line`` counts from 1, ``offset`` in bytes from the start of ``place``; -1 when unknown."""

    exit_code = 8

    def __init__(
        self, problem: str, *, place: str, line: int = 0, offset: int = -1, hint: str = ""
    ) -> None:
        where = place + (f", line {line}" if line else "")
        where += f", byte {offset}" if offset >= 0 else ""
        super().__init__(f"{where}: {problem}", hint=hint)
        self.place = place
        self.line = line
        self.offset = offset


class IllegalEventError(IndelibleError):
    """The table of legal moves (``engine/status.py``) has no row for this event."""

    exit_code = 8

    def __init__(self, problem: str, *, sequence: int = 0) -> None:
        super().__init__(f"event {sequence}: {problem}" if sequence else problem)
        self.sequence = sequence


class StoreError(IndelibleError):
    """The store could not read or write; what was acknowledged before is still there."""

    exit_code = 9


class ResultLostError(IndelibleError):
    """The work of a command is done, but its result cannot be written to stdout."""

    exit_code = 9


class ConflictError(StoreError):
    """The log is not as long as the writer thought: a newer writer is at work."""

    def __init__(self, run_id: str, *, expected: int, found: int) -> None:
        super().__init__(f"run {run_id}: expected {expected} events, found {found}")
        self.run_id = run_id
        self.expected = expected
        self.found = found


class NewerLogError(StoreError):
    """Written by a version of Indelible that this one does not understand."""

    def __init__(self, place: str, *, found: int, known: int) -> None:
        super().__init__(
            f"{place}: written in format {found}; this version reads up to {known}",
            hint="Upgrade Indelible: pip install --upgrade indelible",
        )
        self.place = place


class InterruptedRunError(IndelibleError):
    """A signal stopped the drive; the log says how far it came."""

    exit_code = 130

    def __init__(self, run_id: str) -> None:
        super().__init__(f"run {run_id} was interrupted", hint=f"Go on: indelible resume {run_id}")
        self.run_id = run_id
