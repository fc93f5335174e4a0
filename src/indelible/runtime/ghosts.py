"""Processes that outlived their driver, found through their attempt's lock, and ended.

A node must never run beside its own ghost.  Usually there is none: a watchdog ends what a dying
driver leaves behind.  What escaped it (a driver that died between starting a process and telling
the watchdog, a child in a session of its own) still holds the lock that every process of an attempt
inherits, and whoever holds a lock can be found where ``/proc`` shows it.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import msgspec

from indelible.engine.state import RunState
from indelible.engine.status import NodeStatus
from indelible.errors import GhostError
from indelible.executors.files import lock_path, locks_in
from indelible.executors.group import is_free
from indelible.stores.disk import explain

KEPT = frozenset({NodeStatus.SUCCESS, NodeStatus.ALLOWED})
"""Nodes that a resume leaves as they are."""

PAUSE = 0.02
"""Seconds between two looks at a lock that is to become free."""

LAST_PATIENCE = 2.0
"""Seconds that the system is given to end what was killed."""


class Ghost(msgspec.Struct, frozen=True):
    """An attempt that still runs and that no driver drives.  ``grace`` is in seconds."""

    node_id: str
    attempt: int
    grace: float
    lock: Path


def end_ghosts(state: RunState, folder: Path) -> None:
    """Return when no process is left of any attempt at a node that may be executed again.

    For a driver that holds the claim, before anything is executed.  TERM, the node's grace time,
    KILL.  What a node that completed has left running is its own affair.  Raises ``GhostError`` for
    what cannot be found or does not end, ``StoreError`` for a lock that cannot be looked at.
    """
    ghosts = _held(_locked(state, folder))
    if not ghosts:
        return
    grace = max(ghost.grace for ghost in ghosts)
    _signal(ghosts, signal.SIGTERM)
    ghosts = _left(ghosts, grace, lambda left: None)
    # Again and again, as it may fork meanwhile.
    ghosts = _left(ghosts, LAST_PATIENCE, lambda left: _signal(left, signal.SIGKILL))
    for ghost in ghosts:
        raise GhostError(
            state.run_id,
            node_id=ghost.node_id,
            attempt=ghost.attempt,
            pids=tuple(_holders(ghost.lock)),
            lock=str(ghost.lock),
        )


def _locked(state: RunState, folder: Path) -> Iterator[Ghost]:
    """The attempts whose locks are still there, which is mostly none."""
    with explain(locks_in(folder), "list"):
        try:
            names = set(os.listdir(locks_in(folder)))
        except FileNotFoundError:
            return
    left = [node for node in state.nodes.values() if names and node.status not in KEPT]
    for node in left:
        for attempt in range(1, node.attempt + 1):
            path = lock_path(folder, node.id, attempt)
            if path.name in names:
                yield Ghost(node.id, attempt, node.planned.node.grace.total_seconds(), path)


def _held(ghosts: Iterable[Ghost]) -> list[Ghost]:
    held = []
    for ghost in ghosts:
        with explain(ghost.lock, "lock"):
            if not is_free(ghost.lock):
                held.append(ghost)
    return held


def _left(
    ghosts: list[Ghost], seconds: float, meanwhile: Callable[[list[Ghost]], None]
) -> list[Ghost]:
    """Those that are still there after ``seconds``, or when the last has gone."""
    deadline = time.monotonic() + seconds
    while ghosts := _held(ghosts):
        if time.monotonic() >= deadline:
            break
        meanwhile(ghosts)
        time.sleep(PAUSE)
    return ghosts


def _signal(ghosts: Iterable[Ghost], number: signal.Signals) -> None:
    for ghost in ghosts:
        signalled: set[int] = set()
        for pid in _holders(ghost.lock):
            _signal_group_of(pid, ghost.lock, number, signalled)


def _signal_group_of(pid: int, lock: Path, number: signal.Signals, signalled: set[int]) -> None:
    """Signal the group of ``pid`` once, if ``pid`` is still the process that was found.

    A descriptor of the process is opened first and the lock looked at again after it: a number that
    meanwhile became another's does not pass.  The group of a holder is the attempt's own, as the
    attempt began in a session of its own and a group never spans two.
    """
    try:
        process = os.pidfd_open(pid)
    except OSError:  # it has ended
        return
    try:
        group = os.getpgid(pid)
        if group in signalled or pid not in _holders(lock):
            return
        signalled.add(group)
        if group == os.getpgrp():  # it moved to us: only this one is a ghost
            signal.pidfd_send_signal(process, number)
        else:
            os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return  # gone, or another user's: whether the lock comes free will tell
    finally:
        os.close(process)


def _holders(lock: Path) -> list[int]:
    """The processes that hold ``lock``, as far as this system shows them to us.

    Never by a number that was written down, as that may be another's by now.  A process that merely
    has the file open does not count, nor does one that took the lock itself instead of inheriting
    it: that is a driver.
    """
    try:
        wanted = lock.stat()
        pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    except OSError:
        return []
    return [pid for pid in pids if pid != os.getpid() and _holds(pid, wanted)]


def _holds(pid: int, wanted: os.stat_result) -> bool:
    try:
        fds = os.listdir(f"/proc/{pid}/fd")
    except OSError:  # it has ended, or is another user's
        return False
    return any(_is_lock(pid, fd, wanted) for fd in fds)


def _is_lock(pid: int, fd: str, wanted: os.stat_result) -> bool:
    try:
        if not os.path.samestat(os.stat(f"/proc/{pid}/fd/{fd}"), wanted):
            return False
        with open(f"/proc/{pid}/fdinfo/{fd}") as info:
            locks = [line.split() for line in info if line.startswith("lock:")]
    except OSError:
        return False
    # lock: 1: FLOCK ADVISORY WRITE {pid of who took it} {device:inode} 0 EOF
    return any(lock[2] == "FLOCK" and int(lock[5]) != pid for lock in locks)
