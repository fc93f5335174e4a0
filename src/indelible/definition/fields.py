"""Every key of a workflow file: one row each, for reading it and for its JSON Schema."""

from __future__ import annotations

import json
from collections.abc import Container, Iterable, Mapping
from typing import Any

import msgspec

from indelible.definition.body_shapes import AGENT, NODES_SCHEMA
from indelible.definition.kinds import KINDS, OWNERS, UNREADABLE, NodeKind, read_body
from indelible.definition.model import (
    Definition,
    ExecutorKind,
    ForEach,
    Input,
    InputType,
    Loop,
    Node,
    OnInterrupt,
    OnItemFailure,
    OutputFormat,
    Retry,
    TriggerRule,
)
from indelible.definition.shapes import (
    ANYTHING,
    CONDITION,
    DURATION,
    FLAG,
    NONEMPTY,
    OBJECT,
    TEXT,
    At,
    Field,
    Shape,
    UnfitError,
    choice,
    integer,
    list_of,
    mapping,
    mapping_of,
    number,
    read_fields,
    record,
    record_schema,
)

ID_PATTERN = "[A-Za-z0-9_][A-Za-z0-9_.-]*"
ENV_PATTERN = "[A-Za-z_][A-Za-z0-9_]*"

ENV = mapping_of(TEXT, ENV_PATTERN)

RETRY_FIELDS = (
    Field("max_attempts", integer(1), "Attempts in all, the first included. Default 3."),
    Field("delay", DURATION, "The wait before the second attempt. Default 1s."),
    Field("backoff", number(1), "Each further wait is this many times longer. Default 2."),
    Field("max_delay", DURATION, "No wait is longer. Default 5m."),
    Field("jitter", number(0, 1), "The share by which a wait varies at random. Default 0.1."),
    Field("on", list_of(NONEMPTY), "Only after these: ExitCode, Timeout, an exception class…"),
)

LOOP_FIELDS = (
    Field("until", NONEMPTY, "Such as: loop: {until: output.ok, max_iterations: 5}", required=True),
    Field(
        "max_iterations",
        integer(1),
        "It needs a bound: loop: {until: output.ok, max_iterations: 5}",
        required=True,
    ),
)

ON_ITEM_FAILURE = Field(
    "on_item_failure", choice(OnItemFailure), "What one failed item means. Default fail."
)

FOR_EACH_FIELDS = (
    Field("items", NONEMPTY, "An expression for a list or an object.", required=True),
    ON_ITEM_FAILURE,
)

INPUT_FIELDS = (
    Field("type", choice(InputType), "The JSON type of the value. Default string."),
    Field("required", FLAG, "Whether a run without it is refused. Default false."),
    Field("default", ANYTHING, "The value of a run that gives none."),
    Field("enum", list_of(ANYTHING), "The only values allowed."),
    Field("description", TEXT, "What it is, for people."),
)


def _for_each(value: Any, at: At) -> ForEach:
    if isinstance(value, list):
        written = "".join(json.dumps(value, ensure_ascii=False, default=str).splitlines())
        hint = f"A list written out is an expression in quotes: '{written[:60]}'"
        raise UnfitError("must be an expression, not a list", hint)
    if isinstance(value, str):
        return ForEach(items=str(NONEMPTY.read(value, at)))
    return ForEach(**{"items": "[]", **read_fields(mapping(value, at), FOR_EACH_FIELDS, at)})


def _loop(**given: Any) -> Loop:
    return Loop(**{"until": "true", "max_iterations": 1, **given})


FOR_EACH = Shape(_for_each, {"anyOf": [NONEMPTY.schema, record_schema(FOR_EACH_FIELDS)]})

