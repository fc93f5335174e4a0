"""A process group from the outside: signal it, see whether anybody in it is still alive."""

from __future__ import annotations

import os


def signal_group(group: int, signal: int) -> bool:
    """Whether there was anybody to signal; a zombie counts."""
    try:
        os.killpg(group, signal)
    except (ProcessLookupError, PermissionError):  # macOS: a group of zombies is not permitted
        return False
    return True


def is_alive(group: int) -> bool:
    """Whether any process of the group still runs.

    Orphans are reaped by process 1, which in a container may take its time or never do it; so
    where ``/proc`` can tell a zombie from the living, it is asked.
    """
    if not signal_group(group, 0):
        return False
    try:
        pids = [name for name in os.listdir("/proc") if name.isdigit()]
    except OSError:
        return True
    return not pids or any(_runs_in(pid, group) for pid in pids)


def _runs_in(pid: str, group: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", "rb") as stat:
            # The name, in brackets, may hold anything; state, parent and group follow it.
            state, _, of_group = stat.read().rpartition(b")")[2].split()[:3]
    except (OSError, ValueError):  # it ended while we looked
        return False
    return int(of_group) == group and state not in (b"Z", b"X")
