"""Where the parameters of functions get their values from: a node, an input, ``with_``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from indelible.definition.callables import identity, unwrapped
from indelible.definition.model import Input, InputType, Python
from indelible.definition.options import NodeOptions
from indelible.definition.places import Report
from indelible.definition.shapes import At
from indelible.definition.signatures import Callee
from indelible.definition.wording import did_you_mean, listed

Bound = tuple[Python, tuple[str, ...]]
"""A body with its parameters, and the nodes that it takes outputs of."""

Names = frozenset[str]

_DECLARE = "Declare it: Workflow(…, inputs={{{name!r}: ink.Input(…)}})."


class Binding:
    """Binds the functions of one graph; ``inputs`` grows by those that only parameters name.

    ``taken`` are the nodes around the composite, if it is one, whose outputs functions take; so the
    composite depends on them.  Nodes with the same function, the same keys of ``with_`` and the
    same names at hand share one body.
    """

    def __init__(
        self,
        declared: Mapping[str, Input],
        ids: Iterable[str],
        report: Report,
        outer: Binding | None = None,
    ) -> None:
        self.inputs: dict[str, Input] = dict(declared) if outer is None else outer.inputs
        self.ids = frozenset(ids)
        self.taken: dict[str, None] = {}
        self._declared = declared
        self._report = report
        self._outer = outer
        self._bound: dict[tuple[int, frozenset[str], Names], Bound] = {}
        self._blamed: set[int] = set()

    def inside(self, ids: Iterable[str]) -> Binding:
        """The binding of the graph in a composite."""
        return Binding(self._declared, ids, self._report, self)

    def bind(self, callee: Callee, written: Iterable[str], node: str, names: Names) -> Bound:
        """The body of ``node``, where ``written`` are the parameters that ``with_`` gives.

        ``names`` are those of `item`, `index`, `previous` that exist there.
        """
        key = (id(callee), frozenset(written), names)
        if key not in self._bound:
            self._bound[key] = self._bind(callee, key[1], node, names)
        return self._bound[key]

    def _bind(self, callee: Callee, written: frozenset[str], node: str, names: Names) -> Bound:
        if id(callee) not in self._blamed:
            self._blamed.add(id(callee))
            for problem, hint in callee.problems:
                self._complain(callee, node, f"the function {problem}", hint)
        known = {*callee.parameters, *callee.optional}
        for name in sorted(written - known) if not callee.problems else ():
            hint = did_you_mean(name, known, what="It takes")
            self._complain(callee, node, f"`with_` gives {name}, which it does not take", hint)
        sources = {
            name: source
            for name in (*callee.parameters, *callee.optional)
            if name not in written and (source := self._source(callee, name, node, names))
        }
        taken = [name for name, source in sources.items() if source == f"nodes.{name}"]
        upstream = tuple(name for name in taken if name in self.ids)
        self.taken.update((name, None) for name in taken if name not in self.ids)
        return msgspec.structs.replace(callee.body, parameters=sources), upstream

    def _source(self, callee: Callee, name: str, node: str, names: Names) -> str:
        """``nodes.NAME``, ``inputs.NAME``, ``item``; empty if Python's own default counts."""
        if name in names:
            return name
        if self._is_node(name):
            if name in self._declared:
                self._complain(
                    callee, node, f"{name} is both a node and an input", "Rename one of them."
                )
            return f"nodes.{name}"
        if name not in self._declared:
            if name not in callee.parameters:
                return ""
            self._infer(callee, name, node)
        return f"inputs.{name}"

    def _is_node(self, name: str) -> bool:
        return name in self.ids or (self._outer is not None and self._outer._is_node(name))

    def _infer(self, callee: Callee, name: str, node: str) -> None:
        asked = callee.parameters[name]
        try:
            self.inputs[name] = reconciled(self.inputs.get(name, asked), asked)
        except ValueError as error:
            problem = f"the input {name} {error}"
            self._complain(callee, node, problem, _DECLARE.format(name=name))

    def _complain(self, callee: Callee, node: str, message: str, hint: str) -> None:
        self._report.add(callee.place, message, hint=hint, node=node)


def reconciled(known: Input, asked: Input) -> Input:
    """One input that serves two functions.  It is required if either has no default for it.

    Raises ``ValueError`` when their types exclude each other, or their defaults differ.
    """
    if InputType.ANY not in (known.type, asked.type) and known.type is not asked.type:
        raise ValueError(f"is {known.type} elsewhere and {asked.type} here")
    if known.has_default and asked.has_default and known.default != asked.default:
        raise ValueError(f"defaults to {known.default!r} elsewhere and to {asked.default!r} here")
    has_default = known.has_default and asked.has_default
    return Input(
        type=asked.type if known.type is InputType.ANY else known.type,
        enum=_common(known, asked),
        required=not has_default,
        default=known.default if has_default else None,
        has_default=has_default,
    )


def _common(known: Input, asked: Input) -> tuple[Any, ...]:
    if not known.enum or not asked.enum:
        return known.enum or asked.enum
    both = tuple(choice for choice in known.enum if choice in asked.enum)
    if not both:
        raise ValueError("has no value that is allowed both elsewhere and here")
    return both


class NodeNames:
    """Node ids by function, for ``depends_on=[clean]``."""

    def __init__(self, named: Iterable[tuple[str, Callable[..., Any]]]) -> None:
        self._ids: dict[tuple[int, int], list[str]] = {}
        for name, function in named:
            self._ids.setdefault(identity(unwrapped(function)), []).append(name)

    def written(self, options: NodeOptions, at: At) -> Mapping[str, object]:
        """``options`` with ids for functions; complains of those that are not one node."""
        upstream = options.get("depends_on")
        if not isinstance(upstream, list | tuple | set | frozenset):
            return options
        if all(isinstance(each, str) for each in upstream):
            return options
        ids = (self._id_of(each, at) if callable(each) else each for each in upstream)
        return {**options, "depends_on": [each for each in ids if each is not None]}

    def _id_of(self, function: Callable[..., Any], at: At) -> str | None:
        found = self._ids.get(identity(unwrapped(function)), [])
        if len(found) == 1:
            return found[0]
        name = getattr(function, "__qualname__", repr(function))
        several = f"is several nodes: {listed(found)}", "Name those that are meant by id."
        problem, hint = several if found else ("is not a node", "Add it first, with @flow.node.")
        at.complain_of_key("depends_on", f"depends on {name}, which {problem}", hint)
        return None
