"""Checks of what a node does: what its kind refuses, and bodies that cannot be right."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from indelible import schemas
from indelible.definition.durations import LONGEST
from indelible.definition.inputs import misfits
from indelible.definition.kinds import kind_of
from indelible.definition.model import (
    Approval,
    Bash,
    Body,
    Composite,
    Input,
    Node,
    Prompt,
    Script,
    Wait,
)
from indelible.definition.places import Spot
from indelible.definition.wording import describe, did_you_mean, shortened
from indelible.errors import ExpressionError
from indelible.expressions import has_template, parse_expression, parse_value
from indelible.values import Json

_TEMPLATE = re.compile(r"(?<!\$)\$\{\{.*?(?:\}\}|$)", re.DOTALL)
_STEP = re.compile(r"\.([^.\[]+)|\[([0-9]+)\]")
_UNSET = Node(id="", body=Bash(command=""))
_WRITTEN: Mapping[str, str] = {"with_": "with"}


def check_body(node: Node, spot: Spot) -> None:
    """Complain about the body of ``node`` and about fields that its kind refuses."""
    kind = kind_of(node.body)
    for field, hint in kind.refuses.items():
        if getattr(node, field) != getattr(_UNSET, field):
            key = _WRITTEN.get(field, field)
            message = f"`{key}` makes no sense on {kind.noun}"
            spot.below(key).complain(message, hint=hint)
    if type(node.body) in _CHECKS:
        _CHECKS[type(node.body)](node.body, spot.below(kind.name))
    if isinstance(node.body, Composite) and node.body.is_isolated:
        _check_inputs(node, node.body.inputs, spot)
    if node.cwd is not None and has_template(node.cwd):
        spot.below("cwd").complain("`cwd` takes no `${{ }}`", hint="Use `env`, and cd there.")
    # The value of an expression that names a node is known only when that has run.
    if node.for_each is not None and "nodes." not in node.for_each.items:
        _check_items(node.for_each.items, spot.below("for_each", "items"))
    if node.output_schema is not None:
        _check_schema(node.output_schema, spot.below("output_schema"))


def _check_schema(schema: Json, spot: Spot) -> None:
    """Complain about what keeps ``schema`` from being a JSON Schema, where it stands in it."""
    if problem := schemas.check_schema(schema):
        path, _, said = problem.partition(": ")
        steps = (int(at) if at else name for name, at in _STEP.findall(path))
        spot.below(*steps).complain(f"this is not a JSON Schema: {path} {said}")


def _check_items(expression: str, spot: Spot) -> None:
    """Complain about a ``for_each`` that is neither list nor object, if no value is needed."""
    try:
        parsed = parse_expression(expression)
        value = [] if parsed.references else parsed.evaluate({})
    except ExpressionError:
        return  # which is said where expressions are looked at, or when the node starts
    if not isinstance(value, list | dict):
        message = f"`for_each` is {describe(value)}, which is neither a list nor an object"
        spot.complain(message, hint="Such as nodes.ID.output, or ['a', 'b'].")


def check_command(command: Sequence[str], spot: Spot) -> None:
    """Complain about templates in the command of an agent."""
    for place, word in enumerate(command):
        if has_template(word):
            message = "the command of an agent takes no `${{ }}`: data never becomes code"
            spot.below(place).complain(message, hint="Put it into the prompt, or into `env`.")


def _check_bash(body: Bash, spot: Spot) -> None:
    hint = 'Hand it over in the environment: env: {{VALUE: "{}"}}, and "$VALUE" in the command.'
    _refuse_template(body.command, spot, hint)


def _check_script(body: Script, spot: Spot) -> None:
    hint = 'Hand it over as a variable: with: {{value: "{}"}}, and value in the script.'
    if _refuse_template(body.source, spot, hint):
        return
    error = _syntax_error(body.source)
    if error is None:
        return
    line = getattr(error, "lineno", None) or 1
    before = sum(len(each) + 1 for each in body.source.split("\n")[: line - 1])
    problem = getattr(error, "msg", None) or str(error) or "nested too deeply"
    message = f"line {line} of the script is not Python: {problem}"
    spot.complain(message, offset=before + (getattr(error, "offset", 0) or 1) - 1)


def _refuse_template(text: str, spot: Spot, hint: str) -> bool:
    if not has_template(text):
        return False
    found = _TEMPLATE.search(text)
    written, offset = (found[0], found.start()) if found else ("${{ … }}", text.find("${{"))
    message = f"`{spot.path[-1]}` takes no `${{{{ }}}}`: data never becomes code"
    spot.complain(message, hint=hint.format(written), offset=max(offset, 0))
    return True


def _syntax_error(source: str) -> Exception | None:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a strange escape is the author's business, not an error
        try:
            compile(source, "<script>", "exec", dont_inherit=True)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            return error
    return None


def _check_prompt(body: Prompt, spot: Spot) -> None:
    check_command(body.command, Spot(spot.report, (*spot.path[:-1], "agent", "command"), spot.node))


def _check_approval(body: Approval, spot: Spot) -> None:
    if not body.choices:
        spot.below("choices").complain("there must be a choice", hint="Such as [approve, reject].")
    seen: set[str] = set()
    for place, choice in enumerate(body.choices):
        if choice.id in seen:
            at = spot.below("choices", place)
            at.complain(f"the choice {shortened(choice.id)} is there twice", hint="Keep one.")
        seen.add(choice.id)
    if body.answer_schema is not None:
        _check_schema(body.answer_schema, spot.below("answer_schema"))


def _check_wait(body: Wait, spot: Spot) -> None:
    if (body.duration is None) == (body.until is None):
        spot.complain("needs a duration or a moment", hint="Write 10m, or {until: <moment>}.")
    if body.duration is not None and not timedelta() <= body.duration <= LONGEST:
        spot.complain(f"`wait` must be from 0s to {LONGEST.days}d, not {body.duration}")
    if body.until is None or has_template(body.until):
        return
    try:
        datetime.fromisoformat(body.until)
    except ValueError:
        message = f"{shortened(body.until)} is not a moment"
        hint = "Write it as RFC 3339, such as 2026-11-23T06:00:00Z; a duration goes without until."
        spot.below("until").complain(message, hint=hint)


def _check_composite(body: Composite, spot: Spot) -> None:
    if not body.nodes:
        spot.complain("a composite must have at least one node")
    if body.returns is not None and all(node.id != body.returns for node in body.nodes):
        at = Spot(spot.report, (*spot.path[:-1], "returns"), spot.node)
        hint = did_you_mean(body.returns, (node.id for node in body.nodes), what="Nodes inside")
        at.complain(f"{shortened(body.returns)} is not a node inside it", hint=hint)


def _check_inputs(node: Node, declared: Mapping[str, Input], spot: Spot) -> None:
    """What `with` gives a body from another file, as far as it is written out."""
    for name, value in node.with_.items():
        at = spot.below("with", name)
        if name not in declared:
            hint = did_you_mean(name, declared, what="Its inputs")
            at.complain(f"{shortened(name)} is not an input of that file", hint=hint)
        elif _is_literal(value):
            for said in misfits(declared[name], value):
                at.complain(f"the input {name} {said}")
    for name, spec in declared.items():
        if spec.required and name not in node.with_:
            message = f"the input {name} ({spec.type.value}) of that file is missing"
            spot.below("with").complain(message, hint=f"Give it: with: {{{name}: …}}")


def _is_literal(value: Json) -> bool:
    try:
        return parse_value(value).is_constant
    except ExpressionError:
        return False  # which is said where expressions are looked at


_CHECKS: Mapping[type[Body], Callable[[Any, Spot], None]] = {
    Bash: _check_bash,
    Script: _check_script,
    Prompt: _check_prompt,
    Approval: _check_approval,
    Wait: _check_wait,
    Composite: _check_composite,
}
