"""Kinds of nodes that other packages add, through entry points in the group ``indelible.nodes``.

Loaded only for a workflow with a node of such a kind: to look at what is installed takes longer
than all the rest of reading a workflow.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Protocol, runtime_checkable

import msgspec

from indelible.definition.kinds import KINDS, NodeKind, plugged_kind
from indelible.definition.model import Plugged
from indelible.definition.places import Report, Spot, nowhere
from indelible.definition.plugged_fields import (
    check_whole,
    is_templated,
    mentions_template,
    shape_of,
)
from indelible.definition.shapes import ANYTHING, At, Shape, UnfitError
from indelible.definition.wording import listed
from indelible.errors import DefinitionError, ValueNotJsonError
from indelible.values import encode

GROUP = "indelible.nodes"


@runtime_checkable
class PluggedKind(Protocol):
    """What a definition needs to know of a kind: an ``indelible.NodeKind``."""

    @property
    def name(self) -> str: ...
    @property
    def description(self) -> str: ...
    @property
    def fields(self) -> type[msgspec.Struct]: ...
    @property
    def templates(self) -> tuple[str, ...]: ...
    @property
    def run(self) -> Callable[..., object]: ...


def installed_kinds(own: frozenset[str]) -> Mapping[str, NodeKind]:
    """A row for each name that an installed package adds, without loading any of them.

    ``own`` are the keys of nodes that Indelible has itself.  A package that adds one of those has
    no row for it, and none can be read as long as it is installed.
    """

    def row(name: str) -> NodeKind:
        def read(value: object, at: At) -> Plugged:
            _refuse_shadows(own)
            return read_plugged(name, value, at)

        return plugged_kind(name, Shape(read, {}))

    return {name: row(name) for name in sorted(_entries().keys() - own)}


def kinds_for_schema(own: frozenset[str]) -> Mapping[str, NodeKind]:
    """The same, loaded, for their JSON Schema; one that does not load allows anything."""
    return {name: _described(name) for name in sorted(_entries().keys() - own)}


def load_kind(name: str) -> PluggedKind:
    """The kind that an installed package adds under ``name``.

    Raises ``UnfitError`` if there is none or more than one, or if it cannot be loaded.
    """
    entries = _entries()
    found = entries.get(name, ())
    if not found:
        hint = f"Installed are: {listed(entries)}."
        raise UnfitError("is no kind of node that is installed", hint)
    if len(found) > 1:
        packages = " and ".join(_package(each) for each in found)
        raise UnfitError(f"is a kind of node in two packages: {packages}", "Uninstall one of them.")
    return _loaded(found[0])


def check_installed(nodes: Iterable[tuple[str, Plugged]]) -> None:
    """Check, before they run, nodes that come from a log: their kinds are there and read them.

    ``nodes`` are given with their paths.  Raises ``DefinitionError`` with all complaints.
    """
    report = Report()
    for path, body in nodes:
        at = At(Spot(report, (body.name,), path), nowhere)
        try:
            read_plugged(body.name, body.fields, at)
        except UnfitError as error:
            install = f"Install it: pip install {body.package}" if body.package else ""
            is_missing = body.name not in _entries()
            at.complain(error.problem, install if is_missing and install else error.hint)
    if report.complaints:
        raise DefinitionError(report.complaints)


def read_plugged(name: str, value: Any, at: At) -> Plugged:
    """The body that the fields ``value`` of the kind ``name`` make, once complained about.

    Raises ``UnfitError`` if the kind cannot be had, or they are wrong as a whole.
    """
    kind = load_kind(name)
    before = len(at.spot.report.complaints)
    shape_of(kind.fields, tuple(kind.templates)).read(value, at)
    if len(at.spot.report.complaints) == before:
        _refuse_odd(value)
        if not is_templated(value):
            check_whole(kind.fields, value)
    return Plugged(
        name=name,
        fields=value,
        templates=tuple(each for each in kind.templates if mentions_template(value.get(each))),
        package=_distribution(_entries()[name][0])[0],
    )


def _refuse_odd(value: object) -> None:
    try:
        encode(value)
    except ValueNotJsonError as error:
        raise UnfitError(f"cannot be kept: {error.problem}", error.hint) from None


def _described(name: str) -> NodeKind:
    try:
        kind = load_kind(name)
    except UnfitError:
        return plugged_kind(name, ANYTHING, "A kind of node that cannot be loaded.")
    shape = shape_of(kind.fields, tuple(kind.templates))
    return plugged_kind(name, shape, kind.description)


def _entries() -> Mapping[str, tuple[EntryPoint, ...]]:
    return _entries_on(tuple(sys.path))


@lru_cache(maxsize=4)
def _entries_on(_path: tuple[str, ...]) -> Mapping[str, tuple[EntryPoint, ...]]:
    """What is installed on ``sys.path``, which is ``_path``."""
    found: dict[str, tuple[EntryPoint, ...]] = {}
    for entry in entry_points(group=GROUP):
        found[entry.name] = (*found.get(entry.name, ()), entry)
    return found


def _loaded(entry: EntryPoint) -> PluggedKind:
    where = f"the entry point {entry.name} = {entry.value} of {_package(entry)}"
    try:
        kind = entry.load()
    except (Exception, SystemExit) as error:  # whatever a module does while it is imported
        problem = f"cannot be loaded: {where} fails: {type(error).__name__}: {error}"
        raise UnfitError(problem, "Repair or reinstall that package.") from error
    if not isinstance(kind, PluggedKind):
        problem = f"cannot be used: {where} is a {type(kind).__name__}"
        raise UnfitError(problem, "It must be an indelible.NodeKind.")
    if kind.name != entry.name:
        problem = f"cannot be used: {where} is the kind {kind.name}"
        raise UnfitError(problem, "Both must have one name.")
    return kind


def _refuse_shadows(own: frozenset[str]) -> None:
    entries = _entries()
    for name in sorted(own & entries.keys()):
        packages = " and ".join(_package(each) for each in entries[name])
        what = "kind" if name in KINDS else "field"
        problem = (
            f"cannot be used while {packages} adds the kind `{name}`, "
            f"which would take the place of the {what} `{name}` of indelible itself"
        )
        raise UnfitError(problem, "Uninstall that package.")


def _package(entry: EntryPoint) -> str:
    return " ".join(_distribution(entry)).strip()


def _distribution(entry: EntryPoint) -> tuple[str, str]:
    """The name and the version of the package that has ``entry``."""
    found = entry.dist
    return ("", "") if found is None else (str(found.name), found.version)
