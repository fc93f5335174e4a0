"""What expressions refer to: does it exist, and may it be used there?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial

import msgspec

from indelible.definition.graph import missing_ancestors
from indelible.definition.levels import Level
from indelible.definition.model import Definition
from indelible.definition.texts import Text, texts_of_nodes, texts_of_workflow
from indelible.definition.wording import did_you_mean, listed, shortened
from indelible.expressions import Reference

ELSEWHERE: Mapping[str, tuple[str, str]] = {
    "item": (
        "`item` exists only inside a for_each",
        "Use it in the body, env and with of a node with `for_each`, and in the nodes inside.",
    ),
    "index": (
        "`index` exists only inside a for_each or a loop",
        "Use it in the body, env and with of a node with `for_each` or `loop`, and inside.",
    ),
    "previous": (
        "`previous` exists only inside a loop",
        "Use it in the body, env and with of a node with `loop`, and in the nodes inside.",
    ),
    "output": ("`output` exists only in `until`", "Of a node it is nodes.ID.output."),
    "secrets": (
        "`secrets` cannot be used here",
        "They are for `env`, `with` and prompts: never where a decision is taken or shown.",
    ),
}
"""Roots that exist in some places only, and what is said of them in the others."""

OF_A_RUN = ("id",)
OF_A_NODE = ("output", "status")

Verdict = tuple[str, str] | None
"""A problem and a hint, or nothing to complain about."""

Rows = Mapping[str, Callable[[Text, Reference], Verdict]]
"""For each root how a reference that begins with it is judged."""


class Use(msgspec.Struct, frozen=True):
    """One reference in one text."""

    text: Text
    reference: Reference

    def complain(self, message: str, hint: str) -> None:
        self.text.spot.complain(message, hint=hint, offset=self.reference.column - 1)


Wanted = dict[int, dict[int, list[Use]]]
"""Of one graph: which node, or something inside it, uses which other node, and where."""


def check_references(definition: Definition, levels: Iterable[Level]) -> None:
    """Complain about expressions that do not parse, and of what they name but may not use."""
    rows: Rows = {
        "inputs": partial(_of_inputs, definition),
        "nodes": _of_nodes,
        "run": _of_run,
        "secrets": _of_secrets,
    }
    wanted: dict[Level, Wanted] = {level: {} for level in levels}
    for level in wanted:
        if level.outer is None:
            for text in texts_of_workflow(definition, level):
                _judge_text(text, rows, wanted)
        for text in texts_of_nodes(level):
            _judge_text(text, rows, wanted)
    for level, uses in wanted.items():
        arrows = level.dependencies
        for number, other in missing_ancestors(arrows.upstream, arrows.order, uses):
            for use in uses[number][other]:
                use.complain(*_not_upstream(level, number, other, use))


def _judge_text(text: Text, rows: Rows, wanted: Mapping[Level, Wanted]) -> None:
    for reference in text.references:
        if verdict := _judge(text, reference, rows):
            Use(text, reference).complain(*verdict)
        elif reference.root == "nodes" and text.number >= 0:
            level, number, other = _found(text, reference.path[1])
            uses = wanted[level].setdefault(number, {}).setdefault(other, [])
            uses.append(Use(text, reference))


def _judge(text: Text, reference: Reference, rows: Rows) -> Verdict:
    root = reference.root
    if root in ELSEWHERE and root not in text.roots:
        return ELSEWHERE[root]
    return rows[root](text, reference) if root in rows else None


def _found(text: Text, name: str) -> tuple[Level, int, int]:
    """The graph that has the node ``name``, nearest first; who in it uses it; which one it is.

    ``KeyError`` if there is none.
    """
    level, number = text.level, text.number
    while name not in level.dependencies.position:
        if level.outer is None:
            raise KeyError(name)
        level, number = level.outer, level.composite
    return level, number, level.dependencies.position[name]


def _not_upstream(level: Level, number: int, other: int, use: Use) -> tuple[str, str]:
    name, around = level.nodes[other].id, level.nodes[number].id
    is_inside = use.text.level is not level
    if number == other and is_inside:
        problem = f"refers to node {shortened(name)}, which it is inside of"
        return problem, "A node has no output while something inside it runs."
    if number == other:
        return "refers to itself", "A node has no output while it runs."
    problem = f"refers to node {shortened(name)}, which is not upstream of "
    if is_inside:
        return f"{problem}{shortened(around)} around it", f"Add {name} to the `depends_on` there."
    return f"{problem}it", f"Add {name} to its `depends_on`."


def _of_inputs(definition: Definition, text: Text, reference: Reference) -> Verdict:
    name = reference.path[1] if len(reference.path) > 1 else None
    if name is None or name in definition.inputs:
        return None
    hint = did_you_mean(name, definition.inputs, what="Declared inputs")
    return (f"input {shortened(name)} is not declared", hint)


def _of_nodes(text: Text, reference: Reference) -> Verdict:
    path = reference.path
    if text.number < 0 and text.spot.path[0] == "env":
        hint = "Put it into the `env` of the nodes that need it."
        return ("`nodes` cannot be used in the env of the whole workflow", hint)
    if len(path) == 1:
        return ("`nodes` needs the id of a node, written out", "Such as nodes.fetch.output.")
    try:
        _found(text, path[1])
    except KeyError:
        known = filter(None, text.level.dependencies.position)
        hint = did_you_mean(path[1], known, what="Known nodes")
        return (f"refers to node {shortened(path[1])}, which does not exist", hint)
    if len(path) == 2 or path[2] not in OF_A_NODE:
        said = f"has no {shortened(path[2])}" if len(path) > 2 else "is not a value by itself"
        hint = f"It has {listed(OF_A_NODE)}: nodes.{path[1]}.output."
        return (f"node {shortened(path[1])} {said}", hint)
    return None


def _of_run(text: Text, reference: Reference) -> Verdict:
    if len(reference.path) == 2 and reference.path[1] in OF_A_RUN:
        return None
    return (f"`{'.'.join(reference.path)}` has no value", "Of a run there is run.id.")


def _of_secrets(text: Text, reference: Reference) -> Verdict:
    if len(reference.path) == 2:
        return None
    return (f"`{'.'.join(reference.path)}` has no value", "A secret is secrets.NAME.")
