"""Answers to approvals, from any process, whether a driver of the run lives or not.

An answer is appended to the same log by the same compare-and-set as everything else.  A live driver
notices it within a second; without one the next resume goes on from it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

import msgspec
from msgspec import UnsetType

from indelible import values
from indelible.definition.model import Approval, Choice
from indelible.engine.state import NodeState, RunState
from indelible.engine.status import NodeStatus, Role
from indelible.errors import ConflictError, NotFoundError, UsageError
from indelible.events import Event, NodeCompleted, NodeError, NodeFailed
from indelible.runtime.identity import now_utc, this_user
from indelible.runtime.log import open_log
from indelible.runtime.opening import beside, inline
from indelible.runtime.payloads import keep
from indelible.stores.codec import format_time, open_event
from indelible.stores.port import IWorkflowStore
from indelible.values import Json

REJECTED = "Rejected"
"""Error type of an approval that was answered with a choice that fails."""

SHOWN = 500
"""How many characters of an answer an error message shows."""


class Answer(msgspec.Struct, frozen=True):
    """What somebody said to an approval: one of its choices, and any JSON beside it."""

    choice: str
    by: str
    at: str
    answer: Json = None


def approve(
    store: IWorkflowStore,
    run_id: str,
    node_id: str,
    *,
    choice: str | None = None,
    answer: Json = None,
    by: str = "",
    now: Callable[[], datetime] = now_utc,
) -> RunState:
    """Answer with ``choice``: by default the first that does not fail the node.

    Raises ``UsageError`` for a node that does not wait for an answer, an unknown choice, and an
    answer that misses the schema of the approval; ``NotFoundError`` for a run or node that is not.
    """

    def chosen(choices: Sequence[Choice]) -> Choice | None:
        return next((each for each in choices if _is_meant(each, choice, fails=False)), None)

    return _answer(store, run_id, node_id, chosen, _Given(choice, answer, by or this_user(), now))


def reject(
    store: IWorkflowStore,
    run_id: str,
    node_id: str,
    *,
    choice: str | None = None,
    answer: Json = None,
    by: str = "",
    now: Callable[[], datetime] = now_utc,
) -> RunState:
    """Answer with a choice that fails the node for good: by default the first.  Raises as above."""

    def chosen(choices: Sequence[Choice]) -> Choice | None:
        failing = [each for each in choices if each.fails]
        return next((each for each in failing if _is_meant(each, choice, fails=True)), None)

    return _answer(store, run_id, node_id, chosen, _Given(choice, answer, by or this_user(), now))


class _Given(msgspec.Struct, frozen=True):
    choice: str | None
    answer: Json
    by: str
    now: Callable[[], datetime]


_Chosen = Callable[[Sequence[Choice]], Choice | None]


def _is_meant(choice: Choice, name: str | None, *, fails: bool) -> bool:
    return choice.fails is fails if name is None else choice.id == name


def _answer(
    store: IWorkflowStore, run_id: str, node_id: str, chosen: _Chosen, given: _Given
) -> RunState:
    while True:
        log = open_log(store, run_id)
        node = _waiting_node(store, log.state, node_id)
        body = node.node.body
        assert isinstance(body, Approval)
        choice = chosen(body.choices)
        if choice is None:
            raise _unknown_choice(node, body, given.choice)
        _check_answer(node, body, given.answer)
        now = given.now()
        answer = Answer(choice.id, given.by, format_time(now), given.answer)
        log.draft(
            _failed(node, answer) if choice.fails else _completed(store, run_id, node, answer)
        )
        try:
            log.commit(now)
        except ConflictError:
            continue  # somebody was first; what they wrote may have answered the question
        return log.state


def _completed(store: IWorkflowStore, run_id: str, node: NodeState, answer: Answer) -> Event:
    kept = keep(store, run_id, values.encode(msgspec.structs.asdict(answer)))
    return NodeCompleted(
        node_id=node.id, attempt=node.attempt, output=inline(kept), output_blob=beside(kept)
    )


def _failed(node: NodeState, answer: Answer) -> Event:
    said = "" if answer.answer is None else f": {values.encode(answer.answer).decode()}"
    shown = said if len(said) <= SHOWN else f"{said[:SHOWN]}…"
    error = NodeError(type=REJECTED, message=f"{answer.choice} by {answer.by}{shown}")
    return NodeFailed(node_id=node.id, attempt=node.attempt, error=error)


def _waiting_node(store: IWorkflowStore, state: RunState, node_id: str) -> NodeState:
    node = state.nodes.get(node_id)
    if node is None:
        raise NotFoundError(
            f"run {state.run_id} has no node {node_id!r}",
            hint=_open_questions(state) or "What is inside a node comes to be when it starts.",
        )
    if node.role is not Role.APPROVAL:
        raise UsageError(f"{node_id} asks nobody: it is no approval", hint=_open_questions(state))
    if node.status is not NodeStatus.WAITING:
        said = _answered(store, state, node) if node.is_ended and node.attempt else ""
        raise UsageError(
            f"{node_id} does not wait for an answer: it is {node.status}{said}",
            hint=_open_questions(state),
        )
    if state.is_closed:
        raise UsageError(
            f"run {state.run_id} is {state.status}, so nobody waits for an answer to {node_id}",
            hint=f"Go on with it first: indelible resume {state.run_id}",
        )
    return node


def _answered(store: IWorkflowStore, state: RunState, node: NodeState) -> str:
    """Who was first, and when."""
    for sealed in store.read(state.run_id):
        event = open_event(sealed)
        if not isinstance(event, NodeCompleted | NodeFailed):
            continue
        if (event.node_id, event.attempt) != (node.id, node.attempt):
            continue
        if isinstance(event, NodeFailed):
            return f", {event.error.message} at {sealed.timestamp}"
        kept = event.output_blob
        raw = store.get_blob(state.run_id, kept) if kept is not None else event.output
        assert not isinstance(raw, UnsetType)
        answer = msgspec.json.decode(raw, type=Answer)
        return f", {answer.choice} by {answer.by} at {sealed.timestamp}"
    return ""


def _open_questions(state: RunState) -> str:
    asking = [name for name in state.waiting if state.nodes[name].role is Role.APPROVAL]
    return f"Waiting for an answer: {', '.join(asking)}." if asking else ""


def _unknown_choice(node: NodeState, body: Approval, choice: str | None) -> UsageError:
    offered = ", ".join(f"{each.id} (fails)" if each.fails else each.id for each in body.choices)
    said = "this answer" if choice is None else f"{choice!r}"
    return UsageError(f"{node.id} does not offer {said}", hint=f"Its choices: {offered}.")


def _check_answer(node: NodeState, body: Approval, answer: Json) -> None:
    values.encode(answer)
    if body.answer_schema is None:
        return
    from indelible.schemas import validate

    problem = validate(body.answer_schema, answer)
    if problem:
        raise UsageError(
            f"the answer to {node.id} does not fit: {problem}",
            hint="It is checked by the answer_schema of the approval. Give it with --answer JSON.",
        )
