"""Putting a node where ``decide`` will look for it, and keeping count at the gates.

Bookkeeping of fold: after an event, each node that it touched is enqueued again, and whoever a gate
has become free for is let in.
"""

from __future__ import annotations

from indelible.engine.gate import count, first_full
from indelible.engine.state import NodeState, RunState
from indelible.engine.status import NodeStatus, Role


def enqueue(state: RunState, node: NodeState) -> None:
    """Put ``node`` into the queue that its state belongs to, if it belongs to any."""
    if node.status is NodeStatus.PENDING and node.missing:
        return
    if node.is_startable:
        if node.role is Role.ATTEMPT:
            admit(state, node)
        else:
            state.ready.push(node.serial)
    elif node.is_closing:
        state.closing.push(node.serial)
    elif node.status is NodeStatus.RETRYING and node.retry_at is not None and not node.missing:
        # Also a retry waits for its upstream, if that was reset meanwhile.
        state.retries.push((node.retry_at, node.serial))
    elif node.waiting is not None and node.waiting.until is not None:
        state.timers.push((node.waiting.until, node.serial))


def admit(state: RunState, node: NodeState) -> None:
    """Let ``node`` in through all gates, or park it at the first that is full."""
    if node.is_admitted:
        return
    full = first_full(node.gate)
    if full is not None:
        full.parked.push(node.serial)
        return
    count_in(node)
    state.ready.push(node.serial)


def count_in(node: NodeState) -> None:
    """``node`` takes a place at each gate; more than there are, if the log says that it started."""
    if not node.is_admitted:
        node.is_admitted = True
        count(node.gate, +1)


def count_outcome(state: RunState, node: NodeState, step: int) -> None:
    """Add (+1) or take back (-1) the outcome of ``node`` in everything downstream of it."""
    if not node.below:
        return
    outcome = node.status._value_  # `.value` is a property, in Python
    for below in node.below:
        below.missing -= step
        below.judged = None
        setattr(below.upstream, outcome, getattr(below.upstream, outcome) + step)
        if below.missing and below.status is not NodeStatus.RUNNING:
            release(state, below)


def release(state: RunState, node: NodeState) -> None:
    """``node`` gives up its places, and others are let in."""
    if not node.is_admitted:
        return
    node.is_admitted = False
    count(node.gate, -1)
    gate = node.gate
    while gate is not None:
        while not gate.is_full and (serial := gate.parked.take()) is not None:
            admit(state, state.by_serial[serial])
        gate = gate.outer
