"""What a resume takes up again: which attempts were cut off, which nodes begin anew.

The table of SPEC section 5: completed, allowed and waiting nodes keep what they have; attempts in
flight are interrupted; failed and stopped nodes are reset, and with them the skipped nodes anywhere
downstream, to be judged again.  A container goes on with what has not ended inside it, and one that
failed because of what is reset inside it is open again.

Somebody may ask for more (``--from``): a node, and everything downstream of it and of the
containers around it, is reset whatever became of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from indelible.engine.state import NodeState, RunState
from indelible.engine.status import NodeStatus, Role
from indelible.engine.tree import around, forgives

SKIPPED = frozenset({NodeStatus.SKIPPED, NodeStatus.UPSTREAM_FAILED})


class Resumption(msgspec.Struct, frozen=True):
    """Node ids for ``workflow_started``, in the order in which the nodes came to be."""

    interrupted: tuple[str, ...]
    reset: tuple[str, ...]
    reset_explicitly: tuple[str, ...] = ()


def resumption(
    state: RunState, from_nodes: Iterable[str] = (), replaced: Iterable[str] = ()
) -> Resumption:
    """What the next ``workflow_started`` of this run must list.

    ``from_nodes`` are reset with everything downstream, ``replaced`` because they are not the nodes
    any more that they were.  Raises ``KeyError`` for a node that is not.
    """
    failed = [*_to_reset(state), *(state.nodes[name] for name in replaced)]
    running = [state.nodes[name] for name in state.running]
    skipped = _skipped(_downstream([*_with_around(failed), *running]))
    asked = _with_downstream([state.nodes[name] for name in from_nodes])
    reset = _in_order(_not_lost([*failed, *skipped, *asked]))
    explicit = {node.id for node in asked}
    return Resumption(
        interrupted=_in_order(running),
        reset=reset,
        reset_explicitly=tuple(name for name in reset if name in explicit),
    )


def _to_reset(state: RunState) -> Iterator[NodeState]:
    """Nodes that failed, where it is they and not something inside them that failed."""
    failed = [state.nodes[name] for name in (*state.failed, *state.stopped)]
    for node in failed:
        if any(child.status is NodeStatus.FAILED for child in node.children or ()):
            continue
        if node.role is Role.APPROVAL and not state.is_closed:
            continue  # an answer that came while nobody drove counts, and is not asked for again
        if not any(forgives(parent) for parent in around(node)):
            yield node


def _with_downstream(asked: list[NodeState]) -> list[NodeState]:
    return [*asked, *_downstream(_with_around(asked))]


def _with_around(nodes: Iterable[NodeState]) -> list[NodeState]:
    return [each for node in nodes for each in (node, *around(node))]


def _downstream(nodes: Iterable[NodeState]) -> list[NodeState]:
    """Everything behind ``nodes``, however far; they themselves only if behind another of them."""
    found: dict[int, NodeState] = {}
    front = list({node.serial: node for node in nodes}.values())
    while front:
        for below in front.pop().below or ():
            if below.serial not in found:
                found[below.serial] = below
                front.append(below)
    return list(found.values())


def _skipped(nodes: Iterable[NodeState]) -> list[NodeState]:
    return [node for node in nodes if node.status in SKIPPED]


def _not_lost(nodes: list[NodeState]) -> Iterator[NodeState]:
    """Those that have begun and are not forgotten with others of them.

    A container forgets everything in it, an iteration of a loop those that came after it.
    """
    serials = {node.serial for node in nodes}
    last: dict[int, int] = {}
    for loop, index in _iterations(nodes):
        last[loop] = min(index, last.get(loop, index))
    for node in nodes:
        is_inside = any(parent.serial in serials for parent in around(node))
        is_later = any(index > last[loop] for loop, index in _iterations([node]))
        if node.is_begun and not is_inside and not is_later:
            yield node


def _iterations(nodes: Iterable[NodeState]) -> Iterator[tuple[int, int]]:
    """The loops that ``nodes`` are in, by serial, and the index of the iteration in each."""
    for node in _with_around(nodes):
        if node.index is not None and node.parent is not None and node.parent.role is Role.LOOP:
            yield node.parent.serial, node.index


def _in_order(nodes: Iterable[NodeState]) -> tuple[str, ...]:
    unique = {node.serial: node for node in nodes}
    return tuple(unique[serial].id for serial in sorted(unique))
