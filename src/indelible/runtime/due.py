"""Runs that can go on though nobody drives them: a moment has come, or an answer has arrived.

For cron: everything else is left alone, and what was found is told run by run.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import msgspec

from indelible.engine.decide import decide
from indelible.engine.state import RunState
from indelible.engine.status import Role, RunStatus
from indelible.errors import HeldError, IndelibleError, InterruptedRunError, WaitingError
from indelible.runtime import drive
from indelible.runtime.drive import Shell
from indelible.runtime.log import Log, open_log
from indelible.stores.codec import open_event
from indelible.stores.port import IWorkflowStore


class DueRun(msgspec.Struct, frozen=True):
    """What was done for one run.

    ``why`` it was due; ``status`` is what it has come to: that of the run, ``waiting`` if it waits
    again, or ``error``, which ``error`` then tells.
    """

    run_id: str
    why: str
    status: str
    error: str = ""


def resume_due(store: IWorkflowStore, *, shell: Shell | None = None) -> list[DueRun]:
    """Resume every run that is due, one after the other; none of them is waited with.

    Runs that somebody drives are left out.  A damaged run is told of and stops no other.  Raises
    ``InterruptedRunError`` after Ctrl-C.
    """
    shell = msgspec.structs.replace(shell or Shell(), waits=False)
    return [done for run_id in sorted(store.runs()) for done in _resumed(store, run_id, shell)]


def _resumed(store: IWorkflowStore, run_id: str, shell: Shell) -> Iterator[DueRun]:
    why = ""
    try:
        why = why_due(open_log(store, run_id), shell.now())
        if why:
            yield DueRun(run_id, why, drive.resume(store, run_id, shell=shell).status.value)
    except HeldError:
        return
    except WaitingError:
        yield DueRun(run_id, why, "waiting")
    except InterruptedRunError:
        raise
    except IndelibleError as error:
        yield DueRun(run_id, why, "error", str(error))


def why_due(log: Log, now: datetime) -> str:
    """What has come for a run that waited; empty if nothing has."""
    state = log.state
    if state.status is not RunStatus.RUNNING or not decide(state, now, {}):
        return ""
    timers = _names(state, (serial for moment, serial in state.timers if moment <= now))
    retries = _names(state, (serial for moment, serial in state.retries if moment <= now))
    is_late = state.deadline is not None and state.deadline <= now
    answered = _answered(log)
    reasons = (
        f"timer came due: {timers}" if timers else "",
        f"retry came due: {retries}" if retries else "",
        f"answer arrived: {answered}" if answered else "",
        "its timeout passed" if is_late else "",
    )
    return "; ".join(reason for reason in reasons if reason)


def _answered(log: Log) -> str:
    """The approval whose answer is the last event: a driver would have appended what follows."""
    for sealed in log.store.read(log.run_id, after=log.length - 1):
        event = open_event(sealed)
        node = log.state.nodes.get(getattr(event, "node_id", ""))
        if node is not None and node.role is Role.APPROVAL and node.is_ended:
            return node.id
    return ""


def _names(state: RunState, serials: Iterator[int]) -> str:
    return ", ".join(state.by_serial[serial].id for serial in serials)
