from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.definition.written import FILE, complaints, loaded, only

from indelible.definition.fields import (
    INPUT_FIELDS,
    LOOP_FIELDS,
    NODE_FIELDS,
    ON_ITEM_FAILURE,
    RETRY_FIELDS,
    WORKFLOW_FIELDS,
)
from indelible.definition.kinds import KINDS, OWNERS, kind_of, output_format
from indelible.definition.model import (
    Bash,
    Body,
    Composite,
    Definition,
    Input,
    InputType,
    Loop,
    Node,
    OutputFormat,
    Plugged,
    Python,
    Retry,
    Script,
    TriggerRule,
)
from indelible.definition.places import MOST_COMPLAINTS
from indelible.definition.shapes import Field
from indelible.definition.yaml_file import load_workflow
from indelible.errors import DefinitionError, NotFoundError

REPORT = """\
name: nightly-report
description: what it is for
inputs:
  day:   {type: string, required: true, description: the day}
  limit: {type: integer, default: 100, enum: [100, 200]}
env: {LANG: C.UTF-8}
max_parallel: 8
fail_fast: true
timeout: 2h
outputs: {rows: "${{ nodes.clean.output.rows }}"}
nodes:
  - id: fetch
    bash: curl -sf "$URL" -o data.csv && wc -l < data.csv
    env: {URL: "${{ inputs.day }}"}
    output: json
    timeout: 30s
    grace: 1
    cwd: work
    retry: {max_attempts: 3, delay: 1s, backoff: 2, max_delay: 30s, jitter: 0.1, on: [ExitCode]}
  - id: clean
    description: tidy up
    depends_on: [fetch]
    python: mypkg.tasks:clean
    executor: process
    on_interrupt: fail
    max_interruptions: 2
    with: {rows: "${{ nodes.fetch.output }}"}
  - id: cleanup
    depends_on: [clean]
    trigger_rule: all_done
    when: inputs.limit > 100 or nodes['clean'].status == 'success'
    allow_failure: true
    script: |
      output = 1
"""


def test_a_workflow_file_becomes_the_model() -> None:
    flow = loaded(REPORT)
    fetch, clean, cleanup = flow.nodes
    assert flow.name == "nightly-report"
    assert flow.inputs["day"] == Input(required=True, description="the day")
    assert flow.inputs["limit"] == Input(
        type=InputType.INTEGER, default=100, has_default=True, enum=(100, 200)
    )
    assert (flow.max_parallel, flow.fail_fast, flow.timeout) == (8, True, timedelta(hours=2))
    assert flow.outputs == {"rows": "${{ nodes.clean.output.rows }}"}
    assert fetch.retry == Retry(max_attempts=3, max_delay=timedelta(seconds=30), on=("ExitCode",))
    assert fetch.body == Bash(command='curl -sf "$URL" -o data.csv && wc -l < data.csv')
    assert (fetch.grace, fetch.cwd) == (timedelta(seconds=1), "work")
    assert clean.body == Python(target="mypkg.tasks:clean")
    assert clean.with_ == {"rows": "${{ nodes.fetch.output }}"}
    assert cleanup.body == Script(source="output = 1\n")
    assert (cleanup.trigger_rule, cleanup.allow_failure) == (TriggerRule.ALL_DONE, True)


def test_a_file_is_read_from_its_folder_and_named_after_itself(tmp_path: Path) -> None:
    file = tmp_path / "etl.night.yaml"
    file.write_text("nodes: [{id: a, bash: date}]")
    flow = load_workflow(file)
    assert (flow.name, flow.folder) == ("etl.night", str(tmp_path))


def test_a_file_that_does_not_exist_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"nothing\.yaml: there is no such file"):
        load_workflow(tmp_path / "nothing.yaml")
    with pytest.raises(NotFoundError, match="is a folder, not a workflow file"):
        load_workflow(tmp_path)


def test_a_large_file_is_refused_by_its_size(tmp_path: Path) -> None:
    file = tmp_path / "large.yaml"
    file.write_bytes(b"# " + b"x" * 10_000_000)
    with pytest.raises(DefinitionError, match=r"large\.yaml: the file is larger than 1,048,576"):
        load_workflow(file)


