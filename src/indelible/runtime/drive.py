"""Start, resume and cancel a run: what each one checks, holds and writes first."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime

import msgspec
from msgspec import UNSET

from indelible import values
from indelible.definition.inputs import bind_inputs
from indelible.definition.model import Definition
from indelible.definition.normal import digest_of, encode_definition
from indelible.engine.resume import resumption
from indelible.engine.state import RunState, RunStatus
from indelible.errors import (
    ConflictError,
    NotFoundError,
    RunCancelledError,
    RunExistsError,
    UsageError,
)
from indelible.events import FORMAT, BlobRef, WorkflowCancelled, WorkflowStarted
from indelible.executors.port import Executor
from indelible.plan import make_plan
from indelible.runtime.config import Function, default_parallel, open_executor
from indelible.runtime.log import Log, Watch, open_log, unwatched
from indelible.runtime.payloads import keep
from indelible.runtime.runner import Opening, Runner
from indelible.runtime.signals import interrupting
from indelible.stores.codec import check_run_id
from indelible.stores.port import IWorkflowStore
from indelible.values import Json
from indelible.version import __version__


def now_utc() -> datetime:
    return datetime.now(UTC)


class Shell(msgspec.Struct, frozen=True, kw_only=True):
    """All that a drive takes from the world, handed in: functions, executor, clock, dice, watcher.

    ``functions`` are the live callables of Python nodes, by node id; what is missing is imported.
    """

    functions: Mapping[str, Function] = {}
    executor: Callable[[Mapping[str, Function]], Executor] = open_executor
    watch: Watch = unwatched
    now: Callable[[], datetime] = now_utc
    roll: Callable[[], float] = random.random


def new_run_id() -> str:
    """An id that sorts by time: UUID version 7 (RFC 9562)."""
    import uuid

    if hasattr(uuid, "uuid7"):
        return str(uuid.uuid7())
    import uuid_utils

    return str(uuid_utils.uuid7())


def start(
    store: IWorkflowStore,
    definition: Definition,
    inputs: Mapping[str, Json],
    *,
    run_id: str | None = None,
    source: str = "",
    shell: Shell | None = None,
) -> RunState:
    """Begin a run and drive it until it is closed.

    Raises ``InputError`` for inputs that do not fit, ``RunExistsError`` for an id that is taken,
    and what ``Runner.drive`` raises.
    """
    shell = shell or Shell()
    run_id = new_run_id() if run_id is None else check_run_id(run_id)
    bound = bind_inputs(definition.inputs, inputs)
    plan = make_plan(definition, default_parallel=default_parallel())
    _refuse_taken(store, run_id)
    with store.claim(run_id):
        _refuse_taken(store, run_id)
        log = Log(store, plan, run_id, shell.watch)
        return _drive(log, _first_opening(log, definition, bound, source), shell)


def resume(
    store: IWorkflowStore, run_id: str, *, cancelled: bool = False, shell: Shell | None = None
) -> RunState:
    """Go on with a run from where its log ends; a completed one is left as it is.

    ``cancelled`` says that a cancelled run is meant too; else it raises ``RunCancelledError``.
    Raises ``NotFoundError`` for a run that is not, ``HeldError`` for one that is being driven.
    """
    shell = shell or Shell()
    if next(iter(store.read(check_run_id(run_id))), None) is None:
        raise NotFoundError(f"there is no run {run_id}", hint="See them all: indelible list")
    with store.claim(run_id):
        log = open_log(store, run_id, default_parallel=default_parallel(), watch=shell.watch)
        if log.state.status is RunStatus.COMPLETED:
            return log.state
        return _drive(log, _next_opening(log, cancelled=cancelled), shell)


def cancel(store: IWorkflowStore, run_id: str, *, reason: str = "", by: str = "") -> RunState:
    """End a run for good, from any process; a driver that lives stops its nodes within a second.

    A run that is cancelled already stays as it is.  Raises ``UsageError`` for one that has ended.
    """
    while True:
        log = open_log(store, run_id)
        if log.state.status is RunStatus.CANCELLED:
            return log.state
        if log.state.is_closed:
            raise UsageError(
                f"run {run_id} has {log.state.status} already; there is nothing to cancel"
            )
        log.draft(WorkflowCancelled(reason=reason, by=by or _this_user()))
        try:
            log.commit(now_utc())
        except ConflictError:
            continue  # its driver was first; what it wrote may have ended the run
        return log.state


def _drive(log: Log, opening: Opening, shell: Shell) -> RunState:
    with _closing(shell.executor(shell.functions)) as executor:
        runner = Runner(log, executor, opening=opening, now=shell.now, roll=shell.roll)
        with interrupting(runner.interrupt):
            return runner.drive()


@contextmanager
def _closing(executor: Executor) -> Iterator[Executor]:
    try:
        yield executor
    finally:
        executor.close()


def _refuse_taken(store: IWorkflowStore, run_id: str) -> None:
    if next(iter(store.read(run_id)), None) is not None:
        raise RunExistsError(run_id)


def _first_opening(
    log: Log, definition: Definition, inputs: Mapping[str, Json], source: str
) -> Opening:
    recorded = encode_definition(definition)
    kept = keep(log.store, log.run_id, recorded)
    kept_inputs = keep(log.store, log.run_id, values.encode(inputs))

    def opening(state: RunState, now: datetime) -> WorkflowStarted:
        if state.attempt:
            raise RunExistsError(log.run_id)
        return WorkflowStarted(
            format=FORMAT,
            workflow=definition.name,
            attempt=1,
            definition=UNSET if isinstance(kept, BlobRef) else kept,
            definition_blob=kept if isinstance(kept, BlobRef) else None,
            definition_digest=digest_of(recorded),
            source=source,
            inputs=UNSET if isinstance(kept_inputs, BlobRef) else kept_inputs,
            inputs_blob=kept_inputs if isinstance(kept_inputs, BlobRef) else None,
            engine=__version__,
            deadline=_deadline(definition, now),
        )

    return opening


def _next_opening(log: Log, *, cancelled: bool) -> Opening:
    definition = log.plan.definition
    digest = digest_of(encode_definition(definition))

    def opening(state: RunState, now: datetime) -> WorkflowStarted:
        if state.status is RunStatus.CANCELLED and not cancelled:
            raise RunCancelledError(
                f"run {log.run_id} was cancelled",
                hint=f"To go on all the same: indelible resume {log.run_id} --cancelled",
            )
        again = resumption(state)
        return WorkflowStarted(
            format=FORMAT,
            workflow=definition.name,
            attempt=state.attempt + 1,
            definition_digest=digest,
            engine=__version__,
            interrupted=again.interrupted,
            reset=again.reset,
            deadline=_deadline(definition, now),
        )

    return opening


def _deadline(definition: Definition, now: datetime) -> datetime | None:
    return None if definition.timeout is None else now + definition.timeout


def _this_user() -> str:
    name = os.environ.get("USER") or os.environ.get("LOGNAME") or f"uid {os.getuid()}"
    return f"{name} on {os.uname().nodename}"
