"""Workflow files and the files that they name as bodies: read once each, with all complaints."""

from __future__ import annotations

import os
from typing import Any

import msgspec

from indelible.definition.check import check
from indelible.definition.fields import NODES, WORKFLOW
from indelible.definition.kinds import UNREADABLE
from indelible.definition.model import Body, Composite, Definition, Node, Prompt
from indelible.definition.places import Report, Spot, merged
from indelible.definition.shapes import At, UnfitError
from indelible.definition.yaml_source import LARGEST, Source, read_yaml
from indelible.errors import Complaint, DefinitionError, NotFoundError
from indelible.expressions import has_template

LONGEST_CHAIN = 20
"""Files that name each other in a row."""
MOST_NODES = 100_000
"""Nodes that one file may stand for, with those of the files it names, as often as it does."""

OF_A_RUN = {
    "timeout": "Give the nodes a `timeout`.",
    "fail_fast": "Leave it to the workflow around.",
}
"""Fields of a workflow that mean nothing, or something else, in the body of a node."""


class Files:
    """What one definition is made of.  ``complaints`` are those about all files, in order."""

    def __init__(self) -> None:
        self.complaints: list[Complaint] = []
        self._bodies: dict[str, Composite | None] = {}
        self._sizes: dict[int, int] = {}
        self._chain: list[tuple[str, str]] = []

    def load(self, file: str, text: bytes | None = None) -> Definition:
        """The definition in ``file``, or what can be read of it.

        Raises ``NotFoundError`` if there is no such file, ``DefinitionError`` if it cannot be read
        at all; what is wrong inside is added to the complaints.
        """
        key = os.path.realpath(file)
        self._chain.append((key, file))
        try:
            source, complaints = read_yaml(_content(file) if text is None else text, file)
            before = len(self.complaints)
            definition, unfit = self._read(source, file)
            own = merged(merged(complaints, unfit), check(definition, source.locate))
            self.complaints[before:before] = own
        finally:
            self._chain.pop()
        if self._size(definition.nodes) > MOST_NODES:
            message = f"with the files that it names it has more than {MOST_NODES:,} nodes"
            self.complaints.append(Complaint(message=message, file=file, hint="Use `for_each`."))
        folder, base = os.path.split(os.path.abspath(file))
        name = definition.name or os.path.splitext(base)[0]
        return msgspec.structs.replace(definition, name=name, folder=folder)

    def body(self, path: str, folder: str) -> Body:
        """The body that the file at ``path``, seen from ``folder``, is; a stand-in if it is wrong.

        Raises ``UnfitError`` if there is none, or it would contain itself.
        """
        if has_template(path):
            hint = "A definition is complete before its run begins; choose with `when`."
            raise UnfitError("takes no `${{ }}`", hint)
        file = os.path.normpath(os.path.join(folder, path))
        try:
            key = os.path.realpath(file)
        except ValueError as error:  # NUL, or what no file system can write
            raise UnfitError(f"cannot be the name of a file: {error}") from None
        self._refuse_circle(key, file)
        if key not in self._bodies:
            self._bodies[key] = self._load_body(file, folder)
        return self._bodies[key] or UNREADABLE

    def _load_body(self, file: str, folder: str) -> Composite | None:
        count = len(self.complaints)
        try:
            definition = self.load(file)
        except NotFoundError as error:
            where = os.path.abspath(folder)
            raise UnfitError(f"is wrong: {error.problem}", f"Looked for from {where}.") from None
        except DefinitionError as error:
            self.complaints += error.complaints
            return None
        if any(said.file == file for said in self.complaints[count:]):
            return None
        body = _body_of(definition, os.path.abspath(folder))
        self._sizes[id(body)] = self._size(body.nodes)
        return body

    def _size(self, nodes: tuple[Node, ...]) -> int:
        inner = [node.body for node in nodes if isinstance(node.body, Composite)]
        known = (self._sizes.get(id(body)) or self._size(body.nodes) for body in inner)
        return len(nodes) + sum(known)

    def _refuse_circle(self, key: str, file: str) -> None:
        keys = [each for each, _ in self._chain]
        if key in keys:
            names = [name for _, name in self._chain[keys.index(key) :]]
            chain = " -> ".join([*names, file])
            raise UnfitError(f"makes a cycle: {chain}", "To do it again, use `loop` or `for_each`.")
        if len(keys) >= LONGEST_CHAIN:
            raise UnfitError(f"is file number {LONGEST_CHAIN + 1} in a row", "Flatten it.")

    def _read(self, source: Source, file: str) -> tuple[Definition, list[Complaint]]:
        report = Report(source.locate)
        opener = FileOpener(self, os.path.dirname(file), is_body=len(self._chain) > 1)
        at = At(Spot(report), source.locate_key, opener)
        definition = Definition(name="")
        try:
            definition = WORKFLOW.read(source.data, at)
        except UnfitError:
            problem = "is not a workflow: the file must hold a mapping"
            at.complain(problem, "It needs at least `nodes:`.")
        if opener.is_body and isinstance(source.data, dict):
            _refuse_fields_of_runs(source.data, at)
        return definition, report.complaints


class FileOpener(msgspec.Struct, frozen=True):
    """The ``Opener`` of what stands in ``folder``."""

    files: Files
    folder: str
    is_body: bool = False

    def nodes(self, value: object, at: At) -> tuple[Node, ...]:
        found: tuple[Node, ...] = NODES.read(value, at)
        return found

    def workflow(self, path: str, at: At) -> Body:
        return self.files.body(path, self.folder)


def _refuse_fields_of_runs(data: dict[str, Any], at: At) -> None:
    for key, hint in OF_A_RUN.items():
        if data.get(key, False) is not False:
            at.complain_of_key(key, f"`{key}` makes no sense in the body of a node", hint)


def _body_of(definition: Definition, folder: str) -> Composite:
    nodes = definition.nodes
    if definition.agent:
        nodes = tuple(_with_agent(node, definition.agent) for node in nodes)
    return Composite(
        nodes=nodes,
        is_isolated=True,
        inputs=definition.inputs,
        env=definition.env,
        outputs=definition.outputs,
        folder=definition.folder if definition.folder != folder else "",
        max_parallel=definition.max_parallel,
    )


def _with_agent(node: Node, command: tuple[str, ...]) -> Node:
    """``node`` with the agent of its file, where it and what is inside it has none."""
    body: Body = node.body
    match body:
        case Prompt(command=()):
            body = msgspec.structs.replace(body, command=command)
        case Composite(nodes=nodes):
            inner = tuple(_with_agent(each, command) for each in nodes)
            body = msgspec.structs.replace(body, nodes=inner)
    return node if body is node.body else msgspec.structs.replace(node, body=body)


def _content(file: str) -> bytes:
    try:
        with open(file, "rb") as stream:
            return stream.read(LARGEST + 1)  # enough to see that it is too large
    except FileNotFoundError:
        raise NotFoundError(f"{file}: there is no such file") from None
    except IsADirectoryError:
        raise NotFoundError(f"{file} is a folder, not a workflow file") from None
    except (OSError, ValueError) as error:
        said = Complaint(message=f"the file cannot be read: {error}", file=file)
        raise DefinitionError([said]) from None
