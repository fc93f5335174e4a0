"""Why a node is where it is: what it waits for, why it was skipped, kept or executed again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import msgspec

from indelible.engine.gate import first_full
from indelible.engine.state import NodeState, RunState
from indelible.engine.status import NodeStatus, Role
from indelible.engine.trigger_rules import Verdict
from indelible.errors import NotFoundError

MAX_SHOWN = 10
"""How many names a sentence lists."""


class Cause(msgspec.Struct, frozen=True):
    """A node that it all goes back to, and what became of it."""

    node_id: str
    status: str
    error: str = ""


class Explanation(msgspec.Struct, frozen=True):
    """``says`` is one sentence after another; ``upstream`` are direct ones, by id, with status."""

    node_id: str
    status: str
    says: tuple[str, ...]
    upstream: Mapping[str, str] = {}
    causes: tuple[Cause, ...] = ()

    def __str__(self) -> str:
        lines = [f"{self.node_id}: {self.status}", *(f"  {line}" for line in self.says)]
        lines += (
            f"  root cause: {cause.node_id} ({cause.status})"
            + (f": {cause.error}" if cause.error else "")
            for cause in self.causes
        )
        return "\n".join(lines)


def explain(state: RunState, node_id: str | None = None) -> tuple[Explanation, ...]:
    """Of one node, or of every node of the run in order.  Raises ``NotFoundError``."""
    if node_id is None:
        return tuple(_explanation(state, node) for node in state.nodes.values())
    node = state.nodes.get(node_id)
    if node is None:
        raise NotFoundError(
            f"run {state.run_id} has no node {node_id!r}",
            hint="What is inside a node comes to be when it starts.",
        )
    return (_explanation(state, node),)


def _explanation(state: RunState, node: NodeState) -> Explanation:
    above = {name: state.nodes[node.prefix + name].status.value for name in _upstream(node)}
    causes = sorted(node.roots - {node.id})
    return Explanation(
        node_id=node.id,
        status=node.status.value,
        says=(*_WHY[node.status](state, node), *_history(node)),
        upstream=above,
        causes=tuple(_cause(state, name) for name in causes[:MAX_SHOWN]),
    )


def _upstream(node: NodeState) -> tuple[str, ...]:
    return () if node.is_instance else node.planned.upstream


def _cause(state: RunState, name: str) -> Cause:
    node = state.nodes.get(name)
    if node is None:
        return Cause(name, "forgotten")
    return Cause(name, node.status.value, _error(node))


def _error(node: NodeState) -> str:
    return f"{node.error.type}: {node.error.message}" if node.error is not None else ""


def _pending(state: RunState, node: NodeState) -> Iterator[str]:
    if state.is_closed:
        yield f"the run is {state.status}; a resume goes on with it"
    open_above = [name for name in _upstream(node) if not _is_ended(state, node, name)]
    if open_above:
        yield f"waits for {_listed(open_above)} to end"
    elif first_full(node.gate) is not None:
        yield "waits for a place: max_parallel attempts are running"
    else:
        yield "may start now"


def _is_ended(state: RunState, node: NodeState, name: str) -> bool:
    return state.nodes[node.prefix + name].is_ended


def _running(state: RunState, node: NodeState) -> Iterator[str]:
    if not node.is_container:
        yield f"attempt {node.attempt} is running, or was when its driver died"
        return
    still = [child.id for child in node.children or () if not child.is_ended]
    yield f"waits for {_listed(still)} inside it" if still else "all inside it has ended"


def _waiting(state: RunState, node: NodeState) -> Iterator[str]:
    assert node.waiting is not None
    if node.role is Role.TIMER:
        yield f"waits until {node.waiting.until}"
        return
    yield f"waits for an answer to: {node.waiting.message} ({' | '.join(node.waiting.choices)})"
    yield f"answer it: indelible approve {state.run_id} {node.id}"


def _retrying(state: RunState, node: NodeState) -> Iterator[str]:
    yield f"attempt {node.attempt} failed ({_error(node)}); tried again at {node.retry_at}"


def _interrupted(state: RunState, node: NodeState) -> Iterator[str]:
    yield f"attempt {node.attempt} was cut off with its driver; it is executed again"


def _success(state: RunState, node: NodeState) -> Iterator[str]:
    yield f"completed at attempt {node.attempt}; a resume keeps its output and does not execute it"


def _failed(state: RunState, node: NodeState) -> Iterator[str]:
    yield f"attempt {node.attempt} failed for good ({_error(node)}); a resume executes it again"


def _allowed(state: RunState, node: NodeState) -> Iterator[str]:
    yield f"attempt {node.attempt} failed ({_error(node)}), which allow_failure lets pass"


def _skipped(state: RunState, node: NodeState) -> Iterator[str]:
    if node.verdict() is Verdict.START:
        yield f"its condition did not hold: {node.node.when}"
        return
    counts = ", ".join(f"{count} {name}" for name, count in node.upstream.counts().items())
    yield f"its trigger rule {node.rule} was not met: of its upstream, {counts}"
    said = [f"{name} ({state.nodes[node.prefix + name].status})" for name in _upstream(node)]
    yield f"upstream: {_listed(said)}"


_Why = Callable[[RunState, NodeState], Iterator[str]]

_WHY: Mapping[NodeStatus, _Why] = {
    NodeStatus.PENDING: _pending,
    NodeStatus.RUNNING: _running,
    NodeStatus.WAITING: _waiting,
    NodeStatus.RETRYING: _retrying,
    NodeStatus.INTERRUPTED: _interrupted,
    NodeStatus.SUCCESS: _success,
    NodeStatus.FAILED: _failed,
    NodeStatus.ALLOWED: _allowed,
    NodeStatus.SKIPPED: _skipped,
    NodeStatus.UPSTREAM_FAILED: _skipped,
}


def _history(node: NodeState) -> Iterator[str]:
    """Why it was executed more than once, as far as the state still knows."""
    reasons = (
        (node.tries, "failed"),
        (node.interruptions, "cut off by the end of their driver"),
        (node.resets, "begun anew because somebody asked for it"),
    )
    said = [f"{count} {what}" for count, what in reasons if count]
    if node.attempt > 1 and said:
        yield f"of its {node.attempt} attempts: {'; '.join(said)}"


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - MAX_SHOWN} more" if len(names) > MAX_SHOWN else ""
    return ", ".join(names[:MAX_SHOWN]) + more
