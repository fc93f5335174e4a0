"""What FILE or ``module:flow`` on a command line means."""

from __future__ import annotations

import os
from collections.abc import Mapping

import msgspec

from indelible.definition.model import Definition
from indelible.errors import UsageError
from indelible.runtime.config import Function


class Target(msgspec.Struct, frozen=True):
    """A workflow that can be run, with the live callables of its nodes and where it came from."""

    definition: Definition
    functions: Mapping[str, Function]
    source: str


def is_target(text: str) -> bool:
    """Whether this names a workflow and not a run."""
    return ":" in text or os.path.exists(text) or text.endswith((".yaml", ".yml", ".json", ".py"))


def load_target(text: str, *, max_parallel: int | None = None) -> Target:
    """The workflow, checked; ``max_parallel`` takes the place of its own.

    Raises ``DefinitionError``, ``NotFoundError``, ``UsageError``.
    """
    target = _load(text)
    if max_parallel is None:
        return target
    definition = msgspec.structs.replace(target.definition, max_parallel=max_parallel)
    return msgspec.structs.replace(target, definition=definition)


def _load(text: str) -> Target:
    if text.endswith(".py"):
        raise UsageError(
            f"{text} is a Python file, not a workflow",
            hint=f"Name the workflow in it: {text}:flow",
        )
    if ":" in text and not os.path.exists(text):
        from indelible.definition.callables import load_flow, warn_of_unimportable

        flow = load_flow(text)
        definition = flow.build()
        warn_of_unimportable(flow.functions)
        return Target(definition, flow.functions, text)
    from indelible.definition.yaml_file import load_workflow

    return Target(load_workflow(text), {}, os.path.abspath(text))
