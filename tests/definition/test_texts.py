"""Which names exist where, and the short way to the references of simple expressions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.definition.written import FILE, complaints, only

from indelible.definition.texts import _plain
from indelible.expressions import ROOTS, parse_expression, parse_template

PLACES = {
    "for_each": "for_each: '[1]'\n    bash: x\n    env: {A: \"${{ %s }}\"}",
    "loop": "loop: {until: 'true', max_iterations: 1}\n    bash: x\n    env: {A: \"${{ %s }}\"}",
    "until": "loop: {until: '%s', max_iterations: 1}\n    bash: x",
    "items": "for_each: '[%s]'\n    bash: x",
    "when of a map": "for_each: '[1]'\n    bash: x\n    when: '%s'",
    "when of a loop": "loop: {until: 'true', max_iterations: 1}\n    bash: x\n    when: '%s'",
    "when in a map": "for_each: '[1]'\n    nodes: [{id: b, bash: x, when: '%s'}]",
    "env in a loop": "loop: {until: 'true', max_iterations: 1}\n"
    '    nodes: [{id: b, nodes: [{id: c, bash: x, env: {A: "${{ %s }}"}}]}]',
    "env": 'bash: x\n    env: {A: "${{ %s }}"}',
    "with": 'script: x\n    with: {a: "${{ %s }}"}',
    "prompt": 'prompt: "${{ %s }}"',
    "approval": 'approval: {message: "${{ %s }}"}',
    "wait": 'wait: {until: "${{ %s }}"}',
}
EXIST = {
    "for_each": {"item", "index", "secrets"},
    "loop": {"index", "previous", "secrets"},
    "until": {"output"},
    "items": set(),
    "when of a map": set(),
    "when of a loop": set(),
    "when in a map": {"item", "index"},
    "env in a loop": {"index", "previous", "secrets"},
    "env": {"secrets"},
    "with": {"secrets"},
    "prompt": {"secrets"},
    "approval": set(),
    "wait": set(),
}
SPECIAL = {
    "item": "item.x",
    "index": "index",
    "previous": "previous",
    "output": "output",
    "secrets": "secrets.KEY",
}


@pytest.mark.parametrize("place", PLACES)
def test_each_place_has_its_names(place: str) -> None:
    for root, written in SPECIAL.items():
        said = complaints(f"nodes:\n  - id: a\n    {PLACES[place] % written}\n")
        if root in EXIST[place]:
            assert said == [], root
        else:
            (found,) = said
            assert found.message.startswith((f"`{root}` exists only in", f"`{root}` cannot be us"))
            assert found.hint


def test_the_workflow_has_secrets_in_its_env_only() -> None:
    assert complaints('env: {A: "${{ secrets.A }}"}\nnodes: [{id: a, bash: x}]') == []
    said = only('outputs: {a: "${{ secrets.A }}"}\nnodes: [{id: a, bash: x}]')
    assert said.startswith(f"{FILE}:1:19: `secrets` cannot be used here")


def test_a_secret_goes_by_one_name() -> None:
    assert "`secrets` has no value\n    A secret is secrets.NAME." in only(
        'nodes: [{id: a, bash: x, env: {A: "${{ secrets }}"}}]'
    )


WORDS = st.sampled_from([*ROOTS, "a", "_b9", "true", "null", "None", "if", "class", "is", "9", "é"])
NAMES = st.lists(WORDS, min_size=1, max_size=4).map(".".join)
LITERALS = st.sampled_from(["1", "01", "-1", "true", "null", "'a b'", '"a"', "nodes.a", "1.5"])
COMPARED = st.tuples(
    NAMES, st.sampled_from([" == ", " < ", "==", " is ", " = ", " in "]), LITERALS
).map("".join)


@given(NAMES | COMPARED)
def test_the_short_way_finds_what_the_parser_finds(source: str) -> None:
    if (found := _plain(parse_expression, source)) is not None:
        assert (found,) == parse_expression(source).references


@given(NAMES | COMPARED, st.sampled_from(["${{ %s }}", "${{%s}}", "${{  %s }}", "x ${{ %s }}"]))
def test_the_short_way_through_a_template_too(source: str, form: str) -> None:
    text = form % source
    if (found := _plain(parse_template, text)) is not None:
        assert (found,) == parse_template(text).references


def test_the_short_way_is_taken() -> None:
    assert _plain(parse_expression, "nodes.a.output.rows") is not None
    assert _plain(parse_expression, "nodes.a.status == 'success'") is not None
    assert _plain(parse_template, "${{ inputs.day }}") is not None
