"""Every complaint about a definition, whichever door it came through.

Values first, by tables of rules; then the arrows between nodes; then what expressions refer to.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from enum import StrEnum
from math import inf
from typing import Any

import msgspec

from indelible.definition.bodies import check_body, check_command
from indelible.definition.dependencies import check_dependencies
from indelible.definition.fields import ENV_PATTERN, ID_PATTERN
from indelible.definition.inputs import FITS, misfits
from indelible.definition.kinds import UNREADABLE
from indelible.definition.levels import Level, levels_of
from indelible.definition.model import (
    Composite,
    Definition,
    ExecutorKind,
    Input,
    InputType,
    Node,
    OnInterrupt,
    OnItemFailure,
    OutputFormat,
    TriggerRule,
)
from indelible.definition.places import Locate, Path, Report, Spot, nowhere
from indelible.definition.references import check_references
from indelible.definition.wording import describe, did_you_mean, shortened
from indelible.errors import Complaint, ValueNotJsonError
from indelible.values import encode

LONGEST_ID = 128
SOME_ID = "id"
ID_HINT = f"It has 1 to {LONGEST_ID} of A-Z a-z 0-9 _ . - and begins with none of . -"

_ID = re.compile(ID_PATTERN)
_ENV = re.compile(ENV_PATTERN)
_ERROR_NAME = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")
_NONE = timedelta()


class Rule(msgspec.Struct, frozen=True):
    """Something that must hold; else ``message`` is said of the value at ``path``."""

    path: Path
    holds: Callable[[Any], bool]
    message: str


WORKFLOW_RULES = (
    Rule(("nodes",), lambda flow: bool(flow.nodes), "`nodes` must have at least one node"),
    Rule(
        ("max_parallel",),
        lambda flow: flow.max_parallel is None or flow.max_parallel >= 0,
        "`max_parallel` must be 0 (no limit) or more",
    ),
    Rule(
        ("timeout",),
        lambda flow: flow.timeout is None or flow.timeout > _NONE,
        "`timeout` must be longer than nothing",
    ),
)

NODE_RULES = (
    Rule(("id",), lambda node: _is_id(node.id), f"this cannot be an id. {ID_HINT}"),
    Rule(
        ("timeout",),
        lambda node: node.timeout is None or node.timeout > _NONE,
        "`timeout` must be longer than nothing",
    ),
    Rule(("grace",), lambda node: node.grace >= _NONE, "`grace` must not be negative"),
    Rule(
        ("max_interruptions",),
        lambda node: node.max_interruptions >= 1,
        "`max_interruptions` must be 1 or more",
    ),
)

LIMIT_RULES = (
    Rule(
        ("max_parallel",),
        lambda node: node.max_parallel >= 0,
        "`max_parallel` must be 0 (no limit of its own) or more",
    ),
    Rule(
        ("max_parallel",),
        lambda node: (
            node.for_each is not None or isinstance(node.body, Composite) or node.body is UNREADABLE
        ),
        "`max_parallel` makes no sense without `for_each`, `nodes` or `workflow`",
    ),
)

EACH_RULES = (
    Rule(
        ("for_each", "on_item_failure"),
        lambda node: isinstance(node.for_each.on_item_failure, OnItemFailure),
        "`on_item_failure` must be fail or collect",
    ),
)

LOOP_RULES = (
    Rule(
        ("loop",),
        lambda node: node.for_each is None,
        "a node cannot have both `for_each` and `loop`; nest them: "
        "for_each: …, nodes: [{id: …, loop: …}]",
    ),
    Rule(
        ("loop", "max_iterations"),
        lambda node: node.loop.max_iterations >= 1,
        "`max_iterations` must be 1 or more",
    ),
)

MODIFIERS = {"max_parallel": LIMIT_RULES, "for_each": EACH_RULES, "loop": LOOP_RULES}
"""Rules of a node that has the field."""

RETRY_RULES = (
    Rule(("max_attempts",), lambda it: it.max_attempts >= 1, "`max_attempts` must be 1 or more"),
    Rule(("delay",), lambda it: it.delay >= _NONE, "`delay` must not be negative"),
    Rule(("max_delay",), lambda it: it.max_delay >= _NONE, "`max_delay` must not be negative"),
    Rule(("backoff",), lambda it: 1 <= it.backoff < inf, "`backoff` must be 1 or more"),
    Rule(("jitter",), lambda it: 0 <= it.jitter <= 1, "`jitter` must be from 0 to 1"),
    Rule(
        ("on",),
        lambda it: all(_ERROR_NAME.fullmatch(name) for name in it.on),
        "`on` lists error types by name, such as ExitCode, Timeout or ValueError",
    ),
)

CHOICES: Mapping[str, type[StrEnum]] = {
    "trigger_rule": TriggerRule,
    "on_interrupt": OnInterrupt,
    "output": OutputFormat,
    "executor": ExecutorKind,
}
"""Fields of a node that name one of a few; code can put anything there."""


def check(definition: Definition, locate: Locate = nowhere) -> list[Complaint]:
    """What is wrong with ``definition``: nothing, or one complaint per mistake.

    ``locate`` finds the place of a path such as ``("nodes", 3, "env", "URL")``.  Raises
    ``DefinitionError`` by itself only when there is no end to the complaints.
    """
    report = Report(locate)
    whole = Spot(report)
    _apply(WORKFLOW_RULES, definition, whole)
    _check_names(definition.env, whole.below("env"))
    _check_json(definition.outputs, whole.below("outputs"))
    check_command(definition.agent, whole.below("agent", "command"))
    for name, spec in definition.inputs.items():
        _check_input(name, spec, whole.below("inputs", name))
    levels = list(levels_of(definition, whole))
    for level in levels:
        _check_nodes(level, report)
        check_dependencies(level.dependencies, level.spot_of)
    check_references(definition, levels)
    return report.complaints


def _check_nodes(level: Level, report: Report) -> None:
    """Of many nodes that differ in id and upstream only, the first that has no fault will do."""
    faultless: dict[int, Node] = {}
    for number, node in enumerate(level.nodes):
        alike = msgspec.structs.replace(node, id=SOME_ID, depends_on=())
        if _is_id(node.id) and faultless.get(id(node.body)) == alike:
            continue
        before = len(report.complaints)
        _check_node(node, level.spot_of(number))
        if len(report.complaints) == before:
            faultless[id(node.body)] = alike


def _check_node(node: Node, spot: Spot) -> None:
    _apply(NODE_RULES, node, spot)
    for field, kind in CHOICES.items():
        value = getattr(node, field)
        if value is not None and not isinstance(value, kind):
            _refuse_choice(value, kind, spot.below(field))
    for field, rules in MODIFIERS.items():
        if getattr(node, field) is not None:
            _apply(rules, node, spot)
    if node.retry is not None:
        _apply(RETRY_RULES, node.retry, spot.below("retry"))
    if node.env:
        _check_names(node.env, spot.below("env"))
    if node.with_:
        _check_json(node.with_, spot.below("with"))
        if not isinstance(node.body, Composite):
            _check_variables(node.with_, spot.below("with"))
    check_body(node, spot)


def _apply(rules: Iterable[Rule], subject: object, spot: Spot) -> None:
    for rule in rules:
        if not rule.holds(subject):
            spot.below(*rule.path).complain(rule.message)


def _refuse_choice(value: object, kind: type[StrEnum], spot: Spot) -> None:
    hint = did_you_mean(str(value), list(kind), what="It is one of")
    spot.complain(f"`{spot.path[-1]}` cannot be {shortened(str(value))}", hint=hint)


def _check_input(name: str, spec: Input, spot: Spot) -> None:
    if not _is_id(name):
        spot.complain(f"{shortened(name)} cannot be the name of an input", hint=ID_HINT)
    if not isinstance(spec.type, InputType):
        _refuse_choice(spec.type, InputType, spot.below("type"))
        return
    for place, allowed in enumerate(spec.enum):
        if not FITS[spec.type](allowed):
            message = f"`enum` has {describe(allowed)}, which is not of type {spec.type.value}"
            spot.below("enum", place).complain(message)
    if spec.has_default:
        _check_default(name, spec, spot.below("default"))


def _check_default(name: str, spec: Input, spot: Spot) -> None:
    if spec.required:
        message = f"input {name} is required, so its default would never be used"
        spot.complain(message, hint="Leave out one of the two.")
    for said in misfits(spec, spec.default):
        spot.complain(f"the default of input {name} {said}")
    _check_json(spec.default, spot)


def _check_names(variables: Iterable[str], spot: Spot) -> None:
    for name in variables:
        if not _ENV.fullmatch(name):
            message = f"{shortened(name)} cannot be the name of an environment variable"
            spot.below(name).complain(message, hint="Use A-Z a-z 0-9 _ and no digit first.")


def _check_variables(names: Iterable[str], spot: Spot) -> None:
    from keyword import iskeyword

    for name in names:
        if not name.isidentifier() or iskeyword(name):
            message = f"{shortened(name)} cannot be the name of a variable in Python"
            spot.below(name).complain(message)


def _check_json(value: object, spot: Spot) -> None:
    try:
        encode(value)
    except ValueNotJsonError as error:
        spot.complain(error.problem, hint=error.hint)


def _is_id(name: str) -> bool:
    return len(name) <= LONGEST_ID and _ID.fullmatch(name) is not None
