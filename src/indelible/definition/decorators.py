"""The Python front door: functions, commands and scripts become nodes of one definition.

A decorated function stays what it was.  Nothing is judged before ``build``, which then says
everything that is wrong, with the file and line of each node.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NoReturn, TypeVar, Unpack, overload

import msgspec

from indelible.definition import model
from indelible.definition.assembly import Assembly, Draft, contains, functions_of, places_of
from indelible.definition.callables import folder_of, identity
from indelible.definition.check import check
from indelible.definition.declarations import Input, Loop, Retry, caller
from indelible.definition.model import Definition
from indelible.definition.options import (
    WORKFLOW,
    Duration,
    NodeOptions,
    at_workflow,
    read_inputs,
    read_options,
)
from indelible.definition.parameters import Binding
from indelible.definition.places import Place, Report
from indelible.definition.signatures import Callee, read_callee
from indelible.definition.wording import listed
from indelible.errors import Complaint, DefinitionError, UsageError
from indelible.values import Json

__all__ = ["Input", "Loop", "Retry", "WorkflowBuilder"]

Function = TypeVar("Function", bound=Callable[..., Any])


_OF_A_BODY = ("name", "description")


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
        agent: Sequence[str] | None = None,
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
            "agent": agent,
        }
        self.place = caller()
        self.drafts: list[Draft] = []
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
            self.drafts.append(Draft(name, options, callee.place, callee))
            return function

        return decorate if function is None else decorate(function)

    def add(
        self, function: Callable[..., Any], /, *, id: str, **options: Unpack[NodeOptions]
    ) -> str:
        """Make ``function`` a node, perhaps one of many with the same function.  Returns ``id``."""
        self.drafts.append(Draft(id, options, caller(), self._callee(function)))
        return id

    def bash(self, id: str, command: str, **options: Unpack[NodeOptions]) -> str:
        """Make a shell command a node; data reaches it through ``env`` only.  Returns ``id``."""
        return self._write(id, options, bash=command)

    def script(self, id: str, source: str, **options: Unpack[NodeOptions]) -> str:
        """Make inline Python a node; it sees the keys of ``with_``.  Returns ``id``."""
        return self._write(id, options, script=source)

    def prompt(
        self,
        id: str,
        text: str,
        *,
        command: Sequence[str] | None = None,
        **options: Unpack[NodeOptions],
    ) -> str:
        """Make a text for an agent, a template, a node; ``command`` answers.  Returns ``id``."""
        agent = {} if command is None else {"agent": {"command": list(command)}}
        return self._write(id, options, prompt=text, **agent)

    def approval(
        self,
        id: str,
        message: str,
        *,
        choices: Sequence[str | Mapping[str, object]] | None = None,
        answer_schema: Mapping[str, Json] | None = None,
        **options: Unpack[NodeOptions],
    ) -> str:
        """Make a question a node; choices are ids or ``{id, fails}``.  Returns ``id``."""
        asked: dict[str, object] = {"message": message}
        if choices is not None:
            asked["choices"] = [dict(it) if isinstance(it, Mapping) else it for it in choices]
        if answer_schema is not None:
            asked["answer_schema"] = dict(answer_schema)
        return self._write(id, options, approval=asked)

    def wait(
        self,
        id: str,
        duration: Duration | None = None,
        *,
        until: str | datetime | None = None,
        **options: Unpack[NodeOptions],
    ) -> str:
        """Make a durable timer a node: a duration, or a moment.  Returns ``id``."""
        moment = until.isoformat() if isinstance(until, datetime) else until
        if (duration is None) == (moment is None):
            raise UsageError(f"wait {id} needs a duration or `until`, and not both")
        length = duration.total_seconds() if isinstance(duration, timedelta) else duration
        return self._write(id, options, wait=length if moment is None else {"until": moment})

    def plugged(
        self,
        id: str,
        kind: str,
        fields: Mapping[str, Json] | msgspec.Struct,
        **options: Unpack[NodeOptions],
    ) -> str:
        """Make a node of a kind that an installed package adds.  Returns ``id``.

        ``fields`` are those of ``kind``: as in a workflow file, or the kind's own struct.
        """
        return self._write(id, options, **{kind: fields})

    def composite(
        self,
        id: str,
        body: WorkflowBuilder,
        *,
        returns: str | None = None,
        **options: Unpack[NodeOptions],
    ) -> str:
        """Make the nodes of ``body`` one node, with the output of ``returns``.  Returns ``id``.

        Its functions may take outputs of nodes around it; it depends on them then.  Raises
        ``DefinitionError`` for a body that contains this workflow.
        """
        place = caller()
        if contains(body, self):
            _refuse(place, id, "contains itself", "To do it again, use loop= or for_each=.")
        if given := body.settings():
            message = f"its body has {listed(given)}, which only a whole workflow can have"
            _refuse(place, id, message, "Give them to the workflow around, or to the nodes.")
        written = {"nodes": body} if returns is None else {"nodes": body, "returns": returns}
        self.drafts.append(Draft(id, options, place, written=written, inner=body))
        return id

    def subworkflow(self, id: str, path: str, **options: Unpack[NodeOptions]) -> str:
        """Make the workflow file at ``path`` a node; ``with_`` gives its inputs.  Returns ``id``.

        The path is relative to the file of the code that says so.
        """
        return self._write(id, options, workflow=path)

    @property
    def functions(self) -> Mapping[str, Callable[..., Any]]:
        """The live callables, by the written path of their node: ``clean``, ``deploy/build``."""
        return functions_of(self.drafts)

    def build(self) -> Definition:
        """The definition, checked.  Raises ``DefinitionError`` with everything that is wrong."""
        places = places_of(self)
        report = Report(places.locate)
        at = at_workflow(report)
        fields = {"name": "", **read_options(self._options, WORKFLOW, at)}
        binding = Binding(read_inputs(self._inputs, at), (each.id for each in self.drafts), report)
        assembly = Assembly()
        nodes = tuple(assembly.nodes(self.drafts, binding, at))
        definition = Definition(**fields, inputs=binding.inputs, folder=self._folder(), nodes=nodes)
        said = dict.fromkeys(report.complaints + check(definition, places.locate))
        said.update(dict.fromkeys(assembly.complaints))
        if said:
            raise DefinitionError(sorted(said, key=lambda each: (each.file, each.line)))
        return definition

    def settings(self) -> list[str]:
        """The options that this workflow was given and that the body of a composite cannot have."""
        given = {**self._options, "inputs": self._inputs}
        return [name for name, value in given.items() if value and name not in _OF_A_BODY]

    def _write(self, id: str, options: NodeOptions, **written: object) -> str:
        self.drafts.append(Draft(id, options, caller(), written=written))
        return id

    def _callee(self, function: Callable[..., Any]) -> Callee:
        key = identity(function)
        found = self._callees.get(key)
        if found is None:
            found = self._callees[key] = read_callee(function)
        return found

    def _folder(self) -> str:
        made = self.functions.values()
        return next((folder for function in made if (folder := folder_of(function))), "")


def _refuse(place: Place, node: str, message: str, hint: str) -> NoReturn:
    said = Complaint(message=message, file=place.file, line=place.line, node=node, hint=hint)
    raise DefinitionError([said])
