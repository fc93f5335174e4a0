"""``indelible graph``: the graph of a workflow, or of a run with how its nodes stand."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping

import click

from indelible.cli.options import complete_runs, opened, verb
from indelible.cli.run_ids import find_run
from indelible.cli.streams import coloured, put, put_bytes, put_json
from indelible.cli.targets import is_target, load_target
from indelible.cli.text import visible
from indelible.engine.status import NodeStatus
from indelible.plan import Plan, make_plan
from indelible.projections.drawing import Row, draw
from indelible.projections.graph import Statuses, dot, mermaid
from indelible.runtime.log import open_log

EXAMPLES = """
indelible graph hello.yaml
indelible graph latest
indelible graph latest --format dot | dot -Tsvg > run.svg
indelible graph etl.py:flow --format mermaid
"""


@verb("graph", EXAMPLES)
@click.argument("target", metavar="FILE|MODULE:FLOW|RUN", shell_complete=complete_runs)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "mermaid", "dot"]),
    default="text",
    help="mermaid, dot: for programs that draw.  [default: text]",
)
def command(target: str, form: str, store: str | None, as_json: bool) -> int:
    """Draw the graph of a workflow or of a run.

    One line a node, below all it depends on; of a run with the status of each.
    """
    plan, statuses = _graph(target, store)
    if as_json:
        put_json(_document(plan, statuses))
    elif form == "text":
        _draw(plan, statuses)
    else:
        put_bytes(_PROGRAMS[form](plan, statuses).encode())
    return 0


def _graph(target: str, url: str | None) -> tuple[Plan, Statuses]:
    if is_target(target):
        return make_plan(load_target(target).definition), {}
    with opened(url) as store:
        log = open_log(store, find_run(store, target))
    return log.plan, {name: node.status for name, node in log.state.nodes.items()}


def _document(plan: Plan, statuses: Statuses) -> dict[str, object]:
    nodes = [
        {
            "node_id": node.id,
            "depends_on": node.upstream,
            "trigger_rule": node.node.trigger_rule.value,
            "status": statuses.get(node.id),
        }
        for node in plan.graph.in_order
    ]
    return {"workflow": plan.definition.name, "nodes": nodes}


def _draw(plan: Plan, statuses: Statuses) -> None:
    rows = draw(plan, statuses)
    rails = max((len(row.rails) for row in rows), default=0)
    names = max((len(visible(row.node_id)) for row in rows), default=0)
    for row in rows:
        put(_line(row, statuses.get(row.node_id), rails, names))


def _line(row: Row, status: NodeStatus | None, rails: int, names: int) -> str:
    text = f"{row.rails:<{rails}}  {visible(row.node_id):<{names}}"
    said = "" if status is None else coloured(status.value, status, sys.stdout)
    return "  ".join(part for part in (text, said, visible(row.after)) if part).rstrip()


_PROGRAMS: Mapping[str, Callable[[Plan, Statuses], str]] = {"mermaid": mermaid, "dot": dot}
