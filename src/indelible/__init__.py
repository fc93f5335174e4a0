"""Indelible: durable workflows.  Every transition is in an append-only log before it counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from indelible.version import __version__

if TYPE_CHECKING:
    from indelible.definition.decorators import Input, Loop, Retry
    from indelible.definition.model import TriggerRule
    from indelible.errors import IndelibleError
    from indelible.executors.attempt import Context, context
    from indelible.nodes.kind import NodeKind
    from indelible.runtime.config import open_store
    from indelible.runtime.flow import Workflow, resume
    from indelible.runtime.run import NodeRun, Run, get_run
    from indelible.stores.port import IWorkflowStore

__all__ = [
    "Context",
    "IWorkflowStore",
    "IndelibleError",
    "Input",
    "Loop",
    "NodeKind",
    "NodeRun",
    "Retry",
    "Run",
    "TriggerRule",
    "Workflow",
    "__version__",
    "context",
    "get_run",
    "open_store",
    "resume",
]

# Where each public name lives.  They are imported when first used: the command line needs few of
# them, and starts faster for it.
_HOMES = {
    "Context": "indelible.executors.attempt",
    "IWorkflowStore": "indelible.stores.port",
    "IndelibleError": "indelible.errors",
    "Input": "indelible.definition.decorators",
    "Loop": "indelible.definition.decorators",
    "NodeKind": "indelible.nodes.kind",
    "NodeRun": "indelible.runtime.run",
    "Retry": "indelible.definition.decorators",
    "Run": "indelible.runtime.run",
    "TriggerRule": "indelible.definition.model",
    "Workflow": "indelible.runtime.flow",
    "context": "indelible.executors.attempt",
    "get_run": "indelible.runtime.run",
    "open_store": "indelible.runtime.config",
    "resume": "indelible.runtime.flow",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'indelible' has no attribute {name!r}")
    from importlib import import_module

    found: object = getattr(import_module(_HOMES[name]), name)
    globals()[name] = found
    return found
