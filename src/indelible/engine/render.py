"""From what the author wrote to what an attempt gets: arguments and environment, as plain values.

Rendering is pure and happens before the attempt is recorded, so that an expression without a value
fails its node in the log and not in the executor.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from indelible import values
from indelible.definition.model import Composite, Node, Plugged, Prompt, Python, Wait
from indelible.engine.scope import Scope
from indelible.engine.state import NodeState
from indelible.engine.status import Role
from indelible.engine.tree import around
from indelible.errors import ExpressionError, InputError, ValueNotJsonError
from indelible.expressions import (
    Missing,
    has_template,
    parse_expression,
    parse_template,
    parse_value,
)
from indelible.values import Json

UNRENDERABLE = (ExpressionError, Missing, ValueNotJsonError, InputError)
"""What rendering raises if a value cannot be had; it is the node's failure, not the engine's."""

PROMPT = "prompt"
"""The argument that carries the text of a prompt."""


def holds(expression: str, scope: Scope) -> bool:
    """Whether the condition of a node, or the ``until`` of a loop, is met."""
    return bool(parse_expression(expression).evaluate(scope))


def arguments_of(node: Node, scope: Scope) -> dict[str, bytes]:
    """Each argument of the node, by name, as JSON."""
    arguments = {
        name: values.encode(parse_value(value).evaluate(scope))
        for name, value in node.with_.items()
    }
    match node.body:
        case Python(parameters=parameters):
            for parameter, reference in parameters.items():
                if not (reference == "previous" and scope.is_first_iteration):
                    arguments[parameter] = _referred(reference, scope)
        case Prompt(text=text):
            arguments[PROMPT] = values.encode(text_of(text, scope))
        case Plugged() as body:
            for name, value in body.filled:
                arguments[name] = values.encode(parse_value(value).evaluate(scope))
    return arguments


def environment_of(
    env: Mapping[str, str], state: NodeState | None, node: Node, scope: Scope
) -> dict[str, str]:
    """What is added to the driver's environment: the workflow's ``env``, then the node's.

    A body from another workflow file adds its own ``env`` in between.
    """
    if not env and not node.env and (state is None or state.parent is None):
        return {}
    rendered = _rendered(env, scope)
    containers = [] if state is None else [each for each in around(state)][::-1]
    for container in containers:
        body = container.node.body
        if container.role is Role.COMPOSITE and isinstance(body, Composite):
            rendered |= _rendered(body.env, scope)
    return rendered | _rendered(node.env, scope)


def outputs_of(outputs: Mapping[str, Json], scope: Scope) -> bytes | None:
    """The declared outputs of a workflow as JSON; None if it declares none."""
    if not outputs:
        return None
    return values.encode(
        {name: parse_value(value).evaluate(scope) for name, value in outputs.items()}
    )


def moment_of(body: Wait, scope: Scope, now: datetime) -> datetime:
    """When a timer that starts ``now`` comes due."""
    if body.duration is not None:
        return now + body.duration
    text = text_of(body.until or "", scope)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ExpressionError(
            f"wait until {text!r}: not a moment",
            source=body.until or "",
            hint="Write it as RFC 3339, such as 2026-11-23T06:00:00Z.",
        ) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)


def text_of(template: str, scope: Scope) -> str:
    """The text of a template; what is not a string stands in it as JSON."""
    if not has_template(template):
        return template
    value = parse_template(template).evaluate(scope)
    return value if isinstance(value, str) else values.encode(value).decode()


def _referred(reference: str, scope: Scope) -> bytes:
    root, _, name = reference.partition(".")
    match root:
        case "inputs":
            return scope.raw_input(name)
        case "nodes":
            return scope.raw_output(name)
        case _:
            return values.encode(scope[root])


def _rendered(env: Mapping[str, str], scope: Scope) -> dict[str, str]:
    return {name: text_of(text, scope) for name, text in env.items()}
