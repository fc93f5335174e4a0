"""From what the author wrote to what an attempt gets: arguments and environment, as plain values.

Rendering is pure and happens before the attempt is recorded, so that an expression without a value
fails its node in the log and not in the executor.
"""

from __future__ import annotations

from collections.abc import Mapping

from indelible import values
from indelible.definition.model import Definition, Node, Python
from indelible.engine.scope import Scope
from indelible.errors import ExpressionError, ValueNotJsonError
from indelible.expressions import (
    Missing,
    has_template,
    parse_expression,
    parse_template,
    parse_value,
)
from indelible.values import Json

UNRENDERABLE = (ExpressionError, Missing, ValueNotJsonError)
"""What rendering raises if a value cannot be had; it is the node's failure, not the engine's."""


def holds(when: str, scope: Scope) -> bool:
    """Whether the condition of a node is met."""
    return bool(parse_expression(when).evaluate(scope))


def arguments_of(node: Node, scope: Scope) -> dict[str, bytes]:
    """Each argument of the node, by name, as JSON."""
    arguments = {
        name: values.encode(parse_value(value).evaluate(scope))
        for name, value in node.with_.items()
    }
    if isinstance(node.body, Python):
        for parameter, reference in node.body.parameters.items():
            arguments[parameter] = _referred(reference, scope)
    return arguments


def environment_of(definition: Definition, node: Node, scope: Scope) -> dict[str, str]:
    """What is added to the driver's environment: the workflow's ``env``, then the node's."""
    return {**_rendered(definition.env, scope), **_rendered(node.env, scope)}


def outputs_of(definition: Definition, scope: Scope) -> bytes | None:
    """The outputs of the whole workflow as JSON; None if it declares none."""
    if not definition.outputs:
        return None
    return values.encode(
        {name: parse_value(value).evaluate(scope) for name, value in definition.outputs.items()}
    )


def _referred(reference: str, scope: Scope) -> bytes:
    root, _, name = reference.partition(".")
    return scope.raw_input(name) if root == "inputs" else scope.raw_output(name)


def _rendered(env: Mapping[str, str], scope: Scope) -> dict[str, str]:
    return {
        name: _as_text(parse_template(text).evaluate(scope)) if has_template(text) else text
        for name, text in env.items()
    }


def _as_text(value: Json) -> str:
    return value if isinstance(value, str) else values.encode(value).decode()
