from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indelible.definition.places import Place
from indelible.definition.yaml_source import DEEPEST, LARGEST, read_yaml
from indelible.errors import DefinitionError
from indelible.values import Json


def data_of(text: str) -> Json:
    source, complaints = read_yaml(text.encode(), "f")
    assert complaints == []
    return source.data


def refused(raw: str | bytes) -> str:
    """The complaint that reading gives up with."""
    with pytest.raises(DefinitionError) as raised:
        read_yaml(raw if isinstance(raw, bytes) else raw.encode(), "f")
    (complaint,) = raised.value.complaints
    return str(complaint)


def noted(text: str) -> list[str]:
    """The complaints that leave the rest readable, without their hints."""
    return [str(said).splitlines()[0] for said in read_yaml(text.encode(), "f")[1]]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        *((word, word) for word in ("no", "yes", "on", "off", "y", "1:30", "2024-01-01", "0b1")),
        *((word, word) for word in ("nULL", "tRUE", "1_000", "0o8", "+-1", "1e", ".", "=", "-")),
        *((word, None) for word in ("null", "Null", "NULL", "~", "")),
        *((word, True) for word in ("true", "True", "TRUE")),
        *((word, False) for word in ("false", "False", "FALSE")),
        ("012", 12),
        ("-7", -7),
        ("0o14", 12),
        ("0xfF", 255),
        ("1.5", 1.5),
        ("-.5e1", -5.0),
        ("1.", 1.0),
        ("18446744073709551615", 2**64 - 1),
        ("'12'", "12"),
        ('"null"', "null"),
    ],
)
def test_a_scalar_is_what_yaml_1_2_says(written: str, value: Json) -> None:
    found = data_of(f"[{written}]" if written not in ("", "-") else f"- {written}")
    if written == "-":
        found = data_of("['-']")
    assert found == [value]
    assert isinstance(found, list)
    assert type(found[0]) is type(value)


@pytest.mark.parametrize("written", [".nan", ".inf", "-.INF", "+.Inf", ".NaN"])
def test_a_number_that_json_does_not_have_is_refused(written: str) -> None:
    assert noted(f"a: {written}") == [
        f"f:1:4: {written} is not a JSON number; use null, or put it in quotes"
    ]


@pytest.mark.parametrize("written", ["1e999", "9" * 5000, "18446744073709551616", "-" + "9" * 20])
def test_a_number_that_the_log_cannot_hold_is_refused(written: str) -> None:
    assert noted(f"a: {written}") == [
        "f:1:4: this number is too large; put it in quotes to keep it as text"
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: !!python/object:os.system x", "f:1:4: tags (!!python/object:os.system) are not"),
        ("a: !mine x", "f:1:4: tags (!mine) are not supported"),
        ("a: &x 1", "f:1:4: anchors (&x) are not supported"),
        ("a: *x", "f:1:4: aliases (*x) are not supported"),
        ("<<: {a: 1}", "f:1:1: merge keys (<<) are not supported"),
        ("a: 1\nb: 2\na: 3", 'f:3:1: the key "a" stands twice in this mapping'),
        ("on: 1\n1: 2", "f:2:1: a key must be text, not the number 1"),
        ("true: 2", "f:1:1: a key must be text, not true"),
        ("? [a]\n: 2", "f:1:3: a key must be text, not a list"),
        ('a: "x\\0y"', "f:1:4: a text cannot contain the character NUL"),
    ],
)
def test_what_yaml_can_do_and_a_workflow_must_not_is_refused(text: str, said: str) -> None:
    (complaint,) = noted(text)
    assert complaint.startswith(said)


def test_a_doubled_key_names_the_line_of_the_first_and_keeps_its_value() -> None:
    source, complaints = read_yaml(b"a: 1\nb: 2\na: {c: [3]}\nd: 4", "f")
    assert complaints[0].hint == "The first is in line 1; keep one of them."
    assert source.data == {"a": 1, "b": 2, "d": 4}


def test_an_alias_bomb_is_refused_without_going_off() -> None:
    bomb = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    bomb += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
    said = noted("\n".join(bomb))
    assert said[0] == "f:1:5: anchors (&a0) are not supported"
    assert said[2] == "f:2:10: aliases (*a0) are not supported"


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n", "\ufeff"])
def test_an_empty_file_is_called_empty(text: str) -> None:
    assert refused(text).startswith("f:1:1: the file is empty\n")


def test_a_file_of_ten_megabytes_is_refused_before_it_is_parsed() -> None:
    assert refused(b"[" * 10_000_000).startswith("f: the file is larger than 1,048,576 bytes")


