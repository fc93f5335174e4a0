"""Every key of a workflow file: one row each, for reading it and for its JSON Schema."""

from __future__ import annotations

from typing import Any

import msgspec

from indelible.definition.kinds import KINDS, NOT_YET, UNREADABLE, read_body
from indelible.definition.model import (
    Definition,
    ExecutorKind,
    Input,
    InputType,
    Node,
    OnInterrupt,
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
    TEXT,
    At,
    Field,
    Shape,
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

INPUT_FIELDS = (
    Field("type", choice(InputType), "The JSON type of the value. Default string."),
    Field("required", FLAG, "Whether a run without it is refused. Default false."),
    Field("default", ANYTHING, "The value of a run that gives none."),
    Field("enum", list_of(ANYTHING), "The only values allowed."),
    Field("description", TEXT, "What it is, for people."),
)

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
)


def _input(**given: Any) -> Input:
    return Input(has_default="default" in given, **given)


def _read_node(value: Any, at: At) -> Node:
    keys: Any = mapping(value, at)
    said = keys.get("id")
    if isinstance(said, str):
        at = At(msgspec.structs.replace(at.spot, node=said), at.locate_key)
    fields = read_fields(keys, NODE_FIELDS, at, others=tuple(KINDS), not_yet=NOT_YET)
    return Node(**{"id": "", **fields, "body": read_body(keys, at)})


def _definition(**given: Any) -> Definition:
    return Definition(**{"name": "", **given})


def _node_schema() -> dict[str, object]:
    kinds = tuple(Field(kind.name, kind.shape, kind.description) for kind in KINDS.values())
    one_kind = [{"required": [name]} for name in KINDS]
    return {**record_schema(NODE_FIELDS + kinds), "oneOf": one_kind}


NODE = Shape(_read_node, _node_schema())

WORKFLOW_FIELDS = (
    Field("name", NONEMPTY, "The name of the workflow. Default: the file's, without its end."),
    Field("description", TEXT, "What it does, for people."),
    Field("inputs", mapping_of(record(INPUT_FIELDS, _input), ID_PATTERN), "What a run is given."),
    Field("env", ENV, "Environment variables of every node; templates of inputs and run."),
    Field("max_parallel", integer(0), "Attempts at one time; 0: no limit. Default 4 per CPU."),
    Field("fail_fast", FLAG, "Whether one failed node stops the others. Default false."),
    Field("timeout", DURATION, "The longest that one attempt at the whole run may take."),
    Field("outputs", mapping_of(ANYTHING), "What the run completes with; templates."),
    Field(
        "nodes",
        list_of(NODE, stand_in=Node(id="", body=UNREADABLE)),
        "The steps, each with an `id`.",
        required=True,
    ),
)

WORKFLOW = record(WORKFLOW_FIELDS, _definition)
"""The whole file.  What is missing or unfit has a stand-in: no name, no nodes, an id of ""."""
