"""What expressions mean, what they refuse, and what they say then."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping

import pytest

from indelible.errors import ExpressionError
from indelible.expressions import ROOTS, Missing, Reference, parse_expression


class Lazy(Mapping[str, object]):
    """A mapping as the engine hands it in: it looks a value up when asked, and may fail then."""

    def __init__(self, **items: object) -> None:
        self.items_by_name = items

    def __getitem__(self, key: str) -> object:
        found = self.items_by_name[key]
        if isinstance(found, Exception):
            raise found
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self.items_by_name)

    def __len__(self) -> int:
        return len(self.items_by_name)


ROWS = [{"id": 1, "price": 2.5}, {"id": 2, "price": 4.0}]
NAMES: Mapping[str, object] = {
    "inputs": {"limit": 5, "day": "2026-11-23", "tags": ["a", "b"], "nothing": None, "ok": True},
    "nodes": Lazy(
        fetch=Lazy(output={"rows": ROWS, "total": 2}, status="succeeded"),
        broken=Lazy(
            output=Missing("broken did not complete", "Use default(...)."), status="failed"
        ),
        **{"cool-down": Lazy(output=7)},
    ),
    "item": "x",
    "index": 3,
    "run": {"id": "r1"},
}

GOOD: tuple[tuple[str, object], ...] = (
    ("1", 1),
    ("  1.5  ", 1.5),
    ("'it'", "it"),
    ('"say \\"hi\\"\\n"', 'say "hi"\n'),
    ("'\\u00e9 \\x41'", "é A"),
    ("true", True),
    ("False", False),
    ("null", None),
    ("None", None),
    ("[1, 'a', null, [true]]", [1, "a", None, [True]]),
    ("{'a': 1, 'b': {'c': []}}", {"a": 1, "b": {"c": []}}),
    ("inputs.limit + 1", 6),
    ("inputs.limit - 1 * 2 / 4", 4.5),
    ("7 // 2 + 7 % 4", 6),
    ("-inputs.limit + +1", -4),
    ("'day ' + inputs.day", "day 2026-11-23"),
    ("inputs.tags + ['c']", ["a", "b", "c"]),
    ("'-' * 3", "---"),
    ("2 * [0]", [0, 0]),
    ("[0] * -1", []),
    ("1 < inputs.limit <= 5", True),
    ("inputs.limit == 5 and not inputs.limit != 5", True),
    ("true == 1", True),
    ("'a' in inputs.tags and 'z' not in inputs.tags", True),
    ("'limit' in inputs", True),
    ("inputs.nothing or 'fallback'", "fallback"),
    ("inputs.ok and inputs.tags", ["a", "b"]),
    ("false and 1 / 0", False),
    ("'big' if inputs.limit > 3 else 1 / 0", "big"),
    ("nodes.fetch.output.rows[1].price", 4.0),
    ("nodes.fetch.output.rows[-1]['id']", 2),
    ("nodes['cool-down'].output", 7),
    ("nodes.fetch.output['rows'][index - 3].id", 1),
    ("nodes.broken.status == 'failed'", True),
    ("nodes.fetch.output.total-inputs.limit", -3),
    ("item\n  + item\n", "xx"),
    ("run.id", "r1"),
    ("default(nodes.broken.output.rows[0], [])", []),
    ("default(inputs.missing.deeper, 'none')", "none"),
    ("default(inputs.tags[9], 'none')", "none"),
    ("default(inputs.nothing.x, 'none')", "none"),
    ("default(inputs.nothing, 'none')", None),
    ("default(previous, 0) + 1", 1),
    ("default(inputs.limit, 1 / 0)", 5),
    ("default(len(nodes.broken.output), default(inputs.x, 9))", 9),
    ("default(min([]), 0)", 0),
    ("len(inputs.tags) + len('abc') + len({'a': 1})", 6),
    ("min(3, 1, 2) + max([1, 5])", 6),
    ("sum([1, 2.5]) + abs(-2)", 5.5),
    ("[round(2.6), round(2.345, 1)]", [3, 2.3]),
    ("lower('A') + upper('b') + trim(' c ')", "aBc"),
    ("split('a,b', ',') + split(' c  d ')", ["a", "b", "c", "d"]),
    ("join(['a', 1, null], '-') + join(['x', 'y'])", "a-1-nullxy"),
    ("[contains('abc', 'b'), contains([1], 2), contains(inputs, 'day')]", [True, False, True]),
    ("starts_with('abc', 'ab') and ends_with('abc', 'bc')", True),
    ("[keys({'a': 1}), values({'a': 1})]", [["a"], [1]]),
    ("[string('a'), string(1.0), string([1, 'é'])]", ["a", "1.0", '[1,"é"]']),
    ("[number('2'), number('2.5'), number(true), integer('7'), integer(7.9)]", [2, 2.5, 1, 7, 7]),
    ("json({'a': [1, 'x']})", '{"a":[1,"x"]}'),
    ("from_json('{\"a\": [1]}').a[0]", 1),
    ("any([false, 1]) and all([]) and not any([])", True),
    ("sorted([3, 1, 2])", [1, 2, 3]),
)


@pytest.mark.parametrize(("source", "expected"), GOOD, ids=[source for source, _ in GOOD])
def test_an_expression_has_the_value_that_python_would_give_it(
    source: str, expected: object
) -> None:
    value = parse_expression(source).evaluate(NAMES)
    assert value == expected
    assert type(value) is type(expected)


REFUSED_BEFORE_IT_RUNS: tuple[tuple[str, int, str], ...] = (
    ("", 0, "it is empty"),
    (" \n ", 0, "it is empty"),
    ("1 +", 4, "invalid syntax"),
    ("(1", 1, "'(' was never closed"),
    ("'abc", 1, "unterminated string literal"),
    ("inputs.x + inptus.y", 12, "Did you mean inputs? Known names: inputs, nodes,"),
    ("  foo", 3, "unknown name 'foo'"),
    ("'é' + foo", 7, "unknown name 'foo'"),
    ("1 +\n  foo", 7, "unknown name 'foo'"),
    ("lenn(item)", 1, "unknown function 'lenn'\nDid you mean len?"),
    ("len", 1, "len is a function\nCall it: len("),
    ("split()", 1, "split() does not take 0 arguments\nIt is written split(string, separator)."),
    ("len(1, 2)", 1, "len() does not take 2 arguments"),
    ("len(**inputs)", 1, "len() does not take named arguments"),
    ("nodes.cool-down.output > 3", 1, "Write nodes['cool-down'].output."),
    ("1 + nodes.step-2.output", 5, "Write nodes['step-2'].output."),
    ("nodes.a-b-c.output", 1, "Write nodes['a-b-c'].output."),
    ("nodes.build-output.status", 1, "Write nodes['build-output'].output."),
    ("nodes.2nd.output", 1, "Write nodes['2nd'].output."),
    ("item && index", 6, "Write `and`."),
    ("item || index", 6, "Write `or`."),
    ("!item", 1, "Write `not`."),
    ("item = 1", 6, "Write `==` to compare."),
    ("item === 1", 6, "Write `==` or `!=`."),
    ("item is null", 1, "`is` is not an operator of the language\nWrite == or !=."),
    ("${{ item }}", 1, "Write what stands between the braces."),
    ("item # why", 6, "a comment"),
    ("'''item'''", 1, "a triple quote"),
    ("'\\d'", 2, "\\d means nothing in a string\nWrite \\\\ for a backslash."),
    ("'\\1'", 2, "means nothing in a string"),
    ("1if item else 2", 1, "a number runs into a word"),
    ("item[1:2]", 6, "a slice is not part of the language"),
    ("1, 2", 1, "a tuple is not part of the language\nWrite a list: [a, b]."),
    ("{1, 2}", 1, "a set is not part of the language"),
    ("[*item]", 2, "a star is not part of the language"),
    ("{**inputs}", 1, "`**` in an object is not part of the language"),
    ("[x for x in item]", 1, "a comprehension is not part of the language"),
    ("lambda: 1", 1, "a lambda is not part of the language"),
    ("f'{item}'", 1, "an f-string is not part of the language"),
    ("(x := 1)", 2, "an assignment is not part of the language"),
    ("await item", 1, "Await is not part of the language"),
    ("import os", 1, "invalid syntax"),
    ("item.lower()", 1, "not methods or values\nIt is written lower(string)."),
    ("len(item)(1)", 1, "only functions can be called"),
    ("item.__class__", 1, "__class__ is not part of the language"),
    ("().__class__.__bases__[0].__subclasses__()", 1, "only functions can be called"),
    ("''.__class__.__mro__", 1, "__mro__ is not part of the language"),
    ("__import__('os').system('true')", 1, "only functions can be called"),
    ("__import__('os')", 1, "unknown function '__import__'"),
    ("eval('1')", 1, "unknown function 'eval'"),
    ("getattr(item, 'x')", 1, "unknown function 'getattr'"),
    ("__builtins__", 1, "unknown name '__builtins__'"),
    ("9**9**9", 1, "`**` is not an operator of the language"),
    ("1 << 99999", 1, "`<<` is not an operator of the language"),
    ("item | item", 1, "`|` is not an operator of the language"),
    ("~index", 1, "`~` is not an operator of the language"),
    ("b'x'", 1, "bytes is not JSON"),
    ("1j", 1, "complex is not JSON"),
    ("...", 1, "ellipsis is not JSON"),
    ("item + 1e999", 8, "the number is too large"),
    ("9" * 400, 1, "more than 64 bits"),
    ("1\x00", 0, ""),
    ("item + '\\ud800'", 8, "half of a surrogate pair is not a character"),
    ("'\ud800'", 0, "`'\\ud800'`: it holds characters that cannot be read"),
    ("(" * 3000, 201, "too many nested parentheses"),
    ("[" * 150 + "]" * 150, 101, "nested more than 100 levels deep"),
    ("-" * 4000 + "1", 0, "nested"),
    ("not " * 500 + "1", 0, "nested more than 100 levels deep"),
    ("item" + ".a" * 500, 0, "nested more than 100 levels deep"),
    ("1" + "+1" * 1500, 0, "nested more than 100 levels deep"),
    ("[" + "1," * 1500 + "]", 0, "more than 1,000 parts"),
    ("'" + "x" * 5000 + "'", 0, "longer than 4,096 characters"),
    ("(" * 10_000 + ")" * 10_000, 0, "longer than 4,096 characters"),
)


@pytest.mark.parametrize(
    ("source", "column", "message"),
    REFUSED_BEFORE_IT_RUNS,
    ids=[ascii(source[:40]) for source, _, _ in REFUSED_BEFORE_IT_RUNS],
)
def test_what_is_not_the_language_is_refused_when_it_is_parsed(
    source: str, column: int, message: str
) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse_expression(source)
    assert message in str(caught.value)
    assert caught.value.source == source
    if column:
        assert caught.value.column == column


WITHOUT_A_VALUE: tuple[tuple[str, str], ...] = (
    ("inputs.limitt", "`inputs` has no key 'limitt'\nKeys there: limit, day, tags, nothing, ok."),
    ("nodes.fetch.output.x", "`nodes.fetch.output` has no key 'x'\nKeys there: rows, total."),
    ("nodes.fetch.result", "`nodes.fetch` has no key 'result'\nKeys there: output, status."),
    ("inputs.tags[2]", "`inputs.tags` has no item 2\nIt has 2, counted from 0."),
    ("inputs.nothing.x", "`inputs.nothing` is null"),
    ("inputs.limit.x", "`inputs.limit` is an integer and has no parts"),
    ("inputs.tags.length", "`inputs.tags` is indexed by an integer, not by a string"),
    ("inputs[0]", "`inputs` is indexed by a string, not by an integer"),
    ("inputs.tags[[]]", "`inputs.tags` is indexed by an integer, not by an array"),
    ("previous", "previous has no value here\nIt is the output of the iteration before"),
    ("nodes.broken.output", "broken did not complete\nUse default(...)."),
    ("nodes", "`nodes` is not a value by itself"),
    ("[nodes.fetch]", "`nodes.fetch` is not a value by itself"),
    ("len(nodes)", "`nodes` is not a value by itself"),
    ("nodes == nodes", "`nodes` is not a value by itself"),
    ("nodes.fetch and 1", "`nodes.fetch` is not a value by itself"),
    ("default(nodes, 1)", "`nodes` is not a value by itself"),
    ("1 < 'a'", "`<` does not work on an integer and a string"),
    ("'a' + 1", "`+` does not work on a string and an integer"),
    ("null + 1", "`+` does not work on null and an integer"),
    ("-'a'", "`-` does not work on a string"),
    ("'%s' % 1", "`%` does not work on a string and an integer"),
    ("1 in 2", "`in` does not work on an integer and an integer"),
    ("1 / 0", "division by zero"),
    ("1 % 0", "division by zero"),
    ("{1: 2}", "the key of an object is a string, not an integer"),
    ("{[]: 2}", "the key of an object is a string, not an array"),
    ("lower(1)", "lower() does not take an integer as argument 1\nIt is written lower(string)."),
    ("sum(['a'])", "sum() needs values of one kind"),
    ("sorted([1, 'a'])", "sorted() needs values of one kind"),
    ("min(5)", "min() takes an array, or more than one value"),
    ("max([])", "max() of an empty array"),
    ("split('a', '')", "split() needs a separator that is not empty"),
    ("number('x')", "number() got a string that is not a number"),
    ("number('nan')", "the number is too large, or not a number"),
    ("integer('1.5')", "integer() got a string that is not an integer"),
    ("from_json('{')", "from_json() got a string that is not JSON"),
    ("from_json('[' * 100000)", "from_json() got a string that is not JSON: nested too deeply"),
    ("from_json('\"\\\\ud800\"')", "lone surrogate"),
    ("from_json('[' * 101 + ']' * 101)", "nested too deeply: more than 100 levels"),
    ('from_json(\'{"a":1,"a":2}\')', "a key stands twice in one object"),
    ("'x' * 9999999999", "the string would be longer than 1,048,576 characters"),
    ("9999999999 * [0]", "the array would be longer than 100,000 items"),
    ("('x' * 1000000) + ('x' * 1000000)", "the string would be longer than 1,048,576 characters"),
    ("[0] * 99999 + [0, 0]", "the array would be longer than 100,000 items"),
    ("[[['abc'] * 1000] * 1000] * 1000", "the array would hold more than 1,048,576 characters"),
    ("join(['x' * 1000000, 'x' * 1000000])", "the string would be longer than 1,048,576"),
    ("join([''] * 1000, 'x' * 10000)", "the string would be longer than 1,048,576"),
    ("json(['x' * 1000000, 'x' * 1000000])", "the string would be longer than 1,048,576"),
    ("split('x' * 1000000, 'x')", "the array would be longer than 100,000 items"),
    ("upper('\u0390' * 1000000)", "the string would be longer than 1,048,576"),
    ("1e308 * 10", "the number is too large"),
    ("round(1, -999999999)", "round() takes at most"),
    ("9999999999 * 9999999999", "the integer has more than 64 bits"),
    ("integer('9' * 4000)", "the integer has more than 64 bits"),
)


@pytest.mark.parametrize(
    ("source", "message"), WITHOUT_A_VALUE, ids=[source[:50] for source, _ in WITHOUT_A_VALUE]
)
def test_an_expression_without_a_value_says_what_was_wrong(source: str, message: str) -> None:
    expression = parse_expression(source)
    with pytest.raises(ExpressionError) as caught:
        expression.evaluate(NAMES)
    assert message in str(caught.value)
    assert caught.value.problem.startswith(f"`{source[:90]}")
    assert caught.value.source == source
    assert caught.value.column > 0


def test_a_missing_key_names_ten_of_those_that_are_there() -> None:
    inputs = {f"key{number}": number for number in range(14)}
    with pytest.raises(ExpressionError) as caught:
        parse_expression("inputs.x").evaluate({"inputs": inputs})
    assert caught.value.hint == (
        "Keys there: key0, key1, key2, key3, key4, key5, key6, key7, key8, key9 and 4 more."
    )


def test_an_error_shows_no_value() -> None:
    secrets = {"token": "hunter2-hunter2"}
    for source in ("secrets.token + 1", "number(secrets.token)", "from_json(secrets.token)"):
        with pytest.raises(ExpressionError) as caught:
            parse_expression(source).evaluate({"secrets": secrets})
        assert "hunter2" not in str(caught.value)


def test_what_could_move_a_cursor_is_escaped_in_a_message() -> None:
    with pytest.raises(ExpressionError) as caught:
        parse_expression("inputs['\x1b[2J\u202e']").evaluate({"inputs": {"\x1b[1m": 1}})
    assert str(caught.value).replace("\n", "").isprintable()


def test_references_are_paths_with_columns_in_the_order_of_the_source() -> None:
    source = "nodes.a.output.rows[0].x > inputs['n'] and nodes[item].output or run"
    assert parse_expression(source).references == (
        Reference(("nodes", "a", "output", "rows"), 1),
        Reference(("inputs", "n"), 28),
        Reference(("nodes",), 44),
        Reference(("item",), 50),
        Reference(("run",), 66),
    )
    assert parse_expression("default(nodes['b-c'].output, 1)").references == (
        Reference(("nodes", "b-c", "output"), 9),
    )
    assert parse_expression("1 + len('nodes.a')").references == ()
    assert parse_expression("nodes.a.output").references[0].root == "nodes"


def test_the_column_of_a_reference_counts_characters_of_the_source_as_given() -> None:
    source = "  'é' +\n nodes.a.output"
    (reference,) = parse_expression(source).references
    assert source[reference.column - 1 :] == "nodes.a.output"


def test_every_root_can_be_read() -> None:
    for root in ROOTS:
        assert parse_expression(root).evaluate({root: [1]}) == [1]


def test_a_value_is_passed_on_and_not_copied() -> None:
    rows = [{"a": 1}]
    assert parse_expression("inputs.rows").evaluate({"inputs": {"rows": rows}}) is rows
    chosen = parse_expression("default(inputs.x, inputs.rows) if true else 0")
    assert chosen.evaluate({"inputs": {"rows": rows}}) is rows


@pytest.mark.parametrize("error", [OSError("disk"), TypeError("t"), ValueError("v"), LookupError()])
def test_what_a_lazy_mapping_raises_passes_through(error: Exception) -> None:
    nodes = Lazy(a=Lazy(output=error))
    for source in ("nodes.a.output", "default(nodes.a.output, 1)", "len(nodes.a.output) + 1"):
        with pytest.raises(type(error)) as caught:
            parse_expression(source).evaluate({"nodes": nodes})
        assert caught.value is error


def test_only_what_is_needed_is_looked_up() -> None:
    nodes = Lazy(a=Lazy(output=OSError("not this one"), status="succeeded"))
    source = "nodes.a.status == 'succeeded' or nodes.a.output"
    assert parse_expression(source).evaluate({"nodes": nodes}) is True


def test_a_root_may_be_missing_in_its_own_way() -> None:
    names = Lazy(previous=Missing("there is no iteration before the first"))
    assert parse_expression("default(previous, 5)").evaluate(names) == 5
    with pytest.raises(ExpressionError, match="no iteration before the first"):
        parse_expression("previous").evaluate(names)


def test_what_is_not_json_is_not_a_value() -> None:
    for value in (object(), len, (1, 2), b"x"):
        with pytest.raises(ExpressionError, match="not a value by itself"):
            parse_expression("item").evaluate({"item": value})


def test_the_same_source_is_parsed_once() -> None:
    assert parse_expression("item + 41") is parse_expression("item + 41")


def test_the_evaluator_has_a_row_for_all_that_the_grammar_lets_through() -> None:
    from indelible.expressions import grammar, jail, operators

    assert set(jail.HANDLERS) == set(grammar.RULES)
    assert set(operators.OPERATORS) <= set(operators.SYMBOLS)


def test_a_workflow_without_expressions_does_not_pay_for_them() -> None:
    script = (
        "import sys\n"
        "from indelible.expressions import parse_template, parse_value\n"
        "parse_template('plain'), parse_value({'a': ['b']})\n"
        "print(sorted({'simpleeval', 'random', 'difflib', 'indelible.expressions.grammar'}"
        " & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
