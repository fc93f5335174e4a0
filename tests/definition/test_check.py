from __future__ import annotations

from datetime import timedelta
from typing import Any, cast

import pytest
from tests.definition.written import FILE, complaints, loaded, only

from indelible.definition.check import CHOICES, check
from indelible.definition.inputs import FITS
from indelible.definition.model import (
    Bash,
    Definition,
    ExecutorKind,
    Input,
    InputType,
    Node,
    Python,
    Retry,
    Script,
)


def flow(*nodes: Node, **rest: Any) -> Definition:
    return Definition(name="flow", nodes=nodes, **rest)


def node(name: str, *upstream: str, **rest: Any) -> Node:
    return Node(**{"id": name, "body": Python(target="m:f"), "depends_on": upstream, **rest})


def said_of(definition: Definition) -> list[str]:
    return [f"{said.node}: {said.message}" for said in check(definition)]


def test_a_sound_definition_has_no_complaints() -> None:
    assert check(flow(node("a"), node("b", "a", when="nodes.a.output > 1"))) == []


@pytest.mark.parametrize("name", ["a", "_a", "9", "a.b-c_d", "A" * 128])
def test_an_id_can_have_letters_digits_and_some_signs(name: str) -> None:
    assert check(flow(node(name))) == []


@pytest.mark.parametrize(
    "name", ["", ".a", "-a", "a b", "a/b", "ä", "a\n", "A" * 129, "a[0]", "a#1"]
)
def test_any_other_id_is_refused(name: str) -> None:
    (said,) = said_of(flow(node(name)))
    assert "this cannot be an id. It has 1 to 128 of A-Z a-z 0-9 _ . -" in said


def test_a_doubled_id_names_the_line_of_the_first() -> None:
    text = "nodes:\n  - {id: a, bash: x}\n  - {id: b, bash: x}\n  - {id: a, bash: x}\n"
    assert only(text) == (f'{FILE}:4:10: node a: the id "a" is taken\n    The first is in line 2.')


def test_an_unknown_upstream_gets_a_suggestion() -> None:
    text = "nodes:\n  - {id: extract, bash: x}\n  - {id: b, bash: x, depends_on: [extrct]}\n"
    assert only(text) == (
        f'{FILE}:3:35: node b: depends on "extrct", which is not a node\n    Did you mean extract?'
    )


def test_a_node_cannot_wait_for_itself_or_twice_for_another() -> None:
    assert said_of(flow(node("a"), node("b", "a", "b", "a"))) == [
        "b: depends on itself",
        'b: depends on "a" twice',
    ]


def test_a_cycle_is_printed_in_the_direction_of_the_work() -> None:
    text = """\
nodes:
  - {id: x, bash: x, depends_on: [c]}
  - {id: a, bash: x, depends_on: [c]}
  - {id: b, bash: x, depends_on: [a]}
  - {id: c, bash: x, depends_on: [b]}
"""
    assert only(text) == (
        f"{FILE}:3:34: node a: these nodes form a cycle: a -> b -> c -> a\n"
        "    Take one of the arrows out."
    )


def test_every_cycle_is_named() -> None:
    nodes = (node("a", "b"), node("b", "a"), node("c", "d"), node("d", "c"))
    assert said_of(flow(*nodes)) == [
        "a: these nodes form a cycle: a -> b -> a",
        "c: these nodes form a cycle: c -> d -> c",
    ]


def test_a_cycle_of_a_hundred_thousand_nodes_is_found_and_cut_short() -> None:
    count = 100_000
    chain = (node(f"n{n}", f"n{(n - 1) % count}") for n in range(count))
    (said,) = said_of(flow(*chain))
    assert "n0 -> n1 -> n2" in said
    assert "(99,981 more) -> n99991" in said


