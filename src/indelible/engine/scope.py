"""The names an expression can use, looked up in the state only when it asks for them.

Values are decoded from the logged bytes each time: nobody can change what somebody else will see,
and a resumed run computes the same as one that was never disturbed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Raw

from indelible import values
from indelible.engine.state import NodeState, NodeStatus, RunState
from indelible.errors import CorruptLogError
from indelible.events import BlobRef
from indelible.expressions import Missing
from indelible.values import Json

Blobs = Mapping[str, bytes]
"""Blobs that the shell has loaded, by hash."""


class BlobNeeded(Exception):  # noqa: N818 - a request to the shell, not an error
    """A value is in a blob that has not been loaded yet."""

    def __init__(self, ref: BlobRef) -> None:
        super().__init__(ref.sha256)
        self.ref = ref


class Scope(Mapping[str, object]):
    """``inputs``, ``nodes`` and ``run`` of one run, as it stands now.

    Raises ``Missing`` for the output of a node that has none, and ``BlobNeeded`` for one that has
    to be fetched first.
    """

    def __init__(self, state: RunState, blobs: Blobs) -> None:
        self._state = state
        self._blobs = blobs
        self._roots = {"inputs": self._inputs, "nodes": self._nodes, "run": self._run}

    def __getitem__(self, name: str) -> object:
        return self._roots[name]()

    def __iter__(self) -> Iterator[str]:
        return iter(self._roots)

    def __len__(self) -> int:
        return len(self._roots)

    def raw_input(self, name: str) -> bytes:
        """An input as JSON, for a parameter of a Python node."""
        inputs = self._inputs()
        if not isinstance(inputs, dict) or name not in inputs:
            raise Missing(f"the run has no input {name!r}", "Start a new run that gives it.")
        return values.encode(inputs[name])

    def raw_output(self, node_id: str) -> bytes:
        """A node's output as it stands in the log."""
        return self._bytes(_output_of(self._state.nodes[node_id]))

    def _inputs(self) -> Json:
        return {} if self._state.inputs is None else self._value(self._state.inputs)

    def _nodes(self) -> Mapping[str, object]:
        return _Nodes(self)

    def _run(self) -> Json:
        return {"id": self._state.run_id}

    def node(self, node_id: str) -> NodeState:
        """The state behind ``nodes[node_id]``; ``KeyError`` if there is no such node."""
        return self._state.nodes[node_id]

    def output(self, node: NodeState) -> Json:
        """The value of ``nodes.<id>.output``."""
        return self._value(_output_of(node))

    @property
    def node_ids(self) -> Mapping[str, NodeState]:
        return self._state.nodes

    def _value(self, kept: Raw | BlobRef) -> Json:
        try:
            return values.decode(self._bytes(kept))
        except ValueError as error:
            raise CorruptLogError(str(error), place=f"run {self._state.run_id}") from error

    def _bytes(self, kept: Raw | BlobRef) -> bytes:
        if isinstance(kept, Raw):
            return bytes(kept)
        if kept.sha256 not in self._blobs:
            raise BlobNeeded(kept)
        return self._blobs[kept.sha256]


class _Nodes(Mapping[str, object]):
    """``nodes``: every node of the run by its id."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __getitem__(self, node_id: str) -> object:
        return _NodeNames(self._scope, self._scope.node(node_id))

    def __iter__(self) -> Iterator[str]:
        return iter(self._scope.node_ids)

    def __len__(self) -> int:
        return len(self._scope.node_ids)


class _NodeNames(Mapping[str, object]):
    """``nodes.<id>``: its ``output`` and its ``status``."""

    _names = ("output", "status")

    def __init__(self, scope: Scope, node: NodeState) -> None:
        self._scope = scope
        self._node = node

    def __getitem__(self, name: str) -> object:
        match name:
            case "output":
                return self._scope.output(self._node)
            case "status":
                return self._node.status.value
            case _:
                raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def _output_of(node: NodeState) -> Raw | BlobRef:
    if node.status is not NodeStatus.SUCCESS or node.output is None:
        raise Missing(
            f"node {node.id} has no output: it is {node.status}",
            f"Ask nodes['{node.id}'].status first, or give a value for this case: "
            f"default(nodes['{node.id}'].output, …).",
        )
    return node.output
