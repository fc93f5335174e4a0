"""What a resume takes up again: which attempts were cut off, which nodes begin anew.

The table of SPEC section 5: completed, allowed and waiting nodes keep what they have; attempts in
flight are interrupted; failed and stopped nodes are reset, and with them the skipped nodes anywhere
downstream, to be judged again.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from indelible.engine.state import NodeStatus, RunState

SKIPPED = frozenset({NodeStatus.SKIPPED, NodeStatus.UPSTREAM_FAILED})


class Resumption(msgspec.Struct, frozen=True):
    """Node ids for ``workflow_started``, each in definition order."""

    interrupted: tuple[str, ...]
    reset: tuple[str, ...]


def resumption(state: RunState) -> Resumption:
    """What the next ``workflow_started`` of this run must list."""
    failed = [*state.failed, *state.stopped]
    skipped = _skipped_below(state, [*failed, *state.running])
    return Resumption(
        interrupted=_in_order(state, state.running), reset=_in_order(state, [*failed, *skipped])
    )


def _skipped_below(state: RunState, names: Iterable[str]) -> list[str]:
    seen = set(names)
    front = list(seen)
    while front:
        for name in state.nodes[front.pop()].planned.downstream:
            if name not in seen:
                seen.add(name)
                front.append(name)
    return [name for name in seen if state.nodes[name].status in SKIPPED]


def _in_order(state: RunState, names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(names), key=lambda name: state.nodes[name].planned.order))
