"""What a node does, and what is said of it when it cannot."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.definition.written import FILE, complaints, loaded, only

from indelible.definition.check import check
from indelible.definition.kinds import KINDS, kind_of, output_format
from indelible.definition.model import (
    APPROVE,
    REJECT,
    Approval,
    Bash,
    Choice,
    Composite,
    Definition,
    ForEach,
    Loop,
    Node,
    OnItemFailure,
    OutputFormat,
    Prompt,
    Wait,
)

BASH = "bash: x"


def node_with(lines: str) -> Node:
    (node,) = loaded(f"nodes:\n  - id: a\n    {lines}\n").nodes
    return node


@pytest.mark.parametrize(
    ("written", "body"),
    [
        ("wait: 10m", Wait(duration=timedelta(minutes=10))),
        ("wait: 3", Wait(duration=timedelta(seconds=3))),
        ("wait: {until: '2026-11-23T06:00:00Z'}", Wait(until="2026-11-23T06:00:00Z")),
        ("wait: {until: 2020-01-01}", Wait(until="2020-01-01")),
        ("wait: {until: '${{ run.id }}'}", Wait(until="${{ run.id }}")),
        ("approval: {message: ok?}", Approval(message="ok?", choices=(APPROVE, REJECT))),
        (
            "approval: {message: ok?, choices: [go, {id: stop, fails: true}, reject]}",
            Approval(
                message="ok?", choices=(Choice(id="go"), Choice(id="stop", fails=True), REJECT)
            ),
        ),
        (
            "approval: {message: ok?, choices: [{id: reject}, {id: no, fails: false}]}",
            Approval(message="ok?", choices=(REJECT, Choice(id="no"))),
        ),
        (
            "approval: {message: ok?, answer_schema: {type: integer}}",
            Approval(message="ok?", answer_schema={"type": "integer"}),
        ),
        ("prompt: 'Hello ${{ run.id }}'", Prompt(text="Hello ${{ run.id }}")),
        (
            "prompt: Hello\n    agent: {command: [agent, --stdin]}",
            Prompt(text="Hello", command=("agent", "--stdin")),
        ),
        (
            "nodes: [{id: x, bash: x}]\n    returns: x",
            Composite(nodes=(Node(id="x", body=Bash(command="x")),), returns="x"),
        ),
    ],
)
def test_a_body_is_read(written: str, body: object) -> None:
    assert node_with(written).body == body


def test_the_modifiers_are_read() -> None:
    node = node_with(
        "bash: x\n    for_each: '[1]'\n    on_item_failure: collect\n    max_parallel: 2"
    )
    assert node.for_each == ForEach(items="[1]", on_item_failure=OnItemFailure.COLLECT)
    assert node.max_parallel == 2
    node = node_with("bash: x\n    for_each: {items: '[1]', on_item_failure: collect}")
    assert node.for_each == ForEach(items="[1]", on_item_failure=OnItemFailure.COLLECT)
    node = node_with("bash: x\n    loop: {until: output == '3', max_iterations: 5}")
    assert node.loop == Loop(until="output == '3'", max_iterations=5)


def test_the_agent_of_the_workflow_is_read() -> None:
    flow = loaded("agent: {command: [agent]}\nnodes: [{id: a, prompt: x}]")
    assert flow.agent == ("agent",)


@pytest.mark.parametrize(
    ("line", "column", "said"),
    [
        ("wait: -5", 11, "`wait` is wrong: -5 is negative"),
        ("wait: -5m", 11, "`wait` is wrong: '-5m' is not a duration; write it like"),
        ("wait: {until: tomorrow}", 19, '"tomorrow" is not a moment\n    Write it as RFC 3339'),
        ("wait: {}", 11, "`wait` has no `until`"),
        ("wait: {unti: x, until: '${{ run.id }}'}", 12, 'unknown key "unti"'),
        ("approval: Ok?", 15, '`approval` must be a mapping, not the text "Ok?"'),
        ("approval: {}", 15, "`approval` has no `message`"),
        (
            "approval: {message: x, choices: []}",
            37,
            "`approval.choices` must have at least one choice",
        ),
        ("approval: {message: x, choices: [a, b, a]}", 44, 'the choice "a" is there twice'),
        ("approval: {message: x, choices: [3]}", 38, "`approval.choices` must be a mapping"),
        ("approval: {message: x, choices: [{fails: true}]}", 38, "`approval.choices` has no `id`"),
        (
            "approval: {message: x, answer_schema: {type: strin}}",
            50,
            "this is not a JSON Schema: $.type must be one of",
        ),
        ("prompt: ''", 13, "`prompt` must not be empty"),
        ("nodes: []", 12, "a composite must have at least one node"),
        ("nodes: x", 12, '`nodes` must be a list, not the text "x"'),
        ("workflow: '${{ inputs.x }}'", 15, "`workflow` takes no `${{ }}`\n    A definition is"),
    ],
)
def test_a_wrong_body_is_complained_about_where_it_stands(
    line: str, column: int, said: str
) -> None:
    assert only(f"nodes:\n  - id: a\n    {line}\n").startswith(f"{FILE}:3:{column}: node a: {said}")


@pytest.mark.parametrize(
    ("lines", "place", "said"),
    [
        (
            "loop: {until: output}",
            "4:11",
            "`loop` has no `max_iterations`\n"
            "    It needs a bound: loop: {until: output.ok, max_iterations: 5}",
        ),
        ("loop: {max_iterations: 3}", "4:11", "`loop` has no `until`\n    Such as: loop: {until:"),
        (
            "loop: {until: output, max_iterations: 0}",
            "4:43",
            "`max_iterations` must be 1 or more",
        ),
        (
            "for_each: '[1]'\n    loop: {until: output, max_iterations: 2}",
            "5:11",
            "a node cannot have both `for_each` and `loop`; nest them: "
            "for_each: …, nodes: [{id: …, loop: …}]",
        ),
        ("for_each: [eu, us]", "4:15", "`for_each` must be an expression, not a list\n    A list "
         "written out is an expression in quotes: '[\"eu\", \"us\"]'"),
        ("for_each: 3", "4:15", "`for_each` must be a mapping, not the number 3"),
        ("for_each: '3'", "4:15", "`for_each` is the number 3, which is neither a list nor an obj"),
        ("for_each: {items: \"'abc'\"}", "4:23", '`for_each` is the text "abc", which is neither'),
        ("for_each: {on_item_failure: fail}", "4:15", "`for_each` has no `items`"),
        ("for_each: '[1'", "4:15", "`[1`: '[' was never closed"),
        ("for_each: '[]'\n    on_item_failure: no", "5:22", '`on_item_failure` cannot be "no"'),
        ("on_item_failure: fail", "4:5", "`on_item_failure` makes no sense without `for_each`"),
        ("max_parallel: 2", "4:19", "`max_parallel` makes no sense without `for_each`, `nodes`"),
        ("for_each: '[]'\n    max_parallel: -1", "5:19", "`max_parallel` must be 0 (no limit of"),
        ("returns: x", "4:5", "`returns` makes no sense on a bash node\n    It belongs to `nod"),
        ("agent: {command: [x]}", "4:5", "`agent` makes no sense on a bash node\n    It belongs "
         "to `prompt`."),
        ("output_schema: {type: [strin]}", "4:28", "this is not a JSON Schema: $.type[0] must be"),
        ("output_schema: x", "4:20", '`output_schema` must be a mapping, not the text "x"'),
    ],
)  # fmt: skip
def test_a_wrong_modifier_is_complained_about_where_it_stands(
    lines: str, place: str, said: str
) -> None:
    found = only(f"nodes:\n  - id: a\n    bash: x\n    {lines}\n")
    assert found.startswith(f"{FILE}:{place}: node a: "), found
    assert said in found


@pytest.mark.parametrize(
    ("agent", "said"),
    [
        ("{command: ['a ${{ run.id }}']}", "the command of an agent takes no `${{ }}`"),
        ("{command: []}", "`agent` needs a command"),
        ("{command: x}", "`agent.command` must be a list"),
        ("{}", "`agent` has no `command`"),
        ("x", "`agent` must be a mapping"),
    ],
)
def test_an_agent_is_a_command_without_templates(agent: str, said: str) -> None:
    assert said in only(f"nodes: [{{id: a, prompt: x, agent: {agent}}}]")
    assert said in only(f"agent: {agent}\nnodes: [{{id: a, prompt: x}}]")


SAMPLES = {
    "bash": "bash: x",
    "script": "script: x",
    "prompt": "prompt: x",
    "approval": "approval: {message: x}",
    "wait": "wait: 3",
    "nodes": "nodes: [{id: x, bash: x}]",
}
FIELDS = {
    "retry": "{}",
    "timeout": "3s",
    "grace": "3s",
    "on_interrupt": "fail",
    "max_interruptions": "2",
    "env": "{A: x}",
    "with_": "{a: x}",
    "cwd": "x",
    "output": "json",
    "executor": "thread",
    "output_schema": "{}",
}


@pytest.mark.parametrize("kind", [kind for kind in SAMPLES if KINDS[kind].refuses])
def test_what_makes_no_sense_on_a_kind_is_refused_with_the_way_out(kind: str) -> None:
    for field, value in FIELDS.items():
        key = field.rstrip("_")
        said = complaints(f"nodes:\n  - id: a\n    {SAMPLES[kind]}\n    {key}: {value}\n")
        hint = KINDS[kind].refuses.get(field)
        if hint is None:
            assert said == []
        else:
            message = f"`{key}` makes no sense on {KINDS[kind].noun}"
            assert [(each.message, each.hint, each.line) for each in said] == [(message, hint, 4)]


def test_every_refusal_is_about_a_field_of_the_model() -> None:
    for kind in KINDS.values():
        assert set(kind.refuses) <= set(Node.__struct_fields__)
        assert all(kind.refuses.values())


def test_what_code_can_do_wrong_is_found_too() -> None:
    def said(**fields: Any) -> str:
        (found,) = check(Definition(name="f", nodes=(Node(**{"id": "a", **fields}),)))
        return found.message

    assert said(body=Wait()) == "needs a duration or a moment"
    assert said(body=Wait(duration=timedelta(-1))).startswith("`wait` must be from 0s to 10000d")
    assert said(body=Wait(duration=timedelta(20_000))).startswith("`wait` must be from 0s to")
    each: Any = ForEach(items="[]", on_item_failure="no")  # type: ignore[arg-type]
    assert said(body=Bash(command="x"), for_each=each).startswith("`on_item_failure` must be fail")
    assert said(body=Composite(nodes=())) == "a composite must have at least one node"


def test_a_schema_makes_an_output_json() -> None:
    for kind in ("bash", "prompt"):
        node = node_with(f"{SAMPLES[kind]}\n    output_schema: {{}}")
        assert (kind_of(node.body).output, output_format(node)) == (
            OutputFormat.TEXT,
            OutputFormat.JSON,
        )
    assert output_format(node_with("bash: x\n    output: text\n    output_schema: {}")) == "text"
