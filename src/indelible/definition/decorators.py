"""The Python front door: functions, commands and scripts become nodes of one definition.

A decorated function stays what it was.  Nothing is judged before ``build``, which then says
everything that is wrong, with the file and line of each node.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar, Unpack, overload

import msgspec

from indelible.definition import model
from indelible.definition.callables import folder_of, identity
from indelible.definition.check import check
from indelible.definition.declarations import Input, Retry, caller
from indelible.definition.kinds import read_body
from indelible.definition.model import Definition, Node
from indelible.definition.options import (
    NODE,
    WORKFLOW,
    CodePlaces,
    Duration,
    NodeOptions,
    at_node,
    at_workflow,
    read_id,
    read_inputs,
    read_options,
)
from indelible.definition.parameters import Binding, NodeNames
from indelible.definition.places import Place, Report
from indelible.definition.signatures import Callee, read_callee
from indelible.errors import DefinitionError
from indelible.values import Json

__all__ = ["Input", "Retry", "WorkflowBuilder"]

Function = TypeVar("Function", bound=Callable[..., Any])


class Draft(msgspec.Struct, frozen=True):
    """A node as it was added: a function, or the one key that says what it does (``bash: …``)."""

    id: str
    options: NodeOptions
    place: Place
    callee: Callee | None = None
    written: Mapping[str, object] = {}


class WorkflowBuilder:
    """A workflow in the making.  Nodes may be added in any order; what depends on what decides."""

    def __init__(
        self,
        name: str,
        *,
        description: str = "",
        inputs: Mapping[str, model.Input] | None = None,
        env: Mapping[str, str] | None = None,
        max_parallel: int | None = None,
        fail_fast: bool = False,
        timeout: Duration | None = None,
        outputs: Mapping[str, Json] | None = None,
    ) -> None:
        self.name = name
        self._inputs = dict(inputs or {})
        self._options: dict[str, object] = {
            "name": name,
            "description": description,
            "env": env,
            "max_parallel": max_parallel,
            "fail_fast": fail_fast,
            "timeout": timeout,
            "outputs": outputs,
        }
        self._place = caller()
        self._drafts: list[Draft] = []
        self._callees: dict[tuple[int, int], Callee] = {}

    @overload
    def node(self, function: Function, /) -> Function: ...

    @overload
    def node(
        self, /, *, id: str | None = None, **options: Unpack[NodeOptions]
    ) -> Callable[[Function], Function]: ...

    def node(
        self,
        function: Function | None = None,
        /,
        *,
        id: str | None = None,
        **options: Unpack[NodeOptions],
    ) -> Function | Callable[[Function], Function]:
        """Make the decorated function a node, named like it unless ``id`` says otherwise.

        A parameter named like a node takes its output and depends on it; any other takes the input
        of its name.  Options are the fields of a node (LANGUAGE); the description is the first line
        of the docstring.
        """

        def decorate(function: Function) -> Function:
            callee = self._callee(function)
            name = id if id is not None else getattr(function, "__name__", "")
            self._drafts.append(Draft(name, options, callee.place, callee))
            return function

        return decorate if function is None else decorate(function)

    def add(
        self, function: Callable[..., Any], /, *, id: str, **options: Unpack[NodeOptions]
    ) -> str:
        """Make ``function`` a node, perhaps one of many with the same function.  Returns ``id``."""
        self._drafts.append(Draft(id, options, caller(), self._callee(function)))
        return id

    def bash(self, id: str, command: str, **options: Unpack[NodeOptions]) -> str:
        """Make a shell command a node; data reaches it through ``env`` only.  Returns ``id``."""
        self._drafts.append(Draft(id, options, caller(), written={"bash": command}))
        return id

    def script(self, id: str, source: str, **options: Unpack[NodeOptions]) -> str:
        """Make inline Python a node; it sees the keys of ``with_``.  Returns ``id``."""
        self._drafts.append(Draft(id, options, caller(), written={"script": source}))
        return id

    @property
    def functions(self) -> Mapping[str, Callable[..., Any]]:
        """The live callables, by node id."""
        return {
            draft.id: draft.callee.function for draft in self._drafts if draft.callee is not None
        }

    def build(self) -> Definition:
        """The definition, checked.  Raises ``DefinitionError`` with everything that is wrong."""
        places = CodePlaces(self._place, [draft.place for draft in self._drafts])
        report = Report(places.locate)
        at = at_workflow(report)
        fields = {"name": "", **read_options(self._options, WORKFLOW, at)}
        declared = read_inputs(self._inputs, at)
        binding = Binding(declared, (draft.id for draft in self._drafts), report)
        nodes = tuple(self._nodes(binding, report))
        definition = Definition(**fields, inputs=binding.inputs, folder=self._folder(), nodes=nodes)
        said = dict.fromkeys(report.complaints + check(definition, places.locate))
        if said:
            raise DefinitionError(sorted(said, key=lambda each: (each.file, each.line)))
        return definition

    def _nodes(self, binding: Binding, report: Report) -> Iterator[Node]:
        names = NodeNames(self.functions.items())
        for order, draft in enumerate(self._drafts):
            at = at_node(report, order, draft.id)
            fields = read_options(names.written(draft.options, at), NODE, at)
            fields["id"] = read_id(draft.id, at)
            if draft.callee is None:
                yield Node(body=read_body(draft.written, at), **fields)
                continue
            body, upstream = binding.bind(draft.callee, fields.get("with_", ()), draft.id)
            if upstream:
                explicit = fields.get("depends_on", ())
                fields["depends_on"] = tuple(dict.fromkeys((*explicit, *upstream)))
            fields.setdefault("description", draft.callee.description)
            yield Node(body=body, **fields)

    def _callee(self, function: Callable[..., Any]) -> Callee:
        key = identity(function)
        found = self._callees.get(key)
        if found is None:
            found = self._callees[key] = read_callee(function)
        return found

    def _folder(self) -> str:
        made = (draft.callee.function for draft in self._drafts if draft.callee is not None)
        return next((folder for function in made if (folder := folder_of(function))), "")
