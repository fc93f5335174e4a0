"""What holds for every expression: paths are Python's, and bad text does no harm."""

from __future__ import annotations

import json
import keyword
import warnings
from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from indelible.errors import ExpressionError
from indelible.expressions import Missing, parse_expression, parse_template
from indelible.values import Json, encode

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
) | st.text(st.characters(codec="utf-8"), max_size=5)
KEYS = st.from_regex(r"[a-z]{1,4}(-[a-z]{1,3})?", fullmatch=True) | st.text(
    st.characters(codec="utf-8"), max_size=4
)
TREES: st.SearchStrategy[Json] = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=20,
)

FRAGMENTS = (
    *("inputs", "nodes", "item", "output", "index", "foo", "len", "default", "join", "json", "min"),
    *("and", "or", "not", "in", "is", "if", "else", "for", "lambda", "true", "null", "None"),
    *("+", "-", "*", "**", "/", "//", "%", "<", ">", "=", "!", "&", "|", "~", "@", ":", ":=", ","),
    *("(", ")", "[", "]", "{", "}", "}}", "${{", "$", ".", "..", " ", "\n", "\t", "#", ";", "\\"),
    *("0", "1", "9", "1.", ".5", "1e5", "0x1", "1_0", "1j", "99999999", "'", '"', "'a'", '"b"'),
    *(
        "'\\d'",
        "f'{1}'",
        "b'x'",
        "r'\\d'",
        "'\\ud800'",
        "from_json",
        "'''",
        "\0",
        "\ud800",
        "é",
        "__class__",
        "rows",
        "x",
    ),
)
TEXTS = st.text(max_size=60) | st.lists(st.sampled_from(FRAGMENTS), max_size=25).map("".join)

NAMES: dict[str, object] = {
    "inputs": {"rows": [1, "a", None, {"x": [1.5]}], "x": "text"},
    "nodes": {"x": {"output": {"rows": []}}},
    "item": 3,
    "index": 0,
}


OPERATORS = ("+", "-", "*", "/", "//", "%", "==", "!=", "<", "<=", ">", ">=", "in", "not in")


def value_or_error(source: str, names: Mapping[str, object]) -> Json | ExpressionError:
    try:
        return parse_expression(source).evaluate(names)
    except ExpressionError as error:
        return error


@st.composite
def trees_and_paths(draw: st.DrawFn) -> tuple[Json, list[str | int]]:
    tree = here = draw(TREES)
    path: list[str | int] = []
    while isinstance(here, list | dict) and here and draw(st.booleans()):
        if isinstance(here, list):
            number = draw(st.integers(-len(here), len(here) - 1))
            path.append(number)
            here = here[number]
        else:
            key = draw(st.sampled_from(sorted(here)))
            path.append(key)
            here = here[key]
    return tree, path


def written(path: list[str | int], *, dotted: bool) -> str:
    steps = ""
    for step in path:
        is_name = isinstance(step, str) and step.isascii() and step.isidentifier()
        if dotted and is_name and not keyword.iskeyword(str(step)):
            steps += f".{step}"
        else:
            steps += f"[{step!r}]"
    return f"item{steps}"


@given(trees_and_paths(), st.booleans())
def test_a_path_leads_where_it_leads_in_python(
    case: tuple[Json, list[str | int]], dotted: bool
) -> None:
    tree, path = case
    expected: object = tree
    for step in path:
        expected = expected[step]  # type: ignore[index]
    assert parse_expression(written(path, dotted=dotted)).evaluate({"item": tree}) is expected


@given(TREES)
def test_any_value_can_be_written_and_read_again(tree: Json) -> None:
    names = {"item": tree}
    assert parse_expression("from_json(json(item)) == item").evaluate(names) is True
    text = parse_template(" ${{ item }}").evaluate(names)
    assert isinstance(text, str)
    assert isinstance(tree, str) or json.loads(text) == tree


@given(TEXTS)
def test_text_of_any_kind_has_a_json_value_or_an_expression_error(text: str) -> None:
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        answer = value_or_error(text, NAMES)
    assert heard == []
    if isinstance(answer, ExpressionError):
        str(answer).encode()
        assert 0 <= answer.column <= len(text) + 1
    else:
        encode(answer)


@given(TEXTS, st.booleans())
def test_a_template_of_any_text_has_a_value_or_an_expression_error(text: str, wrap: bool) -> None:
    try:
        parse_template("${{ " + text + " }}" if wrap else text).evaluate(NAMES)
    except ExpressionError as error:
        str(error).encode()


@given(TEXTS)
def test_a_reference_stands_at_its_column(text: str) -> None:
    try:
        expression = parse_expression(text)
    except ExpressionError:
        return
    for reference in expression.references:
        assert text[reference.column - 1 :].startswith(reference.root)


@given(TREES, TREES)
def test_operators_on_any_values_have_a_value_or_an_expression_error(
    left: Json, right: Json
) -> None:
    names = {"item": left, "output": right}
    for symbol in OPERATORS:
        answer = value_or_error(f"item {symbol} output", names)
        if isinstance(answer, ExpressionError):
            assert answer.problem.startswith("`item ")
        else:
            encode(answer)


def test_missing_keeps_its_parts() -> None:
    missing = Missing("gone", "look elsewhere")
    assert (missing.message, missing.hint, str(missing)) == ("gone", "look elsewhere", "gone")
