"""How a run stands: what its log says, and whether anybody drives it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from indelible.engine.state import RunState
from indelible.engine.status import INTERRUPTED, NodeStatus, RunStatus


class Standing(StrEnum):
    """An open run is ``waiting`` if nothing is left to do but wait, whether somebody drives it or
    not; else ``running`` if somebody does, and ``interrupted`` if nobody does."""

    RUNNING = "running"
    WAITING = "waiting"
    INTERRUPTED = "interrupted"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


OPEN = frozenset({Standing.RUNNING, Standing.WAITING, Standing.INTERRUPTED})

_ENDED: Mapping[RunStatus, Standing] = {
    RunStatus.COMPLETED: Standing.COMPLETED,
    RunStatus.FAILED: Standing.FAILED,
    RunStatus.CANCELLED: Standing.CANCELLED,
}


def standing(status: RunStatus, *, is_only_waiting: bool, has_driver: bool) -> Standing:
    """How a run of this ``status`` stands."""
    ended = _ENDED.get(status)
    if ended is not None:
        return ended
    if is_only_waiting:
        return Standing.WAITING
    return Standing.RUNNING if has_driver else Standing.INTERRUPTED


def standing_of(state: RunState, *, has_driver: bool) -> Standing:
    """The same of a run that has been folded."""
    return standing(state.status, is_only_waiting=_is_only_waiting(state), has_driver=has_driver)


def _is_only_waiting(state: RunState) -> bool:
    """Nothing executes or was cut off, and something waits for a person or a moment."""
    if state.running:
        return False
    found = bool(state.waiting)
    for node in state.nodes.values():
        if node.status is NodeStatus.INTERRUPTED:
            return False
        if node.status is NodeStatus.RETRYING:
            # After Ctrl-C a node is to be tried again at once, which only a resume does.
            if node.error is not None and node.error.type == INTERRUPTED:
                return False
            found = True
    return found
