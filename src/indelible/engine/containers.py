"""What a container does when everything inside it has ended: complete, fail, or go round again."""

from __future__ import annotations

from collections.abc import Callable

from indelible import values
from indelible.definition.model import Composite
from indelible.engine.actions import Action, CompleteNode, FailNode
from indelible.engine.gate import first_full
from indelible.engine.outputs import sources_of
from indelible.engine.render import holds, outputs_of
from indelible.engine.scope import Scope
from indelible.engine.state import NodeState
from indelible.engine.status import NodeStatus, Role
from indelible.engine.tree import collects
from indelible.events import MAX_NAMED, NodeError

CHILD_FAILED = "ChildFailed"
LOOP_EXHAUSTED = "LoopExhausted"
SCHEMA_MISMATCH = "SchemaMismatch"

Iterate = Callable[[NodeState, int], Action]
"""Begins an iteration of a loop."""


def wind_up(node: NodeState, scope: Scope, iterate: Iterate) -> Action | None:
    """The next step of a container in which nothing is open; None if there is no room for it."""
    failed = [child for child in node.children or () if child.status is NodeStatus.FAILED]
    if failed and not collects(node):
        return FailNode(node.id, node.attempt, _child_failed(node, failed))
    if node.role is Role.LOOP:
        return _next_iteration(node, scope, iterate)
    return _completed(node, scope)


def _next_iteration(node: NodeState, scope: Scope, iterate: Iterate) -> Action | None:
    loop = node.node.loop
    assert loop is not None
    ended = len(node.children or ())
    if ended and holds(loop.until, scope):
        return _completed(node, scope)
    if ended >= loop.max_iterations:
        message = f"`{loop.until}` did not hold after {ended} iterations"
        error = NodeError(type=LOOP_EXHAUSTED, message=message)
        return FailNode(node.id, node.attempt, error)
    gate = node.children[0].gate if node.children else node.gate
    return None if first_full(gate) else iterate(node, ended + 1)


def _completed(node: NodeState, scope: Scope) -> Action:
    body = node.node.body
    output: bytes | None = None
    if node.role is Role.COMPOSITE and isinstance(body, Composite) and body.outputs:
        output = outputs_of(body.outputs, scope.within(node))
    problem = _misfit(node, scope, output)
    if problem:
        error = NodeError(type=SCHEMA_MISMATCH, message=problem)
        return FailNode(node.id, node.attempt, error)
    if output is not None:
        return CompleteNode(node.id, node.attempt, output=output)
    sources = tuple(each.id for each in sources_of(node))
    return CompleteNode(node.id, node.attempt, output_from=sources)


def _misfit(node: NodeState, scope: Scope, output: bytes | None) -> str:
    """Why the output of a composite misses the node's schema; empty if it does not.

    Of a map or a loop of something else the schema is that of each instance.
    """
    schema = node.node.output_schema
    if schema is None or node.role is not Role.COMPOSITE:
        return ""
    from indelible.schemas import validate

    value = values.decode(scope.assembled(node) if output is None else output)
    problem = validate(schema, value)
    return f"the output misses its schema: {problem}" if problem else ""


def _child_failed(node: NodeState, failed: list[NodeState]) -> NodeError:
    shown = ", ".join(child.id for child in failed[:MAX_NAMED])
    more = ", …" if len(failed) > MAX_NAMED else ""
    return NodeError(
        type=CHILD_FAILED,
        message=f"{len(failed)} of {len(node.children or ())} inside it failed: {shown}{more}",
    )
