"""What a node can be: one row per kind.  A kind is added here and in ``nodes/``.

Other packages add kinds too (``plugged.py``); those have no row here.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from indelible.definition import body_shapes as shapes
from indelible.definition import refusals
from indelible.definition.model import (
    Approval,
    Bash,
    Body,
    Composite,
    Node,
    OutputFormat,
    Plugged,
    Prompt,
    Python,
    Script,
    Wait,
)
from indelible.definition.shapes import ANYTHING, At, Field, Shape
from indelible.definition.wording import listed


class NodeKind(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of node.

    ``shape`` reads the value under the key ``name`` into a body of type ``body``, and ``fields``
    the keys beside it that only this kind has; ``refuses`` are fields common to all nodes that make
    no sense for this kind (names of the model), with what to do instead; ``output`` is the format
    that counts where the node names none.
    """

    name: str
    body: type[Body]
    shape: Shape
    description: str
    output: OutputFormat = OutputFormat.JSON
    refuses: Mapping[str, str] = {}
    fields: tuple[Field, ...] = ()

    @property
    def noun(self) -> str:
        """What a sentence calls a node of this kind, with its article."""
        if self.name == "nodes":
            return "a composite"
        return f"{'an' if self.name[0] in 'aeiou' else 'a'} {self.name} node"


KINDS: Mapping[str, NodeKind] = {
    kind.name: kind
    for kind in (
        NodeKind(
            name="bash",
            body=Bash,
            shape=shapes.BASH,
            description="A command for bash -e -o pipefail; data reaches it through `env`.",
            output=OutputFormat.TEXT,
            refuses=refusals.OF_BASH,
        ),
        NodeKind(
            name="script",
            body=Script,
            shape=shapes.SCRIPT,
            description="Inline Python; sees the keys of `with`, leaves its result in `output`.",
            refuses=refusals.OF_SCRIPT,
        ),
        NodeKind(
            name="python",
            body=Python,
            shape=shapes.PYTHON,
            description="A Python function, as module:function; the keys of `with` are arguments.",
        ),
        NodeKind(
            name="prompt",
            body=Prompt,
            shape=shapes.PROMPT,
            description="A text for an agent, a command that answers on stdout; a template.",
            output=OutputFormat.TEXT,
            refuses=refusals.OF_PROMPT,
            fields=(shapes.AGENT_COMMAND,),
        ),
        NodeKind(
            name="approval",
            body=Approval,
            shape=shapes.APPROVAL,
            description="A question to a person; its output is {choice, answer, by, at}.",
            refuses=refusals.OF_APPROVAL,
        ),
        NodeKind(
            name="wait",
            body=Wait,
            shape=shapes.WAIT,
            description="A durable timer: a duration, or {until: <moment>}.",
            refuses=refusals.OF_WAIT,
        ),
        NodeKind(
            name="nodes",
            body=Composite,
            shape=shapes.NODES,
            description="Nodes inside this one: a graph of its own.",
            refuses=refusals.OF_NODES,
            fields=(shapes.RETURNS,),
        ),
        NodeKind(
            name="workflow",
            body=Composite,
            shape=shapes.WORKFLOW,
            description="Another workflow file as the body; `with` gives its inputs.",
            refuses=refusals.OF_WORKFLOW,
        ),
    )
}

OWNERS: Mapping[str, str] = {
    field.key: kind.name for kind in KINDS.values() for field in kind.fields
}
"""Keys that belong to one kind of node only."""

UNREADABLE = Python(target="unreadable:unreadable")
"""Stands in for a body that has been complained about: of all bodies the one that refuses least."""

_BY_BODY: Mapping[type[Body], NodeKind] = {kind.body: kind for kind in KINDS.values()}


def plugged_kind(name: str, shape: Shape = ANYTHING, description: str = "") -> NodeKind:
    """The row of a kind that another package adds."""
    return NodeKind(
        name=name,
        body=Plugged,
        shape=shape,
        description=description,
        refuses=refusals.OF_PLUGGED,
    )


def kind_of(body: Body) -> NodeKind:
    """The row of a body's kind; of one that another package adds, also where it is missing."""
    if isinstance(body, Composite):
        return KINDS["workflow" if body.is_isolated else "nodes"]
    if isinstance(body, Plugged):
        return plugged_kind(body.name)
    return _BY_BODY[type(body)]


def output_format(node: Node) -> OutputFormat:
    """How what ``node`` prints becomes its output."""
    if node.output is None and node.output_schema is not None:
        return OutputFormat.JSON
    return node.output or kind_of(node.body).output


def read_body(keys: Mapping[str, object], at: At, kinds: Mapping[str, NodeKind] = KINDS) -> Body:
    """The body that a node's mapping has; a stand-in, once complained, if not exactly one.

    ``kinds`` are all that there are.
    """
    named = [key for key in keys if key in kinds]
    for key in named[1:]:
        at.complain_of_key(key, f"is `{named[0]}` already and cannot be `{key}` too", "Keep one.")
    if not named:
        more = "" if kinds is KINDS else " A kind of another package has to be installed."
        at.complain("does nothing", f"Give it one of: {listed(kinds)}.{more}")
    return _read_kind(kinds[named[0]], keys, at) if len(named) == 1 else UNREADABLE


def _read_kind(kind: NodeKind, keys: Mapping[str, object], at: At) -> Body:
    for key, owner in OWNERS.items():
        if key in keys and owner != kind.name:
            problem = f"`{key}` makes no sense on {kind.noun}"
            at.complain_of_key(key, problem, f"It belongs to `{owner}`.")
    body: Body | msgspec.UnsetType = at.read(kind.name, kind.shape, keys[kind.name])
    more = {
        field.attribute: at.read(field.key, field.shape, keys[field.key])
        for field in kind.fields
        if field.key in keys
    }
    if isinstance(body, msgspec.UnsetType):
        return UNREADABLE
    read = {name: value for name, value in more.items() if value is not msgspec.UNSET}
    return msgspec.structs.replace(body, **read) if read else body
