"""Nodes inside nodes: how a run's nodes come to be, and what their paths are.

The nodes of the workflow are there from the beginning.  Those inside a composite and the instances
of a map come to be when it starts, the iterations of a loop one by one as each of them starts:

    deploy[2]          the third instance of a map
    refine#1           the first iteration of a loop
    deploy[2]/build    a node inside it

Bookkeeping of fold; the states are made here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterator

from indelible.definition.model import Composite, OnItemFailure
from indelible.engine.admission import release
from indelible.engine.gate import Gate
from indelible.engine.state import NodeState, Past, RunState
from indelible.engine.status import CONTAINERS, NodeStatus, Role, role_of
from indelible.engine.trigger_rules import Upstream
from indelible.plan import Graph

NOTHING_UPSTREAM = Upstream()
"""The counts of every node that depends on none: nobody ever adds to them."""


def grow_graph(state: RunState, graph: Graph, parent: NodeState | None) -> list[NodeState]:
    """The nodes of a graph: of the workflow itself, or of the composite ``parent``."""
    prefix = "" if parent is None else f"{parent.id}/"
    gate = state.gate if parent is None else gate_inside(state, parent)
    grown = [
        _add(
            state,
            NodeState(
                id=prefix + planned.id,
                planned=planned,
                role=(role := role_of(planned.node, is_instance=False)),
                is_container=role in CONTAINERS,
                serial=len(state.by_serial),
                prefix=prefix,
                missing=len(planned.upstream),
                upstream=Upstream() if planned.upstream else NOTHING_UPSTREAM,
                gate=gate,
                parent=parent,
            ),
        )
        for planned in graph.in_order
    ]
    for node in grown:
        if node.planned.downstream:
            node.below = [state.nodes[prefix + name] for name in node.planned.downstream]
    return grown


def grow_instance(state: RunState, parent: NodeState, index: int) -> NodeState:
    """One instance of a map or one iteration of a loop."""
    place = f"[{index}]" if parent.role is Role.MAP else f"#{index}"
    return _add(
        state,
        NodeState(
            id=parent.id + place,
            planned=parent.planned,
            role=(role := role_of(parent.node, is_instance=True)),
            is_container=role in CONTAINERS,
            serial=len(state.by_serial),
            prefix=parent.prefix,
            missing=0,
            upstream=NOTHING_UPSTREAM,
            gate=gate_inside(state, parent),
            parent=parent,
            index=index,
        ),
    )


def gate_inside(state: RunState, parent: NodeState) -> Gate | None:
    """The gate that what is inside ``parent`` has to pass; a new one if it has a limit."""
    if parent.children:
        return parent.children[0].gate
    gate = parent.gate
    limit = parent.node.max_parallel
    # A composite instance of a map is inside the map's gate, which the limit was meant for.
    if limit and not parent.is_instance:
        gate = Gate(limit, gate, state.is_parked)
    body = parent.node.body
    if parent.role is Role.COMPOSITE and isinstance(body, Composite) and body.max_parallel:
        gate = Gate(body.max_parallel, gate, state.is_parked)
    return gate


def next_iteration(parent: NodeState) -> str:
    """The path of the iteration of a loop that would start now."""
    return f"{parent.id}#{len(parent.children or ()) + 1}"


def around(node: NodeState) -> Iterator[NodeState]:
    """The containers that ``node`` is in, nearest first."""
    parent = node.parent
    while parent is not None:
        yield parent
        parent = parent.parent


def inside(node: NodeState) -> Iterator[NodeState]:
    """Everything in ``node``, however deep."""
    for child in node.children or ():
        yield child
        yield from inside(child)


def collects(node: NodeState) -> bool:
    """Whether a map stands by its items, those that failed as null."""
    each = node.node.for_each if node.role is Role.MAP else None
    return each is not None and each.on_item_failure is OnItemFailure.COLLECT


def forgives(parent: NodeState) -> bool:
    """Whether a failure inside ``parent`` fails neither it nor the run."""
    return collects(parent) or (parent.node.allow_failure and not parent.is_instance)


def next_attempt(state: RunState, path: str) -> int:
    """The number of the next attempt of the node ``path``, also of one that has not come to be."""
    node = state.nodes.get(path)
    before = node or state.past.get(path)
    return 1 if before is None else before.attempt + 1


def prune(state: RunState, node: NodeState, *, resets: int = 0) -> None:
    """Forget everything in ``node``, as if it had never started.

    ``resets`` is 1 if somebody asked for it: attempts to come are then told from those before.
    """
    _forget(state, list(inside(node)), resets)
    node.children = None
    node.open_children = 0
    state.items.pop(node.id, None)


def prune_later(state: RunState, node: NodeState, *, resets: int = 0) -> None:
    """Forget the iterations that came after ``node``, or after the one that it is in."""
    for instance in (node, *around(node)):
        loop = instance.parent
        if loop is None or loop.role is not Role.LOOP:
            continue
        assert instance.index is not None
        assert loop.children is not None
        later = loop.children[instance.index :]
        del loop.children[instance.index :]
        loop.open_children -= sum(not each.is_ended for each in later)
        _forget(state, [lost for each in later for lost in (each, *inside(each))], resets)


def _forget(state: RunState, nodes: list[NodeState], resets: int) -> None:
    for node in nodes:
        if node.attempt or node.resets:
            state.past[node.id] = Past(node.attempt, node.resets + resets)
        state.open_nodes -= not node.is_ended
        node.status = NodeStatus.SKIPPED  # so that no queue shows it any more
        for names in (state.running, state.waiting, state.failed, state.fatal, state.stopped):
            names.pop(node.id, None)
        del state.nodes[node.id]
        state.items.pop(node.id, None)
    # Only now: whoever is let in must not be one of them.
    for node in nodes:
        release(state, node)


def _add(state: RunState, node: NodeState) -> NodeState:
    before = state.past.pop(node.id, None)
    if before is not None:
        node.attempt, node.resets = before.attempt, before.resets
    state.nodes[node.id] = node
    state.by_serial.append(node)
    state.open_nodes += 1
    if node.parent is not None:
        if node.parent.children is None:
            node.parent.children = []
        node.parent.children.append(node)
        node.parent.open_children += 1
    return node
