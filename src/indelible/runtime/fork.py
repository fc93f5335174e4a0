"""A new run that begins with what another has done so far.

Its log has a ``workflow_started`` of its own and then, for each node that keeps its outcome, the
start and the end of its last attempt, as attempt 1 and with the original times in the payload.
Kept is what a resume would keep: nodes in flight, waiting or failed are as if never started, and so
is everything behind them.  The other log is not touched.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import islice

from msgspec import Raw
from msgspec.structs import replace

from indelible import values
from indelible.definition.inputs import bind_inputs
from indelible.definition.normal import digest_of, encode_definition
from indelible.engine.resume import resumption
from indelible.engine.state import RunState
from indelible.engine.status import LEGAL_MOVES, Move, NodeStatus, Role
from indelible.engine.tree import around, next_iteration
from indelible.errors import NotFoundError, RunExistsError, UsageError
from indelible.events import (
    FORMAT,
    BlobRef,
    ForkedFrom,
    NodeCompleted,
    NodeFailed,
    NodeSkipped,
    NodeStarted,
    Sealed,
    WorkflowStarted,
)
from indelible.plan import make_plan
from indelible.runtime.identity import id_of_new_run, now_utc
from indelible.runtime.log import Log, open_log, unwatched
from indelible.runtime.opening import beside, inline
from indelible.runtime.payloads import keep
from indelible.stores.codec import open_event
from indelible.stores.port import IWorkflowStore
from indelible.values import Json
from indelible.version import __version__

NodeEvent = NodeStarted | NodeCompleted | NodeFailed | NodeSkipped


def fork(
    store: IWorkflowStore,
    run_id: str,
    *,
    at: int | None = None,
    from_node: str | None = None,
    inputs: Mapping[str, Json] | None = None,
    run_id_of_fork: str | None = None,
) -> str:
    """Begin a run with the outcomes of ``run_id``, and give its id; resume it to drive it.

    ``at`` takes the log only up to that sequence; ``from_node`` drops that node and everything
    behind it.  ``inputs`` change those of the run; outcomes may depend on any of them, so all are
    dropped unless ``at`` or ``from_node`` says which are kept.

    Raises ``UsageError`` for a sequence that is not, ``NotFoundError`` for a run or node that is
    not, ``RunExistsError``, ``InputError``.
    """
    new_id = id_of_new_run(run_id_of_fork)
    parent = open_log(store, run_id, until=at if at is None or at > 0 else 1)
    _check(parent, at, from_node)
    keeps_none = inputs is not None and at is None and from_node is None
    kept = () if keeps_none else _kept(parent, from_node)
    with store.claim(new_id):
        if next(iter(store.read(new_id)), None) is not None:
            raise RunExistsError(new_id)
        log = Log(store, make_plan(parent.plan.definition), new_id, unwatched)
        log.draft(_opening(parent, new_id, inputs or {}))
        _take_over(log, parent, kept)
        log.commit(now_utc())
    return new_id


def _check(parent: Log, at: int | None, from_node: str | None) -> None:
    if at is not None and at != parent.length:
        length = sum(1 for _ in parent.store.read(parent.run_id))
        raise UsageError(f"run {parent.run_id} has no event {at}: it has {length}, from 1")
    if from_node is not None and from_node not in parent.state.nodes:
        raise NotFoundError(
            f"run {parent.run_id} has no node {from_node!r}"
            + (f" at event {at}" if at is not None else "")
        )


def _opening(parent: Log, new_id: str, changes: Mapping[str, Json]) -> WorkflowStarted:
    store, definition = parent.store, parent.plan.definition
    given = _value(parent, parent.state.inputs)
    assert isinstance(given, dict)
    bound = bind_inputs(definition.inputs, {**given, **changes})
    recorded = encode_definition(definition)
    kept, kept_inputs = keep(store, new_id, recorded), keep(store, new_id, values.encode(bound))
    return WorkflowStarted(
        format=FORMAT,
        workflow=definition.name,
        attempt=1,
        definition=inline(kept),
        definition_blob=beside(kept),
        definition_digest=digest_of(recorded),
        inputs=inline(kept_inputs),
        inputs_blob=beside(kept_inputs),
        engine=__version__,
        source=f"fork of {parent.run_id}",
        forked_from=ForkedFrom(run_id=parent.run_id, sequence=parent.length),
    )


def _value(log: Log, kept: Raw | BlobRef | None) -> Json:
    if kept is None:
        return {}
    return values.decode(
        log.store.get_blob(log.run_id, kept) if isinstance(kept, BlobRef) else kept
    )


def _kept(parent: Log, from_node: str | None) -> tuple[NodeEvent, ...]:
    """Starts and ends of the nodes that a resume would leave alone, in the order of the log."""
    again = resumption(parent.state, () if from_node is None else (from_node,))
    dropped = {*again.reset, *again.interrupted}
    # A loop could do without its last iterations; it must not end without those that are dropped.
    reopened = {each.id for name in dropped for each in around(parent.state.nodes[name])}
    return tuple(
        event
        for event in _last_events(parent)
        if event.node_id not in dropped
        and _still_holds(parent.state, event, is_open=event.node_id in reopened)
    )


def _last_events(parent: Log) -> list[NodeEvent]:
    """Of each node, how its last attempt began and ended, or that it was skipped."""
    last: dict[str, dict[int, NodeEvent]] = {}
    for sealed in islice(parent.store.read(parent.run_id), parent.length):
        event = open_event(sealed)
        match event:
            case NodeStarted():
                last[event.node_id] = {
                    sealed.sequence: replace(event, attempt=1, at=_at(sealed, event))
                }
            case NodeSkipped():
                last[event.node_id] = {sealed.sequence: replace(event, at=_at(sealed, event))}
            case NodeCompleted() | NodeFailed(retry_at=None):
                ended = replace(event, attempt=1, at=_at(sealed, event))
                last[event.node_id][sealed.sequence] = ended
    in_order = sorted((sequence, node_id) for node_id, own in last.items() for sequence in own)
    return [last[node_id][sequence] for sequence, node_id in in_order]


def _at(sealed: Sealed, event: NodeEvent) -> datetime:
    return event.at or sealed.at


def _still_holds(state: RunState, event: NodeEvent, *, is_open: bool) -> bool:
    """Whether what ``event`` says has not been taken back by a reset, since or now."""
    node = state.nodes.get(event.node_id)
    if node is None:
        return False
    if isinstance(event, NodeStarted):
        return node.is_ended or node.children is not None
    return node.is_ended and not is_open


def _take_over(log: Log, parent: Log, kept: Sequence[NodeEvent]) -> None:
    """Draft what is legal: what stands behind something that was dropped never becomes so."""
    late: list[NodeEvent] = []
    for event in kept:
        if not _is_next(log.state, event):
            late.append(event)
            continue
        if isinstance(event, NodeCompleted) and event.output_blob is not None:
            log.store.put_blob(log.run_id, parent.store.get_blob(parent.run_id, event.output_blob))
        log.draft(event)
    if len(late) < len(kept):
        # A node may have been made again after one that depends on it.
        _take_over(log, parent, late)


def _is_next(state: RunState, event: NodeEvent) -> bool:
    """Whether the table of legal moves, and what is upstream and around, allow for ``event``."""
    node = state.nodes.get(event.node_id)
    if node is None:
        loop = state.nodes.get(event.node_id.rpartition("#")[0])
        is_turn = loop is not None and loop.is_closing and loop.role is Role.LOOP
        return is_turn and loop is not None and next_iteration(loop) == event.node_id
    if isinstance(event, NodeStarted | NodeSkipped):
        return node.status is NodeStatus.PENDING and not node.missing
    return node.status in LEGAL_MOVES[Move.COMPLETE] and not node.open_children