def test_all_complaints_come_at_once_in_file_order() -> None:
    text = """\
nmae: x
max_parallel: many
nodes:
  - id: a
    bash: echo
    tiemout: 3
    timeout: 3 parsecs
    trigger_rule: all_sucess
    depends_on: [b]
  - id: a
    when: inputs.x ==
    bash: date
"""
    assert [str(each).splitlines()[0] for each in complaints(text)] == [
        f'{FILE}:1:1: unknown key "nmae"',
        f'{FILE}:2:15: `max_parallel` must be a whole number, not the text "many"',
        f'{FILE}:6:5: node a: unknown key "tiemout"',
        f"{FILE}:7:14: node a: `timeout` is wrong: '3 parsecs' is not a duration; "
        "write it like 500ms, 30s, 10m, 1h30m, 2d, or as a number of seconds",
        f'{FILE}:8:19: node a: `trigger_rule` cannot be "all_sucess"',
        f'{FILE}:9:18: node a: depends on "b", which is not a node',
        f'{FILE}:10:9: node a: the id "a" is taken',
        *(str(each).splitlines()[0] for each in complaints(text)[7:]),
    ]
    (unparsable,) = complaints(text)[7:]
    assert (unparsable.line, unparsable.node) == (11, "a")
    assert "inputs.x ==" in unparsable.message


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("tiemout: 3", '5: node a: unknown key "tiemout"\n    Did you mean timeout?'),
        ("trigger_rule: all_don", '19: node a: `trigger_rule` cannot be "all_don"\n'
         "    Did you mean all_done?"),
        ("trigger_rule: xyz", '19: node a: `trigger_rule` cannot be "xyz"\n    It is one of: '
         "all_success, all_failed"),
        ("on_interrupt: 3", "19: node a: `on_interrupt` cannot be the number 3"),
        ("allow_failure: yes", '20: node a: `allow_failure` must be true or false, not the text '
         '"yes"'),
        ("depends_on: b", '17: node a: `depends_on` must be a list, not the text "b"'),
        ("depends_on: [3]", "18: node a: `depends_on` must be text, not the number 3"),
        ("env: {PORT: 80}", "17: node a: `env.PORT` must be text, not the number 80\n"
         "    Put it in quotes to make it text."),
        ("retry: 3", "12: node a: `retry` must be a mapping, not the number 3"),
        ("retry: {delay: fast}", "20: node a: `retry.delay` is wrong: 'fast' is not a duration"),
        ("retry: {attempts: 3}", '13: node a: unknown key "attempts"\n    Did you mean max_att'),
        ("timeout: true", "14: node a: `timeout` must be a duration, not true"),
        ("when: 3", "11: node a: `when` must be text, not the number 3"),
        ("when: ''", "11: node a: `when` must not be empty"),
        ("max_interruptions: 1.5", "24: node a: `max_interruptions` must be a whole number"),
        ("max_interruptions: true", "24: node a: `max_interruptions` must be a whole number"),
        ("with: [1]", "11: node a: `with` must be a mapping, not a list"),
    ],
)  # fmt: skip
def test_a_wrong_field_is_named_with_its_place(line: str, said: str) -> None:
    text = f"nodes:\n  - id: a\n    python: m:f\n    {line}\n"
    assert only(text).startswith(f"{FILE}:4:{said}")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a", "1:1: this is not a workflow: the file must hold a mapping"),
        ("[1]", "1:1: this is not a workflow: the file must hold a mapping"),
        ("name: x", "1:1: this has no `nodes`"),
        ("nodes:", "1:7: `nodes` must be a list, not null"),
        ("nodes: []", "1:8: `nodes` must have at least one node"),
        ("nodes: [3]", "1:9: this must be a mapping, not the number 3"),
        ("nodes: [{bash: x}]", "1:9: this has no `id`"),
        ("nodes: [{id: 3, bash: x}]", "1:14: `id` must be text, not the number 3"),
        ("nodes: [{id: a}]", "1:9: node a: this does nothing\n    Give it one of: bash, script"),
        ("nodes: [{id: a, bash: x, script: y}]", "1:26: node a: is `bash` already and cannot be"),
        ("nodes: [{id: a, bash: ''}]", "1:23: node a: `bash` must not be empty"),
        ("nodes: [{id: a, bash: }]", "1:23: node a: `bash` must be text, not null"),
        (
            "nodes: [{id: a, python: f}]",
            '1:25: node a: `python` must be `module:function`, not "f"',
        ),
        ("nodes: [{id: a, python: 'm:f()'}]", "1:25: node a: `python` must be `module:function`"),
        ("nodes: [{id: a, python: 'm:'}]", "1:25: node a: `python` must be `module:function`"),
        ("nodes: [{id: a, python: 3}]", "1:25: node a: `python` must be text, not the number 3"),
    ],
)
def test_a_workflow_without_what_it_needs_is_refused(text: str, said: str) -> None:
    assert only(text).startswith(f"{FILE}:{said}")