def test_a_file_of_the_largest_size_is_read() -> None:
    assert data_of("a" * LARGEST) == "a" * LARGEST


@pytest.mark.parametrize(("opening", "column"), [("[", 51), ("- ", 101), ("{a: ", 201)])
def test_deep_nesting_is_refused_and_harms_nobody(opening: str, column: int) -> None:
    assert refused(opening * 100_000).startswith(f"f:1:{column}: nested more than 50 levels deep")


def test_the_deepest_allowed_nesting_is_read() -> None:
    assert json.dumps(data_of("[" * DEEPEST + "]" * DEEPEST)) == "[" * DEEPEST + "]" * DEEPEST


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"a: 1\nb: \xff", "f:2:4: this is not UTF-8"),
        ("a: 1".encode("utf-16"), "f:1:1: this is not UTF-8"),
        (b"a: 1\nb: x\0y", "f:2:5: the character U+0000 is not allowed in YAML"),
        ("ä: \x1b".encode(), "f:1:4: the character U+001B is not allowed in YAML"),
        (b"a: [1, 2", "f:2:1: this is not YAML: did not find expected ',' or ']'"),
        (b"a: b: c", "f:1:5: this is not YAML: mapping values are not allowed in this context"),
        (b"a:\n\tb: 1", "f:2:1: this is not YAML: found character that cannot start any token"),
        (b"a: 'x", "f:1:6: this is not YAML: found unexpected end of stream"),
        (b"a: 1\n---\nb: 2", "f:2:1: a second document begins here"),
    ],
)
def test_what_cannot_be_read_says_where_it_went_wrong(raw: bytes, said: str) -> None:
    assert refused(raw).startswith(said)


def test_an_unquoted_template_in_braces_gets_the_hint_that_helps() -> None:
    assert 'Inside { } a text with { or } in it needs quotes: "${{ … }}".' in refused(
        "env: {URL: ${{ inputs.url }}}"
    )


def test_a_byte_order_mark_and_carriage_returns_change_nothing() -> None:
    source, _ = read_yaml("\ufeffa: 1\r\nb: x\r\n".encode(), "f")
    assert source.data == {"a": 1, "b": "x"}
    assert source.locate(("b",)) == Place("f", 2, 4)


def test_every_value_and_key_knows_its_place() -> None:
    source, _ = read_yaml(b"a:\n  - x\n  - b: 'y'\n", "f")
    assert source.locate(("a", 1, "b")) == Place("f", 3, 8)
    assert source.locate_key(("a", 1, "b")) == Place("f", 3, 5)
    assert source.locate_key(("a", 0)) == Place("f", 2, 5)


def test_what_was_never_written_is_where_its_nearest_part_is() -> None:
    source, _ = read_yaml(b"a:\n  - x\n", "f")
    assert source.locate(("a", 3, "env", "X")) == Place("f", 2, 3)
    assert source.locate(("zzz",)) == Place("f", 1, 1)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a: one two", Place("f", 1, 8)),
        ("a: 'one two'", Place("f", 1, 9)),
        ('a: "one two"', Place("f", 1, 9)),
        ("a: |\n  one two\n", Place("f", 2, 7)),
        ('a: "\\x6fne two"', Place("f", 1, 4)),
        ("a: >\n  one\n  two\n", Place("f", 1, 4)),
    ],
)
def test_an_offset_into_a_text_is_a_place_where_the_text_is_written_as_it_reads(
    text: str, place: Place
) -> None:
    source, _ = read_yaml(text.encode(), "f")
    assert source.locate(("a",), offset=4) == place


def test_an_offset_finds_its_line_in_a_block() -> None:
    source, _ = read_yaml(b"a:\n  b: |\n    one\n      two\n    three\n", "f")
    text = "one\n  two\nthree\n"
    assert source.locate(("a", "b"), offset=text.index("three") + 2) == Place("f", 5, 7)
    assert source.locate(("a", "b"), offset=text.index("two")) == Place("f", 4, 7)


# JSON writes the characters beyond U+FFFF as two escapes, which YAML does not read.
TEXT = st.text(st.characters(max_codepoint=0xFFFF, exclude_categories=["Cs"]), max_size=6)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner),
    max_leaves=12,
)


@given(JSON.filter(lambda value: "\\u0000" not in json.dumps(value)))
def test_json_is_read_as_what_it_is(value: Json) -> None:
    assert data_of(json.dumps(value)) == value
