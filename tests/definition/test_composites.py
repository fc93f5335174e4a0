"""Nodes inside nodes: what they see, and what is said of them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.definition.written import FILE, complaints, loaded, only

from indelible.definition.check import check
from indelible.definition.levels import DEEPEST
from indelible.definition.model import Bash, Composite, Definition, Node

GRAPH = """\
inputs: {{day: {{}}}}
nodes:
  - {{id: first, bash: x}}
  - {{id: second, bash: x, depends_on: [first]}}
  - {{id: beside, bash: x}}
  - id: outer
    depends_on: [second]
    nodes:
      - {{id: a, bash: x}}
      - {{id: second, bash: x}}
      - id: inner
        depends_on: [a]
        nodes:
          - {{id: c, bash: x}}
          - {{id: d, bash: x, depends_on: [c], when: "{when}"}}
"""


@pytest.mark.parametrize(
    "when",
    ["nodes.c.output", "nodes.a.status", "nodes.first.output == 3", "inputs.day", "run.id"],
)
def test_a_node_inside_sees_its_ancestors_and_those_of_what_is_around_it(when: str) -> None:
    assert complaints(GRAPH.format(when=when)) == []


@pytest.mark.parametrize(
    ("when", "said"),
    [
        (
            "nodes.second.output",
            'refers to node "second", which is not upstream of "inner" around it\n'
            "    Add second to the `depends_on` there.",
        ),
        ("nodes.beside.output", 'refers to node "beside", which is not upstream of "outer" around'),
        ("nodes.inner.output", 'refers to node "inner", which it is inside of\n    A node has no'),
        ("nodes.outer.status", 'refers to node "outer", which it is inside of'),
        ("nodes.d.output", "refers to itself"),
        ("nodes.zzz.output", 'refers to node "zzz", which does not exist\n    Known nodes: c, d.'),
    ],
)
def test_it_sees_nothing_else_and_the_nearest_of_one_name(when: str, said: str) -> None:
    found = only(GRAPH.format(when=when))
    assert found.startswith(f"{FILE}:15:53: node outer/inner/d: {said}")


def test_nobody_sees_into_a_composite() -> None:
    text = "nodes:\n  - {id: a, nodes: [{id: b, bash: x}]}\n  - {id: c, bash: x, depends_on: [b]}\n"
    assert 'node c: depends on "b", which is not a node' in only(text)
    text = 'outputs: {x: "${{ nodes.b.output }}"}\nnodes: [{id: a, nodes: [{id: b, bash: x}]}]'
    assert 'refers to node "b", which does not exist' in only(text)


def test_every_mistake_inside_is_told_with_path_and_place() -> None:
    text = """\
nodes:
  - id: out
    nodes:
      - {id: a, bash: x, timeout: fast}
      - {id: a, bash: x}
      - {id: b, depends_on: [c], bash: "${{ item }}"}
      - {id: c, depends_on: [b], bash: x, env: {A-B: x}, tiemout: 3}
      - {bash: x}
    returns: d
"""
    assert [str(each).splitlines()[0] for each in complaints(text)] == [
        f"{FILE}:4:35: node out/a: `timeout` is wrong: 'fast' is not a duration; write it like "
        "500ms, 30s, 10m, 1h30m, 2d, or as a number of seconds",
        f'{FILE}:5:14: node out/a: the id "a" is taken',
        f"{FILE}:6:29: node out/b: these nodes form a cycle: b -> c -> b",
        f"{FILE}:6:40: node out/b: `bash` takes no `${{{{ }}}}`: data never becomes code",
        f'{FILE}:7:54: node out/c: "A-B" cannot be the name of an environment variable',
        f'{FILE}:7:58: node out/c: unknown key "tiemout"',
        f"{FILE}:8:9: node out: this has no `id`",
        f'{FILE}:9:14: node out: "d" is not a node inside it',
    ]


def test_composites_can_be_as_deep_as_a_file() -> None:
    text = "{id: x, bash: x}"
    for _ in range(23):
        text = f"{{id: x, nodes: [{text}]}}"
    assert loaded(f"nodes: [{text}]").nodes
    assert "nested more than 50 levels deep" in only(f"nodes: [{{id: x, nodes: [{text}]}}]")


def test_what_code_nests_too_deep_is_refused() -> None:
    node = Node(id="x", body=Bash(command="x"))
    for _ in range(DEEPEST + 2):
        node = Node(id="x", body=Composite(nodes=(node,)))
    (said,) = check(Definition(name="f", nodes=(node,)))
    assert said.message == f"more than {DEEPEST} composites inside each other"


IDS = st.sampled_from("abc")
NESTED: st.SearchStrategy[Any] = st.recursive(
    st.fixed_dictionaries({"bash": st.just("x")}),
    lambda inner: st.fixed_dictionaries({"nodes": st.dictionaries(IDS, inner, min_size=1)}),
    max_leaves=8,
)


def written(graph: dict[str, Any], reference: str, path: str) -> list[dict[str, Any]]:
    """A graph in which each node depends on all before it, and one refers to another."""
    made = []
    for number, (name, body) in enumerate(graph.items()):
        node = {"id": name, "depends_on": list(graph)[:number], **body}
        own, _, below = path.partition("/")
        if "nodes" in body:
            node["nodes"] = written(body["nodes"], reference, below if own == name else "")
        if path == name:
            node["when"] = f"nodes.{reference}.status == 'success'"
        made.append(node)
    return made


def sees(graph: dict[str, Any], path: str, reference: str) -> bool:
    """The plain way: the nearest graph that has the name decides, by the order in it."""
    steps, graphs = path.split("/"), [graph]
    for step in steps[:-1]:
        graphs.append(graphs[-1][step]["nodes"])
    for step, each in zip(reversed(steps), reversed(graphs), strict=True):
        if reference in each:
            return list(each).index(reference) < list(each).index(step)
    return False


def paths(graph: dict[str, Any]) -> list[str]:
    found = list(graph)
    for name, body in graph.items():
        found += [f"{name}/{each}" for each in paths(body.get("nodes", {}))]
    return found


@given(st.dictionaries(IDS, NESTED, min_size=1), IDS, st.data())
def test_whatever_the_nesting_a_reference_is_judged_by_the_nearest_graph(
    graph: dict[str, Any], reference: str, data: st.DataObject
) -> None:
    path = data.draw(st.sampled_from(paths(graph)))
    text = json.dumps({"nodes": written(graph, reference, path)})
    assert (complaints(text) == []) == sees(graph, path, reference)
