"""Workflow files that name other files."""

from __future__ import annotations

from pathlib import Path

import pytest

from indelible.definition import files
from indelible.definition.model import Composite, Definition, Input, Node, Prompt
from indelible.definition.normal import decode_definition, encode_definition
from indelible.definition.yaml_file import load_workflow
from indelible.errors import DefinitionError

RELEASE = """\
inputs: {version: {type: string, required: true}, loud: {type: boolean, default: false}}
env: {V: "${{ inputs.version }}"}
nodes: [{id: tag, bash: git tag "$V"}]
outputs: {tag: "${{ nodes.tag.output }}"}
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "release.yaml").write_text(RELEASE)
    return tmp_path


def write(name: str, text: str) -> None:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_text(text)


def said_of(text: str) -> list[str]:
    write("flow.yaml", text)
    try:
        load_workflow("flow.yaml")
    except DefinitionError as error:
        return [str(each) for each in error.complaints]
    return []


def body_of(node: Node) -> Composite:
    assert isinstance(node.body, Composite)
    return node.body


def test_another_file_becomes_the_body_of_a_node(here: Path) -> None:
    write("flow.yaml", "nodes: [{id: r, workflow: release.yaml, with: {version: x}}]")
    flow = load_workflow("flow.yaml")
    body = body_of(flow.nodes[0])
    assert body.is_isolated
    assert body.inputs["version"] == Input(required=True)
    assert body.env == {"V": "${{ inputs.version }}"}
    assert [node.id for node in body.nodes] == ["tag"]
    assert body.outputs == {"tag": "${{ nodes.tag.output }}"}
    assert flow.nodes[0].with_ == {"version": "x"}
    assert decode_definition(encode_definition(flow)) == flow


def test_a_path_is_relative_to_the_file_that_names_it(here: Path) -> None:
    write("flow.yaml", "nodes: [{id: a, workflow: deep/one.yaml}]")
    write("deep/one.yaml", "nodes: [{id: b, workflow: two.yaml}, {id: c, workflow: ../three.yaml}]")
    write("deep/two.yaml", "nodes: [{id: x, bash: x}]")
    write("three.yaml", "nodes: [{id: y, bash: y}]")
    one = body_of(load_workflow("flow.yaml").nodes[0])
    two, three = (body_of(node) for node in one.nodes)
    assert (two.nodes[0].id, three.nodes[0].id) == ("x", "y")
    assert (one.folder, two.folder, three.folder) == (str(here / "deep"), "", str(here))


def test_the_agent_of_a_file_answers_its_prompts(here: Path) -> None:
    inner = "{id: p, prompt: x}, {id: c, nodes: [{id: q, prompt: x, agent: {command: [b]}}]}"
    write("ask.yaml", f"agent: {{command: [a]}}\nnodes: [{inner}]")
    write("flow.yaml", "nodes: [{id: r, workflow: ask.yaml}]")
    first, second = body_of(load_workflow("flow.yaml").nodes[0]).nodes
    assert first.body == Prompt(text="x", command=("a",))
    assert body_of(second).nodes[0].body == Prompt(text="x", command=("b",))


def test_a_missing_file_is_a_complaint_with_its_line(here: Path) -> None:
    assert said_of("nodes:\n  - {id: a, workflow: relase.yaml}\n") == [
        "flow.yaml:2:23: node a: `workflow` is wrong: relase.yaml: there is no such file\n"
        f"    Looked for from {here}."
    ]


@pytest.mark.parametrize("name", ["\\0", "x" * 5_000, "."])
def test_any_name_is_a_file_or_a_complaint(here: Path, name: str) -> None:
    assert said_of(f'nodes: [{{id: a, workflow: "{name}"}}]')[0].startswith(
        ("flow.yaml:1:27: ", "x" * 5_000 + ": the file cannot be read: ")
    )


def test_what_is_wrong_in_another_file_is_told_with_its_name_and_line(here: Path) -> None:
    write(
        "deep/bad.yaml",
        "nodes:\n  - {id: a, bash: x, timeot: 3}\n  - {id: b, bash: x, when: item}\n",
    )
    text = "nodes:\n  - {id: a, workflow: deep/bad.yaml}\n  - {id: a, workflow: deep/bad.yaml}\n"
    assert [each.splitlines()[0] for each in said_of(text)] == [
        'flow.yaml:3:10: node a: the id "a" is taken',
        'deep/bad.yaml:2:22: node a: unknown key "timeot"',
        "deep/bad.yaml:3:28: node b: `item` exists only inside a for_each",
    ]


def test_a_file_that_cannot_be_read_at_all_is_told_too(here: Path) -> None:
    write("bad.yaml", "nodes: [")
    (said,) = said_of("nodes: [{id: a, workflow: bad.yaml, with: {b: 3}}]")
    assert said.startswith("bad.yaml:2:1: ")
    assert "this is not YAML" in said


def test_files_that_name_each_other_are_refused_with_the_chain(here: Path) -> None:
    write("a.yaml", "nodes:\n  - {id: x, workflow: ./b.yaml}\n")
    write("b.yaml", "nodes:\n  - {id: y, workflow: flow.yaml}\n")
    assert said_of("nodes:\n  - {id: w, workflow: a.yaml}\n") == [
        "b.yaml:2:23: node y: `workflow` makes a cycle: "
        "flow.yaml -> a.yaml -> b.yaml -> flow.yaml\n"
        "    To do it again, use `loop` or `for_each`."
    ]
    (said,) = said_of("nodes: [{id: w, workflow: ../{0}/flow.yaml}]".replace("{0}", here.name))
    assert "`workflow` makes a cycle: flow.yaml -> " in said


def test_a_file_may_be_used_twice(here: Path) -> None:
    write("flow.yaml", "nodes: [{id: a, workflow: b.yaml}, {id: c, workflow: b.yaml}]")
    write("b.yaml", "nodes: [{id: x, bash: x}]")
    first, second = load_workflow("flow.yaml").nodes
    assert first.body is second.body


def test_a_chain_of_files_has_an_end(here: Path) -> None:
    for number in range(25):
        write(f"f{number}.yaml", f"nodes: [{{id: a, workflow: f{number + 1}.yaml}}]")
    (said,) = said_of("nodes: [{id: a, workflow: f0.yaml}]")
    assert "`workflow` is file number 21 in a row" in said


def test_files_cannot_multiply_without_end(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MOST_NODES", 1_000)
    for number in range(12):
        pair = ", ".join(f"{{id: n{each}, workflow: f{number + 1}.yaml}}" for each in range(2))
        write(f"f{number}.yaml", f"nodes: [{pair}]")
    write("f12.yaml", "nodes: [{id: a, bash: x}]")
    said = said_of("nodes: [{id: a, workflow: f0.yaml}]")
    assert said[-1].startswith("f3.yaml: with the files that it names it has more than 1,000 nodes")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("{version: x, lod: true}", '1:65: node a: "lod" is not an input of that file\n    Did'),
        ("{}", "1:47: node a: the input version (string) of that file is missing\n    Give it"),
        ("{version: 3}", "1:57: node a: the input version must be of type string, not the num"),
        ("{version: x, loud: '${{ secrets.A }}'}", "1:71: node a: `secrets` cannot be used here"),
    ],
)
def test_the_inputs_of_a_file_are_checked_where_they_are_given(
    here: Path, given: str, said: str
) -> None:
    (found,) = said_of(f"nodes: [{{id: a, workflow: release.yaml, with: {given}}}]")
    assert found.startswith(f"flow.yaml:{said}")


def test_inputs_that_are_computed_are_left_to_the_run(here: Path) -> None:
    given = "{version: '${{ run.id }}', loud: '${{ 1 > 2 }}'}"
    assert said_of(f"nodes: [{{id: a, workflow: release.yaml, with: {given}}}]") == []


def test_a_file_sees_nothing_of_the_nodes_around_it(here: Path) -> None:
    write("in.yaml", "nodes: [{id: x, bash: x, env: {A: '${{ nodes.a.output }} ${{ inputs.d }}'}}]")
    text = "inputs: {d: {}}\nnodes: [{id: a, bash: x}, {id: b, depends_on: [a], workflow: in.yaml}]"
    first, second = said_of(text)
    assert first.startswith('in.yaml:1:40: node x: refers to node "a", which does not exist')
    assert second.startswith('in.yaml:1:62: node x: input "d" is not declared')


def test_the_limit_of_a_file_is_that_of_the_body(here: Path) -> None:
    write("in.yaml", "max_parallel: 2\nnodes: [{id: x, bash: x}]")
    write("flow.yaml", "nodes: [{id: a, workflow: in.yaml, max_parallel: 3}]")
    (node,) = load_workflow("flow.yaml").nodes
    assert isinstance(node.body, Composite)
    assert (node.max_parallel, node.body.max_parallel) == (3, 2)


@pytest.mark.parametrize("field", ["timeout: 3", "fail_fast: true"])
def test_what_concerns_a_whole_run_is_refused_in_a_body(here: Path, field: str) -> None:
    write("in.yaml", f"nodes: [{{id: x, bash: x}}]\n{field}")
    (said,) = said_of("nodes: [{id: a, workflow: in.yaml}]")
    name = field.partition(":")[0]
    assert said.startswith(f"in.yaml:2:1: `{name}` makes no sense in the body of a node\n    ")
    assert load_workflow("in.yaml").nodes


def test_fields_that_make_no_sense_on_such_a_node_are_refused(here: Path) -> None:
    said = said_of(
        "nodes:\n  - id: a\n    workflow: release.yaml\n    with: {version: x}\n"
        "    env: {A: x}\n    retry: {}\n    output: json\n    returns: tag\n"
    )
    assert [each.splitlines()[0].split(": ", 2)[2] for each in said] == [
        "`env` makes no sense on a workflow node",
        "`retry` makes no sense on a workflow node",
        "`output` makes no sense on a workflow node",
        "`returns` makes no sense on a workflow node",
    ]


LANGUAGE = """\
name: nightly-report
description: the whole language
inputs:
  day:   {type: string, required: true, description: the day}
  limit: {type: integer, default: 100}
  url:   {type: string, default: "https://example.org/data.csv"}
