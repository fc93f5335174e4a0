"""The graph of a workflow for other programs: Mermaid and DOT, coloured by how the nodes stand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from indelible.engine.status import NodeStatus
from indelible.plan import Plan

Statuses = Mapping[str, NodeStatus]
"""The status of each node of a run; empty for a workflow that is only drawn."""

COLOURS: Mapping[NodeStatus, str] = {
    NodeStatus.PENDING: "#eeeeee",
    NodeStatus.RUNNING: "#bbdefb",
    NodeStatus.WAITING: "#b2ebf2",
    NodeStatus.RETRYING: "#ffe0b2",
    NodeStatus.INTERRUPTED: "#ffe0b2",
    NodeStatus.SUCCESS: "#c8e6c9",
    NodeStatus.FAILED: "#ffcdd2",
    NodeStatus.ALLOWED: "#fff9c4",
    NodeStatus.SKIPPED: "#e0e0e0",
    NodeStatus.UPSTREAM_FAILED: "#e1bee7",
}


def mermaid(plan: Plan, statuses: Statuses) -> str:
    """A Mermaid flowchart, from top to bottom."""
    return "\n".join(_mermaid_lines(plan, statuses)) + "\n"


def dot(plan: Plan, statuses: Statuses) -> str:
    """A Graphviz digraph."""
    return "\n".join(_dot_lines(plan, statuses)) + "\n"


def _mermaid_lines(plan: Plan, statuses: Statuses) -> Iterator[str]:
    # Ids are numbers, because a node may be called `end`, which Mermaid would take for its own.
    yield "flowchart TD"
    for node in plan.graph.in_order:
        status = statuses.get(node.id)
        style = f":::{status.value}" if status is not None else ""
        yield f'    n{node.order}["{_mermaid_text(node.id)}"]{style}'
    for node in plan.graph.in_order:
        for name in node.upstream:
            yield f"    n{plan.graph.nodes[name].order} --> n{node.order}"
    for status in dict.fromkeys(statuses.values()):
        yield f"    classDef {status.value} fill:{COLOURS[status]}"


def _dot_lines(plan: Plan, statuses: Statuses) -> Iterator[str]:
    yield f"digraph {_dot_text(plan.definition.name)} {{"
    yield "    node [shape=box, style=filled, fillcolor=white]"
    for node in plan.graph.in_order:
        status = statuses.get(node.id)
        style = f' [fillcolor="{COLOURS[status]}"]' if status is not None else ""
        yield f"    {_dot_text(node.id)}{style}"
    for node in plan.graph.in_order:
        for name in node.upstream:
            yield f"    {_dot_text(name)} -> {_dot_text(node.id)}"
    yield "}"


def _mermaid_text(text: str) -> str:
    # Only what is harmless stands as it is; `#` begins an entity code, so it is written as one too.
    return "".join(char if char.isalnum() or char in " _.-" else f"#{ord(char)};" for char in text)


def _dot_text(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
