"""The names an expression can use, looked up in the state only when it asks for them.

Values are decoded from the logged bytes each time: nobody can change what somebody else will see,
and a resumed run computes the same as one that was never disturbed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from indelible import values
from indelible.definition.inputs import bind_inputs
from indelible.definition.model import Composite
from indelible.engine.outputs import Blobs, assembled, bytes_of, output_of
from indelible.engine.state import NodeState, RunState
from indelible.engine.status import Role
from indelible.engine.tree import around
from indelible.errors import CorruptLogError, ExpressionError
from indelible.expressions import Missing, parse_expression, parse_value
from indelible.secrets import marker
from indelible.values import Json


class Scope(Mapping[str, object]):
    """What the expressions of ``node`` see; without a node, those of the whole workflow.

    ``inputs``, ``nodes``, ``run``; inside a map ``item`` and ``index``; inside a loop ``index`` and
    ``previous``.  Inner names hide outer ones.  ``index`` stands for an iteration that has not come
    to be yet.  Raises ``Missing`` for the output of a node that has none, ``BlobsNeeded`` for what
    has to be fetched first.
    """

    def __init__(
        self,
        state: RunState,
        blobs: Blobs,
        node: NodeState | None = None,
        index: int | None = None,
    ) -> None:
        self._state = state
        self._blobs = blobs
        self._node = node
        self._index = index
        self._prefix = "" if node is None else node.prefix
        self._around = () if node is None or node.parent is None else tuple(around(node))

    def __getitem__(self, name: str) -> object:
        return _ROOTS[name](self)

    def __iter__(self) -> Iterator[str]:
        return iter(_ROOTS)

    def __len__(self) -> int:
        return len(_ROOTS)

    def at(self, node: NodeState | None, index: int | None = None) -> Scope:
        """The scope of another node of the run, or of an iteration that it is to begin."""
        return Scope(self._state, self._blobs, node, index)

    def within(self, node: NodeState) -> Scope:
        """What is seen by all that is directly inside the container ``node``."""
        inner = self.at(node)
        inner._prefix = f"{node.id}/"
        inner._around = (node, *around(node))
        return inner

    def items_of(self, node: NodeState) -> list[Json]:
        """The items of a map.  They follow from the log; the state only keeps them at hand."""
        each = node.node.for_each
        assert each is not None
        found = self._state.items.get(node.id)
        if found is None:
            found = self._state.items[node.id] = evaluated_items(each.items, self.at(node))
        return found

    @property
    def is_first_iteration(self) -> bool:
        """Whether there is no ``previous`` yet."""
        index = self._index
        return index == 1 if index is not None else self._instance(Role.LOOP).index == 1

    def inputs(self) -> Json:
        """The inputs of the run, or of the workflow file that the node came from."""
        boundary = next((each for each in self._around if is_isolated(each)), None)
        if boundary is not None:
            return given_inputs(boundary, self.at(boundary))
        kept = self._state.inputs
        return {} if kept is None else self._decoded(bytes_of(kept, self._blobs))

    def raw_input(self, name: str) -> bytes:
        """An input as JSON, for a parameter of a Python node."""
        inputs = self.inputs()
        if not isinstance(inputs, dict) or name not in inputs:
            raise Missing(f"the run has no input {name!r}", "Start a new run that gives it.")
        return values.encode(inputs[name])

    def raw_output(self, name: str) -> bytes:
        """A node's output as it stands in the log."""
        return output_of(self.find(name), self._blobs)

    def output(self, node: NodeState) -> Json:
        """The value of ``nodes.<id>.output``."""
        return self._decoded(output_of(node, self._blobs))

    def assembled(self, node: NodeState) -> bytes:
        """The output that a container has if it completes now, as JSON."""
        return assembled(node, self._blobs)

    def find(self, name: str) -> NodeState:
        """The node that ``name`` means here: nearest first.  ``KeyError`` if there is none."""
        for prefix in self._prefixes():
            found = self._state.nodes.get(prefix + name)
            if found is not None:
                return found
        raise KeyError(name)

    def _prefixes(self) -> Iterator[str]:
        yield self._prefix
        for parent in self._around:
            if is_isolated(parent):
                return
            yield parent.prefix

    def _instance(self, *roles: Role) -> NodeState:
        """The instance that the node is, or is in, of the nearest map or loop."""
        for node in (self._node, *self._around):
            if node is None or not node.is_instance or node.parent is None:
                continue
            if node.parent.role in roles:
                return node
        raise Missing("there is no map or loop around this node")

    def _item(self) -> Json:
        instance = self._instance(Role.MAP)
        assert instance.parent is not None
        assert instance.index is not None
        return self.items_of(instance.parent)[instance.index]

    def _place(self) -> Json:
        if self._index is not None:
            return self._index
        return self._instance(Role.MAP, Role.LOOP).index

    def _previous(self) -> Json:
        loop, index = self._node, self._index
        if index is None:
            instance = self._instance(Role.LOOP)
            loop, index = instance.parent, instance.index
        assert loop is not None
        assert index is not None
        if index == 1 or loop.children is None:
            raise Missing("the first iteration has no previous one", "Write default(previous, …).")
        return self.output(loop.children[index - 2])

    def _latest(self) -> Json:
        """``output`` in ``until``: that of the iteration which has just ended."""
        if self._node is None or self._node.role is not Role.LOOP or not self._node.children:
            raise Missing("`output` has a value in `until` only", "Write nodes.ID.output.")
        return self.output(self._node.children[-1])

    def _decoded(self, raw: bytes) -> Json:
        try:
            return values.decode(raw)
        except ValueError as error:
            raise CorruptLogError(str(error), place=f"run {self._state.run_id}") from error


_ROOTS: Mapping[str, Callable[[Scope], object]] = {
    "inputs": Scope.inputs,
    "nodes": lambda scope: _Nodes(scope),
    "run": lambda scope: {"id": scope._state.run_id},
    "item": Scope._item,
    "index": Scope._place,
    "previous": Scope._previous,
    "output": Scope._latest,
    "secrets": lambda scope: _Secrets(),
}


def is_isolated(node: NodeState) -> bool:
    """Whether ``node`` is a body from another workflow file, which sees nothing around it."""
    body = node.node.body
    return node.role is Role.COMPOSITE and isinstance(body, Composite) and body.is_isolated


def evaluated_items(expression: str, scope: Mapping[str, object]) -> list[Json]:
    """The items of a map; an object gives one ``{key, value}`` for each of its members."""
    value = parse_expression(expression).evaluate(scope)
    if isinstance(value, dict):
        return [{"key": key, "value": each} for key, each in value.items()]
    if isinstance(value, list):
        return value
    raise ExpressionError(
        f"for_each: `{expression}` is neither a list nor an object",
        source=expression,
        hint="Give it a list, for example by from_json(…) or split(…).",
    )


def given_inputs(node: NodeState, scope: Mapping[str, object]) -> dict[str, Json]:
    """The inputs that a body from another file has: those of ``with``, checked, and defaults."""
    body = node.node.body
    assert isinstance(body, Composite)
    given = {name: parse_value(value).evaluate(scope) for name, value in node.node.with_.items()}
    return bind_inputs(body.inputs, given)


class _Nodes(Mapping[str, object]):
    """``nodes``: what a node can see by its id."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __getitem__(self, name: str) -> object:
        return _NodeNames(self._scope, self._scope.find(name))

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


class _Secrets(Mapping[str, object]):
    """``secrets``: what stands for each value until the node starts; the value is never here."""

    def __getitem__(self, name: str) -> object:
        return marker(name)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


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