env: {LANG: C.UTF-8}
max_parallel: 8
fail_fast: false
timeout: 2h
outputs: {rows: "${{ nodes.clean.output.rows }}"}
nodes:
  - id: fetch
    bash: curl -sf "$URL" -o data.csv && wc -l < data.csv
    env: {URL: "${{ inputs.url }}"}
    output: text
    timeout: 30s
    retry: {max_attempts: 3, delay: 1s, backoff: 2, max_delay: 30s, jitter: 0.1, on: [ExitCode, Timeout]}
  - id: clean
    depends_on: [fetch]
    python: mypkg.tasks:clean
    with: {rows: "${{ nodes.fetch.output }}"}
  - id: judge
    depends_on: [clean]
    prompt: "Summarise: ${{ nodes.clean.output }}"
    agent: {command: [my-agent, --stdin]}
    output_schema: {type: object, required: [ok], properties: {ok: {type: boolean}}}
  - id: gate
    depends_on: [judge]
    when: nodes.judge.output.ok and inputs.limit < 1000
    approval: {message: "Publish ${{ inputs.day }}?", choices: [approve, {id: reject, fails: true}]}
  - id: cool-down
    depends_on: [gate]
    wait: 10m
  - id: regions
    depends_on: [cool-down]
    for_each: nodes.clean.output.regions
    bash: ./publish "$REGION"
    env: {REGION: "${{ item }}"}
  - id: refine
    depends_on: [regions]
    loop: {until: output.score >= 0.9, max_iterations: 5}
    nodes:
      - {id: draft, prompt: "Again: ${{ default(previous, '') }}", output: json}
    returns: draft
  - id: release
    depends_on: [refine]
    trigger_rule: none_failed
    workflow: release.yaml
    with: {version: "${{ inputs.day }}"}
  - id: cleanup
    depends_on: [release]
    trigger_rule: all_done
    allow_failure: true
    bash: rm -rf work
