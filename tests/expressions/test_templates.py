"""Strings with ``${{ }}`` in them, and values with such strings in them."""

from __future__ import annotations

import pytest

from indelible.errors import ExpressionError
from indelible.expressions import Reference, has_template, parse_template, parse_value
from indelible.values import Json

NAMES = {
    "inputs": {"n": 5, "s": "text", "rows": [1, {"a": None}], "f": 1.5, "no": None, "ok": True},
    "item": "é",
}

GOOD: tuple[tuple[str, object], ...] = (
    ("", ""),
    ("plain", "plain"),
    ("$HOME ${HOME} {{ x }} }} $$", "$HOME ${HOME} {{ x }} }} $$"),
    ("${{ inputs.n }}", 5),
    ("${{inputs.rows}}", [1, {"a": None}]),
    ("${{ inputs.no }}", None),
    ("${{ inputs.n }} ", "5 "),
    ("${{ inputs.n }}${{ inputs.s }}", "5text"),
    ("n=${{ inputs.n }} f=${{ inputs.f }} s=${{ inputs.s }}", "n=5 f=1.5 s=text"),
    ("${{ inputs.ok }}/${{ inputs.no }}/${{ false }}", "true/null/false"),
    ("${{ inputs.rows }}!", '[1,{"a":null}]!'),
    ("é${{ item }}é", "ééé"),
    ("${{ '}}' }}", "}}"),
    ('${{ "it\'s }}" }}!', "it's }}!"),
    ("${{ {'a': {'b': 1}} }}", {"a": {"b": 1}}),
    ("${{ {'a': {'b': {}}}}}", {"a": {"b": {}}}),
    ("${{ {'a': 1}.a }}}}", "1}}"),
    ("${{\n  inputs.n\n  + 1\n}}", 6),
    ("$${{ inputs.n }}", "${{ inputs.n }}"),
    ("$$${{", "$${{"),
    ("$${{ ${{ inputs.n }} $${{", "${{ 5 ${{"),
)


@pytest.mark.parametrize(("text", "expected"), GOOD, ids=[text for text, _ in GOOD])
def test_a_template_gives_its_value_or_its_text(text: str, expected: object) -> None:
    value = parse_template(text).evaluate(NAMES)
    assert value == expected
    assert type(value) is type(expected)
    assert parse_value(text).evaluate(NAMES) == expected


BAD: tuple[tuple[str, int, str], ...] = (
    ("a ${{ inputs.n", 3, "a `${{` is never closed\nEnd it with `}}`, and check its quotes."),
    ("${{ 'it }}", 1, "unterminated string literal"),
    ("${{ inputs.n }", 1, "never closed"),
    ("ab ${{ inptus.n }} ${{ foo }}", 8, "`inptus.n`: unknown name 'inptus'\nDid you mean inputs?"),
    ("x\ny ${{ nodes.a-b.output }}", 9, "Write nodes['a-b'].output."),
    ("${{ }}", 4, "the expression: it is empty"),
    ("${{ ${{ item }} }}", 5, "a `${{ }}` inside an expression"),
    ("${{ '" + "x" * 5000 + "' }}", 1, "never closed"),
)


@pytest.mark.parametrize(("text", "column", "message"), BAD, ids=[text[:30] for text, _, _ in BAD])
def test_a_bad_template_is_refused_with_the_column_in_its_text(
    text: str, column: int, message: str
) -> None:
    for parse in (parse_template, parse_value):
        with pytest.raises(ExpressionError) as caught:
            parse(text)
        assert message in str(caught.value)
        assert caught.value.source == text
        if "unterminated" not in message:
            assert caught.value.column == column


def test_a_value_too_deep_to_be_written_is_an_expression_error() -> None:
    deep: Json = []
    for _ in range(99):
        deep = [deep]
    assert parse_template("${{ [item] }}").evaluate({"item": deep}) == [deep]
    with pytest.raises(ExpressionError, match="nested more than 100 levels deep"):
        parse_template("so: ${{ [item] }}").evaluate({"item": deep})


def test_an_expression_without_a_value_is_named() -> None:
    with pytest.raises(ExpressionError) as caught:
        parse_template("rows: ${{ inputs.rowz }}").evaluate(NAMES)
    assert caught.value.problem == "`inputs.rowz`: `inputs` has no key 'rowz'"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", False),
        ("${HOME} $(x) {{ y }}", False),
        ("$${{ x }}", False),
        ("${{ x }}", True),
        ("$${{ x }} ${{", True),
    ],
)
def test_a_template_is_found_unless_it_is_escaped(text: str, found: bool) -> None:
    assert has_template(text) is found


def test_references_of_a_template_have_columns_in_its_whole_text() -> None:
    text = "é ${{ inputs.n }} and ${{ 1 + nodes.a.output }}"
    template = parse_template(text)
    assert template.references == (
        Reference(("inputs", "n"), text.index("inputs") + 1),
        Reference(("nodes", "a", "output"), text.index("nodes") + 1),
    )
    assert not template.is_constant


def test_a_string_without_an_expression_is_constant() -> None:
    for text in ("", "plain", "$${{ x }}"):
        assert parse_template(text).is_constant
        assert parse_template(text).references == ()


def test_templates_are_replaced_at_any_depth_of_a_value() -> None:
    value = parse_value({"a": ["${{ inputs.n }}", {"b": "x${{ item }}"}], "${{ key }}": 1.5})
    assert not value.is_constant
    assert value.evaluate(NAMES) == {"a": [5, {"b": "xé"}], "${{ key }}": 1.5}
    assert [found.path for found in value.references] == [("inputs", "n"), ("item",)]


def test_an_escape_inside_a_value_is_taken_off() -> None:
    assert parse_value(["$${{ x }}"]).evaluate({}) == ["${{ x }}"]


def test_parts_of_a_value_without_templates_are_shared_and_not_copied() -> None:
    constant: Json = {"rows": [1, 2]}
    value = parse_value([constant, "${{ inputs.n }}"]).evaluate(NAMES)
    assert isinstance(value, list)
    assert value[0] is constant
    whole = parse_value(constant)
    assert whole.is_constant
    assert whole.references == ()
    assert whole.evaluate({}) is constant


def test_a_value_that_is_nested_too_deeply_is_refused() -> None:
    value: list[object] = []
    for _ in range(10_000):
        value = [value]
    with pytest.raises(ExpressionError, match="nested more than 100 levels deep"):
        parse_value(value)  # type: ignore[arg-type]  # deeper than the type says