def test_a_doubled_key_does_not_hide_other_mistakes() -> None:
    found = complaints("name: x\nname: y\nnodes: [{id: a, bash: x, depends_on: [b]}]")
    assert [each.line for each in found] == [2, 3]


def test_a_refused_value_is_complained_about_once() -> None:
    assert only("nodes: [{id: a, bash: *x}]").startswith(f"{FILE}:1:23: aliases (*x)")


def test_a_flag_can_stand_as_a_condition() -> None:
    (node,) = loaded("nodes: [{id: a, bash: x, when: false}]").nodes
    assert node.when == "false"


def test_a_file_of_nothing_but_mistakes_is_given_up_on() -> None:
    assert len(complaints("".join(f"k{n}: 1\n" for n in range(50_000)))) == MOST_COMPLAINTS


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (Bash(command="x"), OutputFormat.TEXT),
        (Script(source="x"), OutputFormat.JSON),
        (Python(target="m:f"), OutputFormat.JSON),
    ],
)
def test_each_kind_has_its_output_format(body: Body, expected: OutputFormat) -> None:
    assert output_format(Node(id="a", body=body)) is expected
    for chosen in OutputFormat:
        assert output_format(Node(id="a", body=body, output=chosen)) is chosen


def test_every_body_of_the_model_has_its_row() -> None:
    assert {kind.body for kind in KINDS.values()} == set(Body.__args__) - {Plugged}
    assert kind_of(Plugged(name="sql")).name == "sql"
    assert kind_of(Composite(nodes=())).name == "nodes"
    assert kind_of(Composite(nodes=(), is_isolated=True)).name == "workflow"
    assert not set(OWNERS) & {field.key for field in NODE_FIELDS}


@pytest.mark.parametrize(
    ("fields", "model", "elsewhere"),
    [
        (WORKFLOW_FIELDS, Definition, {"folder"}),
        (NODE_FIELDS, Node, {"body"}),
        (RETRY_FIELDS, Retry, set()),
        (INPUT_FIELDS, Input, {"has_default"}),
        (LOOP_FIELDS, Loop, set()),
    ],
)
def test_every_field_of_the_model_has_its_row(
    fields: tuple[Field, ...], model: type[Definition], elsewhere: set[str]
) -> None:
    attributes = {field.attribute for field in fields if field is not ON_ITEM_FAILURE}
    assert attributes == set(model.__struct_fields__) - elsewhere


WORDS = ["nodes:", "id:", "bash:", "a", "[", "]", "{", "}", "- ", "\n", "  ", ": ", "'", '"', "|"]
SNIPPETS = st.lists(
    st.sampled_from([*WORDS, "&x", "*x", "!!y", "${{", "}}", "when:", "depends_on:"])
)


@given(st.text() | SNIPPETS.map("".join) | SNIPPETS.map(" ".join))
def test_any_text_is_a_workflow_or_a_list_of_complaints(text: str) -> None:
    assert all(said.file == FILE for said in complaints(text))


@given(st.binary())
def test_any_bytes_are_a_workflow_or_a_list_of_complaints(raw: bytes) -> None:
    assert complaints(raw)


FUZZED = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [field.key for field in (*WORKFLOW_FIELDS, *NODE_FIELDS)] + [*KINDS, *OWNERS]
            ),
            inner,
        )
    ),
    max_leaves=20,
)


@given(st.dictionaries(st.sampled_from([field.key for field in WORKFLOW_FIELDS]), FUZZED))
def test_any_value_in_any_field_is_read_or_complained_about(value: object) -> None:
    assert all(said.line > 0 for said in complaints(json.dumps(value)))
