"""How each kind of node runs.  One small file per kind; a new kind is a file and a row here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from indelible.executors.attempt import NodeKind


def node_kinds(
    functions: Mapping[str, Callable[..., object]] | None = None, *, agent: Sequence[str] = ()
) -> dict[type, NodeKind]:
    """The kind for each type of body.

    ``functions`` are live callables, by node id; ``agent`` is the command for prompts that have no
    other.
    """
    # Here, as the process of a Python node imports this package and needs one of them only.
    from indelible.definition.model import Bash, Plugged, Prompt, Python, Script
    from indelible.nodes.bash import BashKind
    from indelible.nodes.prompt import PromptKind
    from indelible.nodes.python import PluggedKind, PythonKind
    from indelible.nodes.script import ScriptKind

    return {
        Bash: BashKind(),
        Script: ScriptKind(),
        Python: PythonKind(functions or {}),
        Prompt: PromptKind(agent),
        Plugged: PluggedKind(),
    }
