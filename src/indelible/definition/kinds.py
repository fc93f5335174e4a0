"""What a node can be: one row per kind.  A kind is added here and in ``nodes/``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from indelible.definition.model import Bash, Body, Node, OutputFormat, Python, Script
from indelible.definition.shapes import NONEMPTY, TEXT, At, Shape, UnfitError
from indelible.definition.wording import listed, shortened

NOT_YET: Mapping[str, str] = {
    "prompt": "a node that asks an agent",
    "agent": "the command of a `prompt`",
    "output_schema": "a JSON Schema for the output",
    "approval": "a node that waits for a person",
    "wait": "a node that waits for a moment",
    "for_each": "one instance of a node per item of a list",
    "loop": "a node that is repeated",
    "nodes": "a node made of nodes",
    "returns": "what a node made of nodes completes with",
    "workflow": "another file as the body of a node",
    "max_parallel": "a limit of its own for a node made of nodes",
}
"""Keys of a node that the language has and this version has not."""


class NodeKind(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of node.

    ``shape`` reads the value under the key ``name`` into a body of type ``body``; ``refuses`` are
    fields common to all nodes that make no sense for this kind (names of the model), with what to
    do instead; ``output`` is the format that counts where the node names none.
    """

    name: str
    body: type[Body]
    shape: Shape
    description: str
    output: OutputFormat
    refuses: Mapping[str, str] = {}


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


KINDS: Mapping[str, NodeKind] = {
    kind.name: kind
    for kind in (
        NodeKind(
            name="bash",
            body=Bash,
            shape=Shape(lambda value, at: Bash(command=NONEMPTY.read(value, at)), NONEMPTY.schema),
            description="A command for bash -e -o pipefail; data reaches it through `env`.",
            output=OutputFormat.TEXT,
            refuses={
                "with_": 'Use `env`, and "$NAME" in the command.',
                "executor": "A command always runs in a process of its own.",
            },
        ),
        NodeKind(
            name="script",
            body=Script,
            shape=Shape(lambda value, at: Script(source=NONEMPTY.read(value, at)), NONEMPTY.schema),
            description="Inline Python; sees the keys of `with`, leaves its result in `output`.",
            output=OutputFormat.JSON,
            refuses={"executor": "A script always runs in a process of its own."},
        ),
        NodeKind(
            name="python",
            body=Python,
            shape=Shape(_target, {"type": "string", "pattern": r"^[^:\s]+:[^:\s]+$"}),
            description="A Python function, as module:function; the keys of `with` are arguments.",
            output=OutputFormat.JSON,
        ),
    )
}

BY_BODY: Mapping[type[Body], NodeKind] = {kind.body: kind for kind in KINDS.values()}

UNREADABLE = Python(target="unreadable:unreadable")
"""Stands in for a body that has been complained about: of all bodies the one that refuses least."""


def kind_of(body: Body) -> NodeKind:
    """The row of a body's kind."""
    return BY_BODY[type(body)]


def output_format(node: Node) -> OutputFormat:
    """How what ``node`` prints becomes its output."""
    return node.output or kind_of(node.body).output


def read_body(mapping: Mapping[str, object], at: At) -> Body:
    """The body that a node's mapping has; a stand-in, once complained, if not exactly one."""
    named = [key for key in mapping if key in KINDS]
    if len(named) == 1:
        body = at.read(named[0], KINDS[named[0]].shape, mapping[named[0]])
        return UNREADABLE if body is msgspec.UNSET else body
    for key in named[1:]:
        at.complain_of_key(key, f"is `{named[0]}` already and cannot be `{key}` too", "Keep one.")
    if not named and not any(key in NOT_YET for key in mapping):
        at.complain("does nothing", f"Give it one of: {listed(KINDS)}.")
    return UNREADABLE
