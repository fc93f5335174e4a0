"""Two runs side by side: where they part."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from msgspec import Raw

from indelible.engine.state import NodeState, RunState
from indelible.events import BlobRef

Stored = Raw | BlobRef | None

OUTPUT, STATUS, DEFINITION, ABSENT = "output", "status", "definition", "absent"


class Difference(msgspec.Struct, frozen=True):
    """``what`` differs between the two runs: for ``status`` the two of them, else what is said."""

    node_id: str
    what: str
    left: str = ""
    right: str = ""

    def __str__(self) -> str:
        said = f": {self.left} / {self.right}" if self.left or self.right else ""
        return (
            f"{self.node_id}: another {self.what}{said}"
            if self.what != ABSENT
            else (f"{self.node_id}: only in {self.left or self.right}")
        )


class RunDiff(msgspec.Struct, frozen=True):
    """Nodes are in the order in which they came to be in the left run, then those of the right."""

    left: str
    right: str
    has_same_definition: bool
    has_same_inputs: bool
    statuses: tuple[str, str]
    differences: tuple[Difference, ...]

    @property
    def first(self) -> Difference | None:
        """Where the runs part: the first node of which something differs."""
        return next(iter(self.differences), None)

    def __str__(self) -> str:
        first = self.first
        lines = [f"{self.left} ({self.statuses[0]}) and {self.right} ({self.statuses[1]})"]
        lines += ["the definitions differ"] if not self.has_same_definition else []
        lines += ["the inputs differ"] if not self.has_same_inputs else []
        lines += ["every node is the same"] if first is None else [f"they part at {first.node_id}"]
        return "\n".join([*lines, *(f"  {each}" for each in self.differences)])


def diff(left: RunState, right: RunState) -> RunDiff:
    """What differs between two runs: definition, inputs, and the nodes in order."""
    return RunDiff(
        left=left.run_id,
        right=right.run_id,
        has_same_definition=left.plan.definition == right.plan.definition,
        has_same_inputs=_is_same(left.inputs, right.inputs),
        statuses=(left.status.value, right.status.value),
        differences=tuple(_differences(left, right)),
    )


def _differences(left: RunState, right: RunState) -> Iterator[Difference]:
    for name, node in left.nodes.items():
        other = right.nodes.get(name)
        if other is None:
            yield Difference(name, ABSENT, left=left.run_id)
        else:
            yield from _of_node(node, other)
    for name in right.nodes:
        if name not in left.nodes:
            yield Difference(name, ABSENT, right=right.run_id)


def _of_node(left: NodeState, right: NodeState) -> Iterator[Difference]:
    if left.node != right.node and left.parent is None:
        yield Difference(left.id, DEFINITION)
    if left.status is not right.status:
        yield Difference(left.id, STATUS, _said(left), _said(right))
    elif not _is_same(left.output, right.output):
        yield Difference(left.id, OUTPUT)


def _said(node: NodeState) -> str:
    return f"{node.status} ({node.error.type})" if node.error is not None else node.status.value


def _is_same(left: Stored, right: Stored) -> bool:
    if isinstance(left, Raw) and isinstance(right, Raw):
        return bytes(left) == bytes(right)
    return left == right
