"""What a node or workflow can be told in Python: the fields of workflow files, in Python's types.

The tables of ``fields.py`` say what is right and what is said when it is not; here values of the
model itself (a ``Retry``, a ``timedelta``) count too, and an upstream can be named by its function.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Literal, TypedDict

import msgspec

from indelible.definition import model
from indelible.definition.fields import NODE_FIELDS, WORKFLOW_FIELDS
from indelible.definition.model import (
    ExecutorKind,
    InputType,
    OnInterrupt,
    OnItemFailure,
    OutputFormat,
    TriggerRule,
)
from indelible.definition.places import Path, Place, Report, Spot
from indelible.definition.shapes import At, Field, Opener
from indelible.definition.wording import did_you_mean
from indelible.errors import ValueNotJsonError
from indelible.values import Json, decode, encode

Duration = str | int | float | timedelta
"""``"30s"``, ``"1h30m"``, a number of seconds, or a ``timedelta``."""

RuleName = Literal[
    "all_success",
    "all_failed",
    "all_done",
    "all_done_min_one_success",
    "all_skipped",
    "one_success",
    "one_failed",
    "one_done",
    "none_failed",
    "none_failed_min_one_success",
    "none_skipped",
]


NODE: Mapping[str, Field] = {field.attribute: field for field in NODE_FIELDS}
WORKFLOW: Mapping[str, Field] = {field.attribute: field for field in WORKFLOW_FIELDS}


class NodeOptions(TypedDict, total=False):
    """The fields of a node, as in LANGUAGE; None is the same as leaving one out."""

    description: str | None
    depends_on: Sequence[str | Callable[..., Any]] | None
    when: str | bool | None
    trigger_rule: TriggerRule | RuleName | None
    retry: model.Retry | None
    timeout: Duration | None
    grace: Duration | None
    allow_failure: bool | None
    on_interrupt: OnInterrupt | Literal["rerun", "fail"] | None
    max_interruptions: int | None
    env: Mapping[str, str] | None
    with_: Mapping[str, Json] | None
    cwd: str | None
    output: OutputFormat | Literal["text", "json"] | None
    executor: ExecutorKind | Literal["thread", "process"] | None
    output_schema: Mapping[str, Json] | None
    for_each: str | model.ForEach | Mapping[str, str] | None
    on_item_failure: OnItemFailure | Literal["fail", "collect"] | None
    loop: model.Loop | Mapping[str, str | int] | None
    max_parallel: int | None


class CodePlaces(msgspec.Struct, frozen=True):
    """Where the words of a workflow made in Python stand: the workflow itself, and each node.

    ``inside`` are those of the graphs in composites, by the number of the node.
    """

    flow: Place
    nodes: Sequence[Place] = ()
    inside: Mapping[int, CodePlaces] = {}

    def locate(self, path: Path, offset: int = 0) -> Place:
        """Lines only: Python does not say in which column an argument began."""
        match path:
            case ("nodes", int(order), "nodes", int(), *_) if order in self.inside:
                return self.inside[order].locate(path[2:])
            case ("nodes", int(order), *_) if order < len(self.nodes):
                return self.nodes[order]
        return self.flow


def at_workflow(report: Report) -> At:
    """Where the options of the workflow itself are read."""
    return At(Spot(report), report.locate)


def at_node(at: At, order: int, node: str, opener: Opener | None = None) -> At:
    """Where the options of node number ``order`` (from 0) of the graph at ``at`` are read."""
    path = f"{at.spot.node}/{node}" if at.spot.node else node
    spot = Spot(at.spot.report, (*at.spot.path, "nodes", order), path)
    return At(spot, at.locate_key, opener)


def read_options(
    options: Mapping[str, object], fields: Mapping[str, Field], at: At
) -> dict[str, Any]:
    """By attribute of the model; what is unfit is complained about and left out."""
    return {
        name: found
        for name, value in options.items()
        if value is not None and (found := _read_one(name, value, fields, at)) is not msgspec.UNSET
    }


def read_id(given: object, at: At) -> str:
    """``given``, which should be text; whether it is an id is for the check to say."""
    if not isinstance(given, str):
        at.read("id", NODE["id"].shape, given)
    return str(given)


def read_inputs(given: Mapping[str, object], at: At) -> dict[str, model.Input]:
    """The declared inputs; what is no ``Input`` is read as a workflow file has it."""
    plain = {name: value for name, value in given.items() if not isinstance(value, model.Input)}
    read = read_options({"inputs": plain}, WORKFLOW, at).get("inputs", {})
    # An unfit one has been complained about; what refers to it shall not be complained about too.
    stand_ins = dict.fromkeys(plain, model.Input(type=InputType.ANY))
    return {**given, **stand_ins, **read}


def _read_one(name: str, value: object, fields: Mapping[str, Field], at: At) -> object:
    field = fields.get(name)
    if field is None:
        hint = did_you_mean(name, fields, what="Options")
        at.complain_of_key(name, f"unknown option `{name}`", hint)
        return msgspec.UNSET
    if isinstance(value, READY.get(name, ())):
        return value
    try:
        return at.read(field.key, field.shape, PLAIN.get(name, as_is)(value))
    except ValueNotJsonError as error:
        at.complain_of_key(field.key, f"`{name}`: {error.problem}")
        return msgspec.UNSET


def as_is(value: object) -> object:
    """``value``."""
    return value


def as_json(value: object) -> object:
    """``value`` as it comes back from JSON.  Raises ``ValueNotJsonError``."""
    if isinstance(value, msgspec.Struct):
        value = msgspec.to_builtins(value, str_keys=True)
    return decode(encode(dict(value) if isinstance(value, Mapping) else value))


def as_plain(value: object) -> object:
    """Any mapping as a dict, any sequence or set of values as a list."""
    if isinstance(value, tuple | set | frozenset):
        return list(value)
    return dict(value) if not isinstance(value, list) and isinstance(value, Mapping) else value


def as_command(value: object) -> object:
    """The words of a command as workflow files have them: ``{command: [ … ]}``."""
    return {"command": list(value)} if isinstance(value, list | tuple) else value


READY: Mapping[str, type] = {
    "retry": model.Retry,
    "timeout": timedelta,
    "grace": timedelta,
    "loop": model.Loop,
    "for_each": model.ForEach,
}
"""Options that may be values of the model already."""

PLAIN: Mapping[str, Callable[[object], object]] = {
    "env": as_plain,
    "depends_on": as_plain,
    "with_": as_json,
    "output_schema": as_json,
    "for_each": as_plain,
    "loop": as_plain,
    "agent": as_command,
    "outputs": as_json,
    "default": as_json,
    "enum": as_plain,
    "on": as_plain,
}
"""How Python's values become the plain data that the fields' shapes read; others are that."""
