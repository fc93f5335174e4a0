"""What a resume takes up again: which attempts were cut off, which nodes begin anew.

The table of SPEC section 5: completed, allowed and waiting nodes keep what they have; attempts in
flight are interrupted; failed and stopped nodes are reset, and with them the skipped nodes anywhere
downstream, to be judged again.  A container goes on with what has not ended inside it, and one that
failed because of what is reset inside it is open again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from indelible.engine.state import NodeState, NodeStatus, RunState
from indelible.engine.tree import around, forgives

SKIPPED = frozenset({NodeStatus.SKIPPED, NodeStatus.UPSTREAM_FAILED})


class Resumption(msgspec.Struct, frozen=True):
    """Node ids for ``workflow_started``, in the order in which the nodes came to be."""

    interrupted: tuple[str, ...]
    reset: tuple[str, ...]


def resumption(state: RunState) -> Resumption:
    """What the next ``workflow_started`` of this run must list."""
    failed = list(_to_reset(state))
    reopened = [parent for node in failed for parent in around(node)]
    running = [state.nodes[name] for name in state.running]
    skipped = _skipped_below([*failed, *reopened, *running])
    return Resumption(interrupted=_in_order(running), reset=_in_order([*failed, *skipped]))


def _to_reset(state: RunState) -> Iterator[NodeState]:
    """Nodes that failed, where it is they and not something inside them that failed."""
    failed = [state.nodes[name] for name in (*state.failed, *state.stopped)]
    for node in failed:
        if any(child.status is NodeStatus.FAILED for child in node.children or ()):
            continue
        if not any(forgives(parent) for parent in around(node)):
            yield node


def _skipped_below(nodes: Iterable[NodeState]) -> list[NodeState]:
    seen = {node.serial: node for node in nodes}
    front = list(seen.values())
    while front:
        for below in front.pop().below or ():
            if below.serial not in seen:
                seen[below.serial] = below
                front.append(below)
    return [node for node in seen.values() if node.status in SKIPPED]


def _in_order(nodes: Iterable[NodeState]) -> tuple[str, ...]:
    unique = {node.serial: node for node in nodes}
    return tuple(unique[serial].id for serial in sorted(unique))
