"""How each kind of node runs.  One small file per kind; a new kind is a file and a row here."""

from __future__ import annotations

from collections.abc import Mapping

from indelible.definition.model import Bash, Python, Script
from indelible.executors.attempt import NodeKind
from indelible.nodes.bash import BashKind
from indelible.nodes.python import Function, PythonKind
from indelible.nodes.script import ScriptKind


def node_kinds(
    functions: Mapping[str, Function] | None = None,
) -> dict[type, NodeKind]:
    """The kind for each type of body.  ``functions`` are live callables, by node id."""
    return {
        Bash: BashKind(),
        Script: ScriptKind(),
        Python: PythonKind(functions or {}),
    }