@pytest.mark.parametrize(
    ("rest", "message"),
    [
        ({"timeout": timedelta()}, "`timeout` must be longer than nothing"),
        ({"grace": timedelta(seconds=-1)}, "`grace` must not be negative"),
        ({"max_interruptions": 0}, "`max_interruptions` must be 1 or more"),
        ({"retry": Retry(max_attempts=0)}, "`max_attempts` must be 1 or more"),
        ({"retry": Retry(delay=timedelta(-1))}, "`delay` must not be negative"),
        ({"retry": Retry(max_delay=timedelta(-1))}, "`max_delay` must not be negative"),
        ({"retry": Retry(backoff=0.5)}, "`backoff` must be 1 or more"),
        ({"retry": Retry(backoff=float("nan"))}, "`backoff` must be 1 or more"),
        ({"retry": Retry(jitter=1.5)}, "`jitter` must be from 0 to 1"),
        ({"retry": Retry(on=("Exit Code",))}, "`on` lists error types by name, such as ExitCode"),
        ({"env": {"A-B": "x"}}, '"A-B" cannot be the name of an environment variable'),
        ({"with_": {"a b": 1}}, '"a b" cannot be the name of a variable in Python'),
        ({"with_": {"class": 1}}, '"class" cannot be the name of a variable in Python'),
        ({"with_": {"a": float("nan")}}, "$.a: nan is not a JSON number"),
        ({"trigger_rule": "all_don"}, '`trigger_rule` cannot be "all_don"'),
        ({"cwd": "${{ inputs.x }}"}, "`cwd` takes no `${{ }}`"),
        ({"body": Bash(command="x"), "with_": {"a": 1}}, "`with` makes no sense on a bash node"),
        (
            {"body": Bash(command="x"), "executor": ExecutorKind.PROCESS},
            "`executor` makes no sense on a bash node",
        ),
        (
            {"body": Script(source="x"), "executor": ExecutorKind.THREAD},
            "`executor` makes no sense on a script node",
        ),
    ],
)
def test_a_value_out_of_bounds_is_refused(rest: dict[str, Any], message: str) -> None:
    (said,) = said_of(flow(node("a", **rest)))
    assert said.startswith(f"a: {message}")


def test_a_workflow_has_bounds_too() -> None:
    assert said_of(flow(max_parallel=-1, timeout=timedelta(), env={"1": "x"})) == [
        ": `nodes` must have at least one node",
        ": `max_parallel` must be 0 (no limit) or more",
        ": `timeout` must be longer than nothing",
        ': "1" cannot be the name of an environment variable',
    ]


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (
            Input(type=InputType.INTEGER, default="x", has_default=True),
            "the default of input x must",
        ),
        (
            Input(default="c", has_default=True, enum=("a", "b")),
            "the default of input x cannot be the",
        ),
        (Input(enum=("a", 3)), "`enum` has the number 3, which is not of type string"),
        (
            Input(required=True, default="x", has_default=True),
            "input x is required, so its default",
        ),
        (Input(type=cast("InputType", "strnig")), '`type` cannot be "strnig"'),
    ],
)
def test_a_declared_input_must_fit_itself(spec: Input, message: str) -> None:
    (said,) = said_of(flow(node("a"), inputs={"x": spec}))
    assert said.startswith(f": {message}")


def test_a_template_in_a_command_is_refused_with_the_form_that_works() -> None:
    assert only("nodes:\n  - id: a\n    bash: |\n      date\n      echo ${{ inputs.x }}\n") == (
        f"{FILE}:5:12: node a: `bash` takes no `${{{{ }}}}`: data never becomes code\n"
        '    Hand it over in the environment: env: {VALUE: "${{ inputs.x }}"}, '
        'and "$VALUE" in the command.'
    )


def test_a_template_in_a_script_is_refused_too() -> None:
    assert 'with: {value: "${{ run.id }}"}, and value in the script.' in only(
        "nodes: [{id: a, script: 'output = \"${{ run.id }}\"'}]"
    )


def test_a_script_that_is_not_python_is_refused_at_its_line() -> None:
    said = only("nodes:\n  - id: a\n    script: |\n      x = 1\n      if x\n        y\n")
    assert said.startswith(f"{FILE}:5:11: node a: line 2 of the script is not Python: expected ':'")


@pytest.mark.parametrize("source", ["(" * 5_000, "-" * 200_000 + "1", "return 3", "x = '\\d' if"])
def test_no_script_can_hurt_the_check(source: str) -> None:
    (said,) = said_of(flow(node("a", body=Script(source=source))))
    assert said.startswith("a: line 1 of the script is not Python: ")


def test_a_script_with_a_doubtful_escape_is_accepted() -> None:
    assert check(flow(node("a", body=Script(source="output = '\\d'")))) == []


GRAPH = """\
inputs: {{limit: {{type: integer}}}}
nodes:
  - {{id: first, bash: x}}
  - {{id: second, bash: x, depends_on: [first]}}
  - {{id: cool-down, bash: x}}
  - id: third
    bash: x
    depends_on: [second, cool-down]
    {line}
"""


@pytest.mark.parametrize(
    "line",
    [
        "when: nodes.first.output.rows[0] > inputs.limit",
        "when: nodes['cool-down'].status == 'success'",
        "env: {A: 'x ${{ nodes.second.output }} ${{ run.id }}'}",
        "env: {A: '$${{ not an expression'}",
    ],
)
def test_a_node_may_refer_to_inputs_the_run_and_every_ancestor(line: str) -> None:
    assert loaded(GRAPH.format(line=line)).nodes


