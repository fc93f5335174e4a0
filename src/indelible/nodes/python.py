"""Python nodes: a callable, in a thread, on the loop thread, or in a process."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from indelible.definition.model import ExecutorKind, Python
from indelible.errors import DefinitionError, NotFoundError, UsageError
from indelible.executors.attempt import Control, NodeKind, Work
from indelible.executors.failures import failure
from indelible.executors.port import Attempt
from indelible.nodes.edge import Edge
from indelible.nodes.isolated import needs_process, run_isolated

Function = Callable[..., object]

INSTANCE = re.compile(r"\[\d+\]|#\d+")
"""What marks an instance of a map or an iteration of a loop in an id."""


class PythonKind:
    """Runs ``Python`` bodies.

    ``functions`` are live, by the id of their node in the definition; other callables are imported.
    """

    def __init__(self, functions: Mapping[str, Function]) -> None:
        self._functions = functions
        self._imported: dict[tuple[str, str, str], Function] = {}
        # By identity, as a callable need not be hashable; the edge keeps its function alive.
        self._edges: dict[int, Edge] = {}

    def run(self, attempt: Attempt, control: Control) -> Work:
        """Call it with the arguments; a coroutine for an ``async def``."""
        node = attempt.node
        if needs_process(attempt):
            return self._run_isolated(attempt, control)
        edge = self._edge_of(attempt)
        if node.timeout is not None and not edge.is_async:
            return self._run_isolated(attempt, control)  # a thread cannot be stopped
        return edge.call(attempt.node_id, attempt.arguments)

    def _run_isolated(self, attempt: Attempt, control: Control) -> bytes:
        assert isinstance(attempt.body, Python)
        function = self._functions.get(defined_as(attempt.node_id))
        if function is not None and not _is_importable(function):
            raise failure("SpawnError", _not_importable(attempt.body.target, attempt))
        return run_isolated(attempt, control)

    def _edge_of(self, attempt: Attempt) -> Edge:
        function = self._functions.get(defined_as(attempt.node_id))
        if function is None:
            function = self._import(attempt)
        edge = self._edges.get(id(function))
        if edge is None:
            edge = self._edges[id(function)] = Edge(function)
        return edge

    def _import(self, attempt: Attempt) -> Function:
        assert isinstance(attempt.body, Python)
        key = (attempt.body.target, attempt.body.file, attempt.folder)
        if key not in self._imported:
            self._imported[key] = load_function(attempt.body, attempt.folder)
        return self._imported[key]


class PluggedKind:
    """Runs ``Plugged`` bodies, Python of other packages.  How is imported with the first."""

    def __init__(self) -> None:
        self._nodes: NodeKind | None = None

    def run(self, attempt: Attempt, control: Control) -> Work:
        """What the kind's function gives; a coroutine for an ``async def``."""
        if self._nodes is None:
            from indelible.nodes.plugged import PluggedNodes

            self._nodes = PluggedNodes()
        return self._nodes.run(attempt, control)


def defined_as(node_id: str) -> str:
    """The id of the node in the definition: ``deploy/build`` for ``deploy[2]/build``."""
    return INSTANCE.sub("", node_id) if "[" in node_id or "#" in node_id else node_id


def load_function(body: Python, folder: str) -> Function:
    """The callable that ``body`` names.  A failure to find it is of type ImportError."""
    from indelible.definition.callables import load_callable

    try:
        return load_callable(body, folder)
    except (UsageError, NotFoundError, DefinitionError) as error:
        raise failure("ImportError", str(error)) from error


def _is_importable(function: Function) -> bool:
    from indelible.definition.callables import is_importable

    return is_importable(function)


def _not_importable(target: str, attempt: Attempt) -> str:
    node = attempt.node
    reasons = {
        "executor": node.executor is ExecutorKind.PROCESS,
        "timeout": node.timeout is not None,
        "cwd": node.cwd is not None,
        "env": bool(attempt.env),
    }
    because = ", ".join(f"`{name}`" for name, holds in reasons.items() if holds)
    return (
        f"the node needs a process of its own because of its {because}, and {target} cannot be "
        "imported there; define it with def at the top level of a module"
    )
