"""What a run waits for, when that is all that is left to do."""

from __future__ import annotations

from collections.abc import Iterator

from indelible.engine.state import NodeState, RunState
from indelible.engine.status import Role, RunStatus
from indelible.errors import Awaited


def is_only_waiting(state: RunState) -> bool:
    """Whether nothing goes on before an answer arrives or a moment comes.

    To be asked of a state from which all decisions have been taken.
    """
    return state.status is RunStatus.RUNNING and not state.running


def awaited(state: RunState) -> tuple[Awaited, ...]:
    """The approvals, then the timers and retries, each in the order in which it comes."""
    waiting = (state.nodes[name] for name in state.waiting)
    answers = tuple(_answer(node) for node in waiting if node.role is Role.APPROVAL)
    return (*answers, *sorted(_moments(state), key=lambda each: str(each.until)))


def _answer(node: NodeState) -> Awaited:
    assert node.waiting is not None
    return Awaited(
        node_id=node.id,
        kind="approval",
        message=node.waiting.message or "",
        choices=node.waiting.choices,
    )


def _moments(state: RunState) -> Iterator[Awaited]:
    for kind, queue in (("timer", state.timers), ("retry", state.retries)):
        for moment, serial in queue:
            yield Awaited(node_id=state.by_serial[serial].id, kind=kind, until=moment)
