"""Where expressions stand in a definition, and which names exist in each place."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from keyword import kwlist

import msgspec

from indelible.definition.levels import Level, has_items, has_iterations
from indelible.definition.model import Approval, Composite, Definition, Node, Plugged, Prompt, Wait
from indelible.definition.places import Spot
from indelible.errors import ExpressionError
from indelible.expressions import (
    ROOTS,
    Expression,
    Reference,
    Template,
    parse_expression,
    parse_template,
)
from indelible.values import MAX_DEPTH, Json

Roots = frozenset[str]
"""The names that exist beside `inputs`, `nodes` and `run`."""

OF_A_WORKFLOW: Roots = frozenset()
WITH_SECRETS: Roots = frozenset({"secrets"})

_NO_NAMES = frozenset({*kwlist, "true", "false", "null"})
_NAMES = r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)+"
_LITERAL = r"(?:0|[1-9][0-9]{0,14}|'[A-Za-z0-9_ -]*'|true|false|null)"
_COMPARED = re.compile(rf"({_NAMES})(?: (?:==|!=|<=|>=|<|>) {_LITERAL})?", re.ASCII)
_TEMPLATE = re.compile(rf"\$\{{\{{ ?{_COMPARED.pattern} ?\}}\}}", re.ASCII)


class Text(msgspec.Struct, frozen=True):
    """An expression or template: where it stands, what it refers to, which roots it may use.

    ``number`` is its node's in the graph ``level``, -1 outside of nodes.
    """

    spot: Spot
    level: Level
    number: int
    references: tuple[Reference, ...]
    roots: Roots


Parse = Callable[[str], Expression | Template]


def texts_of_workflow(definition: Definition, level: Level) -> Iterator[Text]:
    """Those that belong to no node."""
    yield from _templates(definition.env, level.spot.below("env"), level, -1, WITH_SECRETS)
    yield from _templates(definition.outputs, level.spot.below("outputs"), level, -1, OF_A_WORKFLOW)


def texts_of_nodes(level: Level) -> Iterator[Text]:
    """Those of all nodes of one graph."""
    for number, node in enumerate(level.nodes):
        if node.when is not None or node.for_each is not None or node.loop is not None:
            yield from _conditions(node, number, level)
        if node.env or node.with_:
            yield from _values(node, number, level)
        if type(node.body) in _IN_BODIES:
            path, text = _IN_BODIES[type(node.body)](node.body)
            roots = _roots(node, level, secrets=isinstance(node.body, Prompt | Plugged))
            yield from _templates(text, level.spot_of(number).below(*path), level, number, roots)


def _conditions(node: Node, number: int, level: Level) -> Iterator[Text]:
    """What is asked of the node as a whole, before or between its instances."""
    roots, spot = _roots_of(level.has_items, level.has_iterations, False), level.spot_of(number)
    asked: list[tuple[str | None, Spot, Roots]] = [(node.when, spot.below("when"), roots)]
    if node.for_each is not None:
        asked.append((node.for_each.items, spot.below("for_each", "items"), roots))
    if node.loop is not None:
        asked.append((node.loop.until, spot.below("loop", "until"), roots | {"output"}))
    for text, at, known in asked:
        if text is not None:
            yield Text(at, level, number, _references(parse_expression, text, at), known)


def _values(node: Node, number: int, level: Level) -> Iterator[Text]:
    spot = level.spot_of(number)
    # The inputs of another file can be asked in its conditions; what is secret must not get there.
    is_handed_on = isinstance(node.body, Composite)
    secret, known = _roots(node, level, secrets=True), _roots(node, level, secrets=not is_handed_on)
    yield from _templates(node.env, spot.below("env"), level, number, secret)
    yield from _templates(node.with_, spot.below("with"), level, number, known)


def _roots(node: Node, level: Level, *, secrets: bool) -> Roots:
    return _roots_of(has_items(node, level), has_iterations(node, level), secrets)


@lru_cache
def _roots_of(is_mapped: bool, is_looped: bool, secrets: bool) -> Roots:
    names = {
        "item": is_mapped,
        "index": is_mapped or is_looped,
        "previous": is_looped,
        "secrets": secrets,
    }
    return frozenset(name for name, exists in names.items() if exists)


def _prompt(body: Prompt) -> tuple[tuple[str, ...], str]:
    return ("prompt",), body.text


def _approval(body: Approval) -> tuple[tuple[str, ...], str]:
    return ("approval", "message"), body.message


def _wait(body: Wait) -> tuple[tuple[str, ...], str]:
    return ("wait", "until"), body.until or ""


def _plugged(body: Plugged) -> tuple[tuple[str, ...], Json]:
    return (body.name,), dict(body.filled)


_IN_BODIES: Mapping[type, Callable[..., tuple[tuple[str, ...], Json]]] = {
    Prompt: _prompt,
    Approval: _approval,
    Wait: _wait,
    Plugged: _plugged,
}
"""The templates in a body, and where they stand in the node."""


def _templates(
    value: object, spot: Spot, level: Level, number: int, roots: Roots
) -> Iterator[Text]:
    if isinstance(value, str):
        if "${{" in value:
            found = _references(parse_template, value, spot)
            yield Text(spot, level, number, found, roots)
    elif len(spot.path) > MAX_DEPTH:
        return  # too deep for JSON, which has been said
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield from _templates(each, spot.below(key), level, number, roots)
    elif isinstance(value, list | tuple):
        for place, each in enumerate(value):
            yield from _templates(each, spot.below(place), level, number, roots)


def _references(parse: Parse, text: str, spot: Spot) -> tuple[Reference, ...]:
    plain = _plain(parse, text)
    if plain is not None:
        return (plain,)
    try:
        return parse(text).references
    except ExpressionError as error:
        spot.complain(error.problem, hint=error.hint, offset=max(error.column - 1, 0))
        return ()


def _plain(parse: Parse, text: str) -> Reference | None:
    """What the parser would say of a name with dots, perhaps held against a literal.

    Most expressions are that, and parsing takes ten times as long.
    """
    pattern = _TEMPLATE if parse is parse_template else _COMPARED
    match = pattern.fullmatch(text)
    if match is None:
        return None
    path = tuple(match[1].split("."))
    if path[0] not in ROOTS or not _NO_NAMES.isdisjoint(path):
        return None
    return Reference(path, match.start(1) + 1)
