"""``module:flow`` and ``path/etl.py:flow``: how a command line names a workflow made in Python."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any, Protocol, TypeGuard, runtime_checkable

from indelible.definition.model import Definition
from indelible.definition.modules import import_file, import_module, put_first
from indelible.definition.wording import did_you_mean, listed
from indelible.errors import NotFoundError, UsageError


@runtime_checkable
class Flow(Protocol):
    """What can be run: a definition, and the live callables of its nodes by id."""

    @property
    def functions(self) -> Mapping[str, Callable[..., Any]]: ...

    def build(self) -> Definition:
        """Raises ``DefinitionError``."""
        ...


def load_flow(target: str) -> Flow:
    """The workflow that ``target`` names; modules are looked for in the current directory first.

    Raises ``UsageError`` when it is not written ``module:flow`` or ``file.py:flow``, or names what
    is not a workflow; ``NotFoundError`` when the module, file or name does not exist;
    ``DefinitionError``, with file and line, when the module fails while it is imported.
    """
    place, _, name = target.rpartition(":")
    if not place or not name.isidentifier():
        raise UsageError(
            f"{target!r} does not name a workflow", hint="Write module:flow, or path/file.py:flow."
        )
    found = getattr(_module(place), name, None)
    if found is None:
        known = _flows(_module(place))
        hint = did_you_mean(name, known, what="Workflows there") if known else "It has no workflow."
        raise NotFoundError(f"{place} has no {name}", hint=hint)
    if not _is_flow(found):
        raise UsageError(
            f"{target} is of type {type(found).__name__}, not a workflow",
            hint=f"Workflows there: {listed(_flows(_module(place)))}.",
        )
    return found


def _module(place: str) -> ModuleType:
    if place.endswith(".py") or os.sep in place:
        put_first(os.path.dirname(os.path.abspath(place)))  # where a script finds its neighbours
        return import_file(place)
    put_first(os.getcwd())
    return import_module(place)


def _is_flow(value: object) -> TypeGuard[Flow]:
    return isinstance(value, Flow) and not isinstance(value, type)


def _flows(module: ModuleType) -> list[str]:
    return [name for name, value in vars(module).items() if _is_flow(value)]
