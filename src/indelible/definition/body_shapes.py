"""How the bodies of nodes are read: the value under `bash:`, `wait:`, `approval:` and so on."""

from __future__ import annotations

from typing import Any

from indelible.definition.model import (
    APPROVE,
    REJECT,
    Approval,
    Bash,
    Body,
    Choice,
    Composite,
    Prompt,
    Python,
    Script,
    Wait,
)
from indelible.definition.shapes import (
    DURATION,
    FLAG,
    NONEMPTY,
    OBJECT,
    TEXT,
    At,
    Field,
    Shape,
    UnfitError,
    list_of,
    mapping,
    read_fields,
    record,
    record_schema,
)
from indelible.definition.wording import shortened

NODES_SCHEMA: dict[str, object] = {"type": "array", "items": {"$ref": "#/$defs/node"}}
"""A list of nodes; a node can be made of nodes, so its schema has a name."""


def is_target(target: str) -> bool:
    """Whether ``target`` reads ``module:qualname``."""
    module, colon, qualname = target.partition(":")
    names = [*module.split("."), *qualname.split(".")]
    return bool(colon) and all(name.isidentifier() for name in names)


def _target(value: Any, at: At) -> Python:
    TEXT.read(value, at)
    if not is_target(value):
        problem = f"must be `module:function`, not {shortened(value)}"
        raise UnfitError(problem, "Such as mypkg.tasks:clean. Inline code goes under `script:`.")
    return Python(target=value)


def _wait(value: Any, at: At) -> Wait:
    if not isinstance(value, dict):
        return Wait(duration=DURATION.read(value, at))
    fields = read_fields(value, _WAIT_FIELDS, at)
    return Wait(until=fields.get("until", UNREADABLE_MOMENT))


def _choice(value: Any, at: At) -> Choice:
    fields = {"id": value} if isinstance(value, str) else mapping(value, at)
    read: Any = read_fields(fields, _CHOICE_FIELDS, at)
    # A rejection that lets the node succeed is hardly ever meant.
    defaults = {"id": "", "fails": read.get("id") == REJECT.id}
    return Choice(**{**defaults, **read})


def _choices(value: Any, at: At) -> tuple[Choice, ...]:
    if value == []:
        raise UnfitError("must have at least one choice", "Such as [approve, reject].")
    found: tuple[Choice, ...] = list_of(_CHOICE).read(value, at)
    return found or (APPROVE, REJECT)  # all of them have been complained about


def _approval(**given: Any) -> Approval:
    return Approval(**{"message": "", **given})


def _nodes(value: Any, at: At) -> Composite:
    assert at.opener is not None  # every door that reads nodes can read nodes inside them
    return Composite(nodes=at.opener.nodes(value, at))


def _workflow(value: Any, at: At) -> Body:
    assert at.opener is not None
    NONEMPTY.read(value, at)
    return at.opener.workflow(value, at)


def _command(value: Any, at: At) -> tuple[str, ...]:
    found: Any = read_fields(mapping(value, at), _AGENT_FIELDS, at)
    command: tuple[str, ...] = found.get("command", ())
    if not command and "command" in found:
        raise UnfitError("needs a command", "Such as command: [my-agent, --stdin].")
    return command


UNREADABLE_MOMENT = "1970-01-01T00:00:00Z"
"""Stands in for a moment that has been complained about."""

_WAIT_FIELDS = (
    Field("until", NONEMPTY, "A moment: 2026-11-23T06:00:00Z, or a template.", required=True),
)
_CHOICE_FIELDS = (
    Field("id", NONEMPTY, "What the answer is called.", required=True),
    Field("fails", FLAG, "Whether it fails the node. Default false, of `reject` true."),
)
_CHOICE = Shape(_choice, {"anyOf": [NONEMPTY.schema, record_schema(_CHOICE_FIELDS)]})
_APPROVAL_FIELDS = (
    Field("message", NONEMPTY, "The question; a template.", required=True),
    Field(
        "choices",
        Shape(_choices, list_of(_CHOICE).schema),
        "The answers there are. Default approve and reject.",
    ),
    Field("answer_schema", OBJECT, "A JSON Schema for a value that comes with the answer."),
)
_AGENT_FIELDS = (
    Field("command", list_of(NONEMPTY), "The program and its arguments.", required=True),
)

AGENT = Shape(_command, record_schema(_AGENT_FIELDS))
APPROVAL = record(_APPROVAL_FIELDS, _approval)
BASH = Shape(lambda value, at: Bash(command=NONEMPTY.read(value, at)), NONEMPTY.schema)
PROMPT = Shape(lambda value, at: Prompt(text=NONEMPTY.read(value, at)), NONEMPTY.schema)
PYTHON = Shape(_target, {"type": "string", "pattern": r"^[^:\s]+:[^:\s]+$"})
SCRIPT = Shape(lambda value, at: Script(source=NONEMPTY.read(value, at)), NONEMPTY.schema)
WAIT = Shape(_wait, {"anyOf": [DURATION.schema, record_schema(_WAIT_FIELDS)]})
NODES = Shape(_nodes, NODES_SCHEMA)
WORKFLOW = Shape(_workflow, NONEMPTY.schema)

RETURNS = Field("returns", NONEMPTY, "The node inside whose output it has. Default: its leaves'.")
AGENT_COMMAND = Field("agent", AGENT, "The command that answers.", into="command")
