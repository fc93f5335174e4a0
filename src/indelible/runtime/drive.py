"""Start, resume and cancel a run: what each one checks, holds and writes first."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime

import msgspec

from indelible.definition.inputs import bind_inputs
from indelible.definition.model import Definition
from indelible.engine.state import RunState
from indelible.engine.status import RunStatus
from indelible.errors import (
    ConflictError,
    NotFoundError,
    RunExistsError,
    UsageError,
    WaitingError,
)
from indelible.events import WorkflowCancelled
from indelible.executors.port import Executor
from indelible.plan import Plan, make_plan
from indelible.runtime.adoption import with_live_sources
from indelible.runtime.config import Function, default_parallel, open_executor
from indelible.runtime.identity import id_of_new_run, now_utc, this_user
from indelible.runtime.log import Log, Watch, open_log, unwatched
from indelible.runtime.opening import first_opening, next_opening
from indelible.runtime.runner import Opening, Runner
from indelible.runtime.signals import Interrupting, interrupting
from indelible.runtime.waiting import awaited
from indelible.stores.codec import check_run_id
from indelible.stores.port import IWorkflowStore
from indelible.values import Json


class Shell(msgspec.Struct, frozen=True, kw_only=True):
    """All that a drive takes from the world, handed in: functions, executor, clock, dice, watcher.

    ``functions`` are the live callables of Python nodes, by node id; what is missing is imported.
    ``interrupting`` says who may interrupt the drive while it lasts: by default, the signals.
    A shell that ``waits`` stays while the run waits for an answer or a moment; another gives it up
    then, with ``WaitingError``.
    """

    functions: Mapping[str, Function] = {}
    executor: Callable[[Mapping[str, Function]], Executor] = open_executor
    watch: Watch = unwatched
    interrupting: Interrupting = interrupting
    waits: bool = True
    now: Callable[[], datetime] = now_utc
    roll: Callable[[], float] = random.random


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
    and ``WaitingError`` if ``shell`` does not wait, and what ``Runner.drive`` raises.
    """
    shell = shell or Shell()
    is_asked_for = run_id is not None
    run_id = id_of_new_run(run_id)
    bound = bind_inputs(definition.inputs, inputs)
    plan = make_plan(definition, default_parallel=default_parallel())
    _refuse_missing_kinds(plan)
    if is_asked_for:
        _refuse_taken(store, run_id)  # before a claim makes a driver of that run wait
    with store.claim(run_id):
        if is_asked_for:
            _refuse_taken(store, run_id)
        log = Log(store, plan, run_id, shell.watch, default_parallel=default_parallel())
        state = _drive(log, first_opening(log, definition, bound, source), shell)
    return _unless_waiting(store, state, shell)


def resume(
    store: IWorkflowStore,
    run_id: str,
    *,
    cancelled: bool = False,
    from_nodes: Sequence[str] = (),
    definition: Definition | None = None,
    shell: Shell | None = None,
) -> RunState:
    """Go on with a run from where its log ends; a completed one is left as it is.

    ``cancelled`` says that a cancelled run is meant too; else it raises ``RunCancelledError``.
    ``from_nodes`` begin anew, with everything downstream of them, also in a completed run.
    ``definition`` is the one to go on with; raises ``DefinitionError`` if it changes what has been
    done.  Raises ``NotFoundError`` for a run or node that is not, ``HeldError`` for a run that is
    being driven, and ``WaitingError`` if only waiting is left and ``shell`` does not wait.
    """
    shell = shell or Shell()
    if next(iter(store.read(check_run_id(run_id))), None) is None:
        raise NotFoundError(f"there is no run {run_id}", hint="See them all: indelible list")
    with store.claim(run_id):
        log = open_log(store, run_id, default_parallel=default_parallel(), watch=shell.watch)
        if log.state.status is RunStatus.COMPLETED and not from_nodes and definition is None:
            return log.state
        if definition is None:
            _refuse_missing_kinds(log.plan)
        opening = next_opening(
            log,
            cancelled=cancelled,
            from_nodes=from_nodes,
            definition=definition or with_live_sources(log.state, shell.functions),
        )
        state = _drive(log, opening, shell)
    return _unless_waiting(store, state, shell)


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
        log.draft(WorkflowCancelled(reason=reason, by=by or this_user()))
        try:
            log.commit(now_utc())
        except ConflictError:
            continue  # its driver was first; what it wrote may have ended the run
        return log.state


def _drive(log: Log, opening: Opening, shell: Shell) -> RunState:
    with _closing(shell.executor(shell.functions)) as executor:
        runner = Runner(
            log, executor, opening=opening, waits=shell.waits, now=shell.now, roll=shell.roll
        )
        with shell.interrupting(runner.interrupt):
            return runner.drive()


def _unless_waiting(store: IWorkflowStore, state: RunState, shell: Shell) -> RunState:
    """A run that is settled.  Called without the claim."""
    if state.is_settled:
        return state
    # An answer that came before the claim was given up was left to us, and nobody else saw it.
    if store.wait(state.run_id, after=state.sequence, timeout=0):
        return resume(store, state.run_id, shell=shell)
    raise WaitingError(state.run_id, awaited(state))


@contextmanager
def _closing(executor: Executor) -> Iterator[Executor]:
    try:
        yield executor
    finally:
        executor.close()


def _refuse_missing_kinds(plan: Plan) -> None:
    plugged = list(plan.graph.plugged())
    if plugged:
        from indelible.definition.plugged import check_installed

        check_installed(plugged)


def _refuse_taken(store: IWorkflowStore, run_id: str) -> None:
    if next(iter(store.read(run_id)), None) is not None:
        raise RunExistsError(run_id)