@pytest.mark.parametrize(
    ("line", "column", "message"),
    [
        ("when: inputs.limt > 3", 11, 'input "limt" is not declared\n    Did you mean limit?'),
        ("when: 1 < nodes.frist.output", 15, 'refers to node "frist", which does not exist\n'
         "    Did you mean first?"),
        ("when: nodes.third.output", 11, "refers to itself"),
        ("when: nodes.first", 11, 'node "first" is not a value by itself\n    It has output'),
        ("when: nodes.first.outptu > 1", 11, 'node "first" has no "outptu"'),
        ("when: len(nodes) > 1", 15, "`nodes` needs the id of a node, written out"),
        ("when: run.attempt > 1", 11, "`run.attempt` has no value\n    Of a run there is run.id."),
        ("when: item > 1", 11, "`item` exists only inside a for_each"),
        ("when: secrets.KEY", 11, "`secrets` cannot be used here"),
        ("env: {A: 'x ${{ secrets.A.b }}'}", 21, "`secrets.A.b` has no value"),
        ("env: {A: \"${{ inputs.a }}\"}", 19, 'input "a" is not declared'),
    ],
)  # fmt: skip
def test_a_wrong_reference_is_complained_about_where_it_stands(
    line: str, column: int, message: str
) -> None:
    said = only(GRAPH.format(line=line))
    assert said.startswith(f"{FILE}:9:{column}: node third: {message}")


def test_an_id_with_a_dash_in_the_bare_form_is_told_how_to_be_written() -> None:
    said = only(GRAPH.format(line="when: nodes.cool-down.output > 1"))
    assert said.startswith(f"{FILE}:9:11: node third: ")
    assert "nodes['cool-down'].output" in said


@pytest.mark.parametrize(
    "line",
    [
        "when: 'inputs.limit >'",
        "when: '${{ inputs.limit }}'",
        "env: {A: 'x ${{ inputs. }}'}",
    ],
)
def test_an_expression_that_does_not_parse_is_quoted_with_its_place(line: str) -> None:
    (said,) = complaints(GRAPH.format(line=line))
    assert (said.line, said.node) == (9, "third")
    assert "inputs." in said.message
    assert 11 <= said.column <= 35


def test_a_template_without_an_end_is_refused() -> None:
    said = only(GRAPH.format(line="env: {A: '${{ inputs.limit'}"))
    assert said.startswith(f"{FILE}:9:14: node third: a `${{{{` is never closed")


def test_a_reference_to_a_node_that_is_not_upstream_says_how_to_make_it_one() -> None:
    text = """\
nodes:
  - {id: a, bash: x}
  - {id: b, bash: x}
  - {id: c, python: "m:f", depends_on: [a], with: {x: [1, {y: "${{ nodes.b.output }}"}]}}
"""
    assert only(text) == (
        f'{FILE}:4:68: node c: refers to node "b", which is not upstream of it\n'
        "    Add b to its `depends_on`."
    )


def test_a_node_downstream_is_not_upstream() -> None:
    nodes = (node("a", when="nodes.b.output"), node("b", "a"))
    assert said_of(flow(*nodes)) == ['a: refers to node "b", which is not upstream of it']


def test_the_workflow_itself_has_less_to_refer_to() -> None:
    text = """\
env: {A: "${{ run.id }} ${{ nodes.a.output }}"}
outputs: {rows: {deep: ["${{ nodes.b.output }}", "${{ nodes.a.status }}"]}}
nodes: [{id: a, bash: x}]
"""
    assert [str(said).splitlines()[0] for said in complaints(text)] == [
        f"{FILE}:1:29: `nodes` cannot be used in the env of the whole workflow",
        f'{FILE}:2:30: refers to node "b", which does not exist',
    ]


def test_a_chain_of_a_hundred_thousand_nodes_is_checked() -> None:
    chain = (node(f"n{n}", *([f"n{n - 1}"] if n else [])) for n in range(100_000))
    last = node("last", "n99999", when="nodes.n0.output and nodes.n50000.output")
    assert check(flow(*chain, last)) == []


def test_every_choice_of_a_node_is_checked_in_code_too() -> None:
    wrong = {field: cast("Any", "wrong") for field in CHOICES}
    assert len(check(flow(node("a", **wrong)))) == len(CHOICES)
    assert set(FITS) == set(InputType)