"""  # noqa: E501


def language(here: Path) -> Definition:
    write("nightly.yaml", LANGUAGE)
    return load_workflow("nightly.yaml")


def test_the_whole_language_loads(here: Path) -> None:
    from datetime import timedelta

    from indelible.definition import model

    flow = language(here)
    nodes = {node.id: node for node in flow.nodes}
    assert nodes["judge"].body == Prompt(
        text="Summarise: ${{ nodes.clean.output }}", command=("my-agent", "--stdin")
    )
    assert nodes["judge"].output_schema == {
        "type": "object",
        "required": ["ok"],
        "properties": {"ok": {"type": "boolean"}},
    }
    assert nodes["gate"].body == model.Approval(message="Publish ${{ inputs.day }}?")
    assert nodes["cool-down"].body == model.Wait(duration=timedelta(minutes=10))
    assert nodes["regions"].for_each == model.ForEach(items="nodes.clean.output.regions")
    assert nodes["refine"].loop == model.Loop(until="output.score >= 0.9", max_iterations=5)
    draft = Node(
        id="draft",
        body=Prompt(text="Again: ${{ default(previous, '') }}"),
        output=model.OutputFormat.JSON,
    )
    assert nodes["refine"].body == Composite(nodes=(draft,), returns="draft")
    assert body_of(nodes["release"]).is_isolated
    assert (flow.max_parallel, flow.timeout) == (8, timedelta(hours=2))
    assert decode_definition(encode_definition(flow)) == flow
