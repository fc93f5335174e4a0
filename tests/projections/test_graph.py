"""The graph for other programs."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from indelible.engine.status import NodeStatus
from indelible.projections.graph import COLOURS, dot, mermaid
from tests.engine.given import node, plan

PAIR = plan(node("end"), node("b.2", "end"))


def test_mermaid_has_every_node_edge_and_status() -> None:
    assert mermaid(PAIR, {"end": NodeStatus.SUCCESS, "b.2": NodeStatus.FAILED}).splitlines() == [
        "flowchart TD",
        '    n0["end"]:::success',
        '    n1["b.2"]:::failed',
        "    n0 --> n1",
        f"    classDef success fill:{COLOURS[NodeStatus.SUCCESS]}",
        f"    classDef failed fill:{COLOURS[NodeStatus.FAILED]}",
    ]


def test_dot_has_every_node_edge_and_status() -> None:
    assert dot(PAIR, {"end": NodeStatus.SKIPPED}).splitlines() == [
        'digraph "w" {',
        "    node [shape=box, style=filled, fillcolor=white]",
        f'    "end" [fillcolor="{COLOURS[NodeStatus.SKIPPED]}"]',
        '    "b.2"',
        '    "end" -> "b.2"',
        "}",
    ]


def test_every_status_has_a_colour() -> None:
    assert set(COLOURS) == set(NodeStatus)


@given(st.text(min_size=1))
def test_no_name_gets_out_of_its_quotes(name: str) -> None:
    one = plan(node(name))
    quoted = re.compile(r'^    "((?:[^"\\]|\\.)*)"$', re.S)
    assert quoted.match("\n".join(dot(one, {}).split("\n")[2:-2]))
    label = mermaid(one, {}).split("\n", 1)[1]
    assert re.fullmatch(r'    n0\["[^"<>\n]*"\]\n', label)