NODE_FIELDS = (
    Field("id", NONEMPTY, "The name of the node in this file.", required=True),
    Field("description", TEXT, "What it does, for people."),
    Field("depends_on", list_of(TEXT), "The nodes that must have ended before."),
    Field("when", CONDITION, "An expression; the node is skipped where it is false."),
    Field("trigger_rule", choice(TriggerRule), "Which outcomes upstream let the node start."),
    Field("retry", record(RETRY_FIELDS, Retry), "How often it is tried again after a failure."),
    Field("timeout", DURATION, "The longest that one attempt may take."),
    Field("grace", DURATION, "The time between TERM and KILL. Default 5s."),
    Field("allow_failure", FLAG, "Whether the run may complete although this node failed."),
    Field("on_interrupt", choice(OnInterrupt), "What a crash in the middle means. Default rerun."),
    Field("max_interruptions", integer(1), "Crashes in a row after which it fails. Default 3."),
    Field("env", ENV, "Environment variables; the values are templates."),
    Field("with", mapping_of(ANYTHING), "Named values, templates in them filled.", into="with_"),
    Field("cwd", NONEMPTY, "The folder it runs in. Default: where the run was started."),
    Field("output", choice(OutputFormat), "How what it prints becomes its output."),
    Field("executor", choice(ExecutorKind), "Where a Python function runs. Default thread."),
    Field("output_schema", OBJECT, "A JSON Schema that its output must fit."),
    Field("for_each", FOR_EACH, "An expression; one instance of the node for each item."),
    ON_ITEM_FAILURE,
    Field("loop", record(LOOP_FIELDS, _loop), "The node again and again, until it is enough."),
    Field("max_parallel", integer(0), "Attempts inside it at one time; 0: no limit of its own."),
)

KEYS = frozenset({*(field.key for field in NODE_FIELDS), *KINDS, *OWNERS})
"""All keys of a node that are ours."""


def kinds_for(keys: Iterable[str]) -> Mapping[str, NodeKind]:
    """All kinds that a node with ``keys`` may be of.

    Those of other packages are among them only where a key is not ours: to look for them is slow.
    """
    if KEYS.issuperset(keys):
        return KINDS
    from indelible.definition.plugged import installed_kinds

    return {**KINDS, **installed_kinds(KEYS)}


def _input(**given: Any) -> Input:
    return Input(has_default="default" in given, **given)


def _read_node(value: Any, at: At) -> Node:
    keys: Any = mapping(value, at)
    said = keys.get("id")
    if isinstance(said, str):
        path = f"{at.spot.node}/{said}" if at.spot.node else said
        at = At(msgspec.structs.replace(at.spot, node=path), at.locate_key, at.opener)
    kinds = kinds_for(keys)
    fields = read_fields(keys, NODE_FIELDS, at, others=(*kinds, *OWNERS))
    join_each(fields, keys, at)
    return Node(**{"id": "", **fields, "body": read_body(keys, at, kinds)})


def join_each(fields: dict[str, Any], written: Container[str], at: At) -> None:
    """Put `on_item_failure`, which stands beside `for_each`, where the model has it."""
    chosen = fields.pop(ON_ITEM_FAILURE.key, None)
    if chosen is None:
        return
    if "for_each" in fields:
        fields["for_each"] = msgspec.structs.replace(fields["for_each"], on_item_failure=chosen)
    elif "for_each" not in written:
        problem = "`on_item_failure` makes no sense without `for_each`"
        at.complain_of_key(ON_ITEM_FAILURE.key, problem, "Leave it out, or add `for_each`.")


def _definition(**given: Any) -> Definition:
    return Definition(**{"name": "", **given})


def node_schema(kinds: Mapping[str, NodeKind]) -> dict[str, object]:
    """The JSON Schema of a node that is of one of ``kinds``."""
    bodies = [Field(kind.name, kind.shape, kind.description) for kind in kinds.values()]
    more = [field for kind in kinds.values() for field in kind.fields]
    one_kind = [{"required": [name]} for name in kinds]
    return {**record_schema([*NODE_FIELDS, *bodies, *more]), "oneOf": one_kind}


NODE = Shape(_read_node, node_schema(KINDS))

NODES = Shape(list_of(NODE, stand_in=Node(id="", body=UNREADABLE)).read, NODES_SCHEMA)

WORKFLOW_FIELDS = (
    Field("name", NONEMPTY, "The name of the workflow. Default: the file's, without its end."),
    Field("description", TEXT, "What it does, for people."),
    Field("inputs", mapping_of(record(INPUT_FIELDS, _input), ID_PATTERN), "What a run is given."),
    Field("env", ENV, "Environment variables of every node; templates of inputs and run."),
    Field("max_parallel", integer(0), "Attempts at one time; 0: no limit. Default 4 per CPU."),
    Field("fail_fast", FLAG, "Whether one failed node stops the others. Default false."),
    Field("timeout", DURATION, "The longest that one attempt at the whole run may take."),
    Field("outputs", mapping_of(ANYTHING), "What the run completes with; templates."),
    Field("agent", AGENT, "The command that answers prompts without one of their own."),
    Field("nodes", NODES, "The steps, each with an `id`.", required=True),
)

WORKFLOW = record(WORKFLOW_FIELDS, _definition)
"""The whole file.  What is missing or unfit has a stand-in: no name, no nodes, an id of ""."""
