"""How a node begins, by its role: an attempt, a wait, or what is inside it."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import assert_never

import msgspec

from indelible import values
from indelible.definition.model import Approval, Definition, Wait
from indelible.engine.actions import Action, OpenNode, SkipNode, StartNode
from indelible.engine.render import arguments_of, environment_of, holds, moment_of, text_of
from indelible.engine.scope import Scope, given_inputs, is_isolated
from indelible.engine.state import NodeState
from indelible.engine.status import Role, role_of
from indelible.events import NodeSkipped, NodeStarted, Waiting


class Iteration(msgspec.Struct, frozen=True):
    """An iteration of a loop that has not come to be: its path, and the number of its attempt."""

    path: str
    attempt: int


def begin(
    definition: Definition,
    node: NodeState,
    scope: Scope,
    now: datetime,
    iteration: Iteration | None = None,
) -> Action:
    """The action that begins ``node``, or an iteration of the loop that it is.

    Raises one of ``UNRENDERABLE`` if an expression has no value, ``BlobsNeeded`` if one is wanted.
    """
    when = node.node.when
    # A condition is asked once, before the first attempt, and of the node itself.
    if when is not None and not node.is_instance and node.is_judged and not holds(when, scope):
        return SkipNode(_skipped(node, when))
    if iteration is not None:
        path, attempt = iteration.path, iteration.attempt
        role = role_of(node.node, is_instance=True)
    else:
        path, attempt, role = node.id, node.attempt + 1, node.role
    match role:
        case Role.ATTEMPT:
            env = environment_of(definition.env, node, node.node, scope)
            return StartNode(path, attempt, arguments_of(node.node, scope), env)
        case Role.MAP:
            return OpenNode(_expanded(path, attempt, scope.items_of(node)))
        case Role.APPROVAL | Role.TIMER:
            waiting = _waiting(node, scope, now)
            return OpenNode(NodeStarted(node_id=path, attempt=attempt, waiting=waiting))
        case Role.COMPOSITE | Role.LOOP:
            if is_isolated(node):
                given_inputs(node, scope)  # refused now rather than by each node inside
            return OpenNode(NodeStarted(node_id=path, attempt=attempt))
        case _:
            assert_never(role)


def _expanded(path: str, attempt: int, items: list[values.Json]) -> NodeStarted:
    return NodeStarted(
        node_id=path,
        attempt=attempt,
        instances=len(items),
        items_digest=hashlib.sha256(values.encode(items)).hexdigest(),
    )


def _waiting(node: NodeState, scope: Scope, now: datetime) -> Waiting:
    body = node.node.body
    if isinstance(body, Wait):
        return Waiting(until=moment_of(body, scope, now))
    assert isinstance(body, Approval)
    message = text_of(body.message, scope)
    return Waiting(message=message, choices=tuple(choice.id for choice in body.choices))


def _skipped(node: NodeState, when: str) -> NodeSkipped:
    return NodeSkipped(
        node_id=node.id,
        reason="when",
        when=when,
        upstream=node.upstream.counts(),
        cause=(node.id,),
        cause_count=1,
    )
