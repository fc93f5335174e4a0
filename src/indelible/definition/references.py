"""What expressions refer to: does it exist, and may it be used there?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial

import msgspec

from indelible.definition.dependencies import Dependencies
from indelible.definition.graph import missing_ancestors
from indelible.definition.model import Definition, Node
from indelible.definition.places import Spot
from indelible.definition.wording import did_you_mean, listed, shortened
from indelible.errors import ExpressionError
from indelible.expressions import (
    Expression,
    Reference,
    Template,
    has_template,
    parse_expression,
    parse_template,
)
from indelible.values import MAX_DEPTH

NOT_YET: Mapping[str, str] = {
    "item": "It belongs to for_each, which is to come as well.",
    "index": "It belongs to for_each and loop, which are to come as well.",
    "previous": "It belongs to loop, which is to come as well.",
    "output": "It belongs to loop; of a node it is nodes.ID.output.",
    "secrets": "Nodes inherit the environment of the process that drives the run.",
}
"""Roots that the language has and this version has not, with a hint."""

OF_A_RUN = ("id",)
OF_A_NODE = ("output", "status")

Verdict = tuple[str, str] | None
"""A problem and a hint, or nothing to complain about."""

Rows = Mapping[str, Callable[[Reference], Verdict]]
"""For each root how a reference that begins with it is judged."""


class Text(msgspec.Struct, frozen=True):
    """An expression or template and what it refers to; ``number`` is its node's, -1 outside."""

    spot: Spot
    number: int
    references: tuple[Reference, ...]


class Use(msgspec.Struct, frozen=True):
    """One reference in one text."""

    text: Text
    reference: Reference

    def complain(self, message: str, hint: str) -> None:
        self.text.spot.complain(message, hint=hint, offset=self.reference.column - 1)


def check_references(definition: Definition, dependencies: Dependencies, spot: Spot) -> None:
    """Complain about expressions that do not parse, and of what they name but may not use."""
    rows: Rows = {
        "inputs": partial(_of_inputs, definition),
        "nodes": partial(_of_nodes, dependencies),
        "run": _of_run,
    }
    wanted: dict[int, dict[int, Use]] = {}
    for text in _texts(definition, spot):
        for reference in text.references:
            use = Use(text, reference)
            if verdict := _judge(use, rows):
                use.complain(*verdict)
            elif reference.root == "nodes" and text.number >= 0:
                other = dependencies.position[reference.path[1]]
                wanted.setdefault(text.number, {}).setdefault(other, use)
    for number, other in missing_ancestors(dependencies.upstream, dependencies.order, wanted):
        name = dependencies.nodes[other].id
        message, hint = "refers to itself", "A node has no output while it runs."
        if number != other:
            message = f"refers to node {shortened(name)}, which is not upstream of it"
            hint = f"Add {name} to its `depends_on`."
        wanted[number][other].complain(message, hint)


def _judge(use: Use, rows: Rows) -> Verdict:
    root = use.reference.root
    if root in NOT_YET:
        return (f"`{root}` is not supported by this version", NOT_YET[root])
    if root not in rows:
        return (f"there is no {shortened(root)}", did_you_mean(root, rows, what="There are"))
    if root == "nodes" and use.text.spot.path[0] == "env":
        hint = "Put it into the `env` of the nodes that need it."
        return ("`nodes` cannot be used in the env of the whole workflow", hint)
    return rows[root](use.reference)


def _of_inputs(definition: Definition, reference: Reference) -> Verdict:
    name = reference.path[1] if len(reference.path) > 1 else None
    if name is None or name in definition.inputs:
        return None
    hint = did_you_mean(name, definition.inputs, what="Declared inputs")
    return (f"input {shortened(name)} is not declared", hint)


def _of_nodes(dependencies: Dependencies, reference: Reference) -> Verdict:
    path = reference.path
    if len(path) == 1:
        return ("`nodes` needs the id of a node, written out", "Such as nodes.fetch.output.")
    if path[1] not in dependencies.position:
        hint = did_you_mean(path[1], filter(None, dependencies.position), what="Known nodes")
        return (f"refers to node {shortened(path[1])}, which does not exist", hint)
    if len(path) == 2 or path[2] not in OF_A_NODE:
        said = f"has no {shortened(path[2])}" if len(path) > 2 else "is not a value by itself"
        hint = f"It has {listed(OF_A_NODE)}: nodes.{path[1]}.output."
        return (f"node {shortened(path[1])} {said}", hint)
    return None


def _of_run(reference: Reference) -> Verdict:
    if len(reference.path) == 2 and reference.path[1] in OF_A_RUN:
        return None
    return (f"`{'.'.join(reference.path)}` has no value", "Of a run there is run.id.")


def _texts(definition: Definition, whole: Spot) -> Iterator[Text]:
    yield from _templates(definition.env, whole.below("env"))
    yield from _templates(definition.outputs, whole.below("outputs"))
    for number, node in enumerate(definition.nodes):
        if node.when is not None or node.env or node.with_:
            yield from _texts_of(node, number, Spot(whole.report, ("nodes", number), node.id))


def _texts_of(node: Node, number: int, spot: Spot) -> Iterator[Text]:
    if node.when is not None:
        at = spot.below("when")
        yield Text(at, number, _parsed(parse_expression, node.when, at))
    yield from _templates(node.env, spot.below("env"), number)
    yield from _templates(node.with_, spot.below("with"), number)


def _templates(value: object, spot: Spot, number: int = -1) -> Iterator[Text]:
    if isinstance(value, str):
        if has_template(value):
            yield Text(spot, number, _parsed(parse_template, value, spot))
    elif len(spot.path) > MAX_DEPTH:
        return  # too deep for JSON, which has been said
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield from _templates(each, spot.below(key), number)
    elif isinstance(value, list | tuple):
        for place, each in enumerate(value):
            yield from _templates(each, spot.below(place), number)


def _parsed(
    parse: Callable[[str], Expression | Template], text: str, spot: Spot
) -> tuple[Reference, ...]:
    try:
        return parse(text).references
    except ExpressionError as error:
        spot.complain(error.problem, hint=error.hint, offset=max(error.column - 1, 0))
        return ()
