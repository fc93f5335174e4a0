"""From what was added to a workflow in Python to the nodes of the model, graphs inside and all."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from indelible.definition.fields import KEYS, join_each, kinds_for
from indelible.definition.kinds import KINDS, UNREADABLE, NodeKind, read_body
from indelible.definition.model import Body, Node
from indelible.definition.options import (
    NODE,
    CodePlaces,
    NodeOptions,
    as_json,
    at_node,
    read_id,
    read_options,
)
from indelible.definition.parameters import Binding, Names, NodeNames
from indelible.definition.places import Place
from indelible.definition.shapes import At
from indelible.definition.signatures import Callee
from indelible.definition.wording import did_you_mean, shortened
from indelible.errors import Complaint, ValueNotJsonError


class Graph(Protocol):
    """A workflow in the making, as far as its nodes are concerned."""

    place: Place
    drafts: list[Draft]


class Draft(msgspec.Struct, frozen=True):
    """A node as it was added: a function, or the keys that say what it does (``bash: …``).

    ``inner`` is what a composite is made of.
    """

    id: str
    options: NodeOptions
    place: Place
    callee: Callee | None = None
    written: Mapping[str, object] = {}
    inner: Graph | None = None


class Assembly:
    """Makes the nodes of one workflow.  ``complaints`` are those about files that it names."""

    def __init__(self) -> None:
        self._files: Any = None

    @property
    def complaints(self) -> list[Complaint]:
        return [] if self._files is None else list(self._files.complaints)

    @property
    def files(self) -> Any:
        """The ``Files`` of this workflow.  Reading YAML is only for those who name a file."""
        if self._files is None:
            from indelible.definition.files import Files

            self._files = Files()
        return self._files

    def nodes(
        self, drafts: Sequence[Draft], binding: Binding, at: At, around: Names = frozenset()
    ) -> Iterator[Node]:
        """The nodes of one graph; ``around`` are `item`, `index`, `previous` where they exist."""
        named = NodeNames((each.id, each.callee.function) for each in drafts if each.callee)
        for order, draft in enumerate(drafts):
            names = _names_at(draft.options, around)
            inside = _Inside(self, draft, binding, names)
            spot = at_node(at, order, draft.id, inside)
            fields = read_options(named.written(draft.options, spot), NODE, spot)
            fields["id"] = read_id(draft.id, spot)
            join_each(fields, draft.options, spot)
            if draft.callee is None:
                body: Body = _read_written(draft.written, spot)
                upstream = inside.upstream
            else:
                written = fields.get("with_", ())
                body, upstream = binding.bind(draft.callee, written, draft.id, names)
                fields.setdefault("description", draft.callee.description)
            if upstream:
                explicit = fields.get("depends_on", ())
                fields["depends_on"] = tuple(dict.fromkeys((*explicit, *upstream)))
            yield Node(body=body, **fields)


class _Inside:
    """The ``Opener`` of one node: the graph in it, or the file that it names."""

    def __init__(self, assembly: Assembly, draft: Draft, binding: Binding, names: Names) -> None:
        self._assembly = assembly
        self._draft = draft
        self._binding = binding
        self._names = names
        self.upstream: tuple[str, ...] = ()

    def nodes(self, value: object, at: At) -> tuple[Node, ...]:
        drafts = self._draft.inner.drafts if self._draft.inner is not None else []
        binding = self._binding.inside(draft.id for draft in drafts)
        # A value is at a path of its own, its node at the one above.
        above = At(msgspec.structs.replace(at.spot, path=at.spot.path[:-1]), at.locate_key)
        found = tuple(self._assembly.nodes(drafts, binding, above, self._names))
        self.upstream = tuple(name for name in binding.taken if name in self._binding.ids)
        further = (name for name in binding.taken if name not in self._binding.ids)
        self._binding.taken.update(dict.fromkeys(further))
        return found

    def workflow(self, path: str, at: At) -> Body:
        folder = os.path.dirname(self._draft.place.file)
        body: Body = self._assembly.files.body(path, folder)
        return body


def functions_of(drafts: Sequence[Draft], prefix: str = "") -> dict[str, Callable[..., Any]]:
    """The live callables, by the path of their nodes: ``clean``, ``deploy/build``."""
    found: dict[str, Callable[..., Any]] = {}
    for draft in drafts:
        if draft.callee is not None:
            found[prefix + draft.id] = draft.callee.function
        elif draft.inner is not None:
            found |= functions_of(draft.inner.drafts, f"{prefix}{draft.id}/")
    return found


def places_of(graph: Graph) -> CodePlaces:
    """Where everything in the graph was written."""
    inside = {
        order: places_of(draft.inner)
        for order, draft in enumerate(graph.drafts)
        if draft.inner is not None
    }
    return CodePlaces(graph.place, [draft.place for draft in graph.drafts], inside)


def contains(graph: Graph, wanted: Graph) -> bool:
    """Whether ``wanted`` is ``graph`` or in it, however deep."""
    inner = (draft.inner for draft in graph.drafts if draft.inner is not None)
    return graph is wanted or any(contains(each, wanted) for each in inner)


def _read_written(written: Mapping[str, object], at: At) -> Body:
    """The body that keys of a workflow file give; of a kind of another package, in Python's types.

    What is wrong is complained about and has a stand-in.
    """
    kinds = kinds_for(written)
    plain = dict(written)
    for key, value in written.items():
        if key not in KEYS:
            if key not in kinds:
                at.spot.complain(
                    f"there is no kind of node {shortened(key)}", hint=_known(key, kinds)
                )
                return UNREADABLE
            try:
                plain[key] = as_json(value)
            except ValueNotJsonError as error:
                at.complain_of_key(key, f"`{key}`: {error.problem}")
                return UNREADABLE
    return read_body(plain, at, kinds)


def _known(name: str, kinds: Mapping[str, NodeKind]) -> str:
    return did_you_mean(name, [each for each in kinds if each not in KINDS], what="Installed are")


def _names_at(options: NodeOptions, around: Names) -> Names:
    if not options:
        return around
    own: list[str] = []
    if options.get("for_each") is not None:
        own += ("item", "index")
    if options.get("loop") is not None:
        own += ("previous", "index")
    return around.union(own) if own else around
