"""Every limit has a row: just inside it is taken, just beyond it is refused in words of ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from indelible import values
from indelible.definition.inputs import bind_inputs
from indelible.definition.model import Input, InputType
from indelible.definition.yaml_file import load_workflow
from indelible.errors import (
    CorruptLogError,
    DefinitionError,
    ExpressionError,
    InputError,
    ValueNotJsonError,
)
from indelible.expressions import parse_expression
from indelible.stores.codec import MAX_LINE
from indelible.stores.filesystem import FilesystemStore
from indelible.testing.logs import some_log


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


# Values: outputs, inputs, answers.


@pytest.mark.parametrize(
    "value", [-(2**63), 2**64 - 1, 1.7976931348623157e308, nested(100), "\U0010ffff\x00"]
)
def test_a_value_within_the_limits_comes_back(value: object) -> None:
    assert values.decode(values.encode(value)) == value


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"a": [2**64]}, r"\$\.a\[0\]: an integer of more than 64 bits"),
        (-(2**63) - 1, "an integer of more than 64 bits"),
        (10**5000, "an integer of more than 64 bits"),
        (float("inf"), "inf is not a JSON number"),
        (float("nan"), "nan is not a JSON number"),
        (nested(101), "nested more than 100 levels deep"),
        ("\ud800", "lone surrogate"),
        ({"\udfff": 1}, "lone surrogate"),
        ({1: "a"}, "the key 1 is not a string"),
        (b"x", "bytes are not JSON"),
        ({1, 2}, "set is not JSON"),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else type(value).__name__,
)
def test_a_value_that_json_cannot_hold_is_refused_with_its_path(value: object, said: str) -> None:
    with pytest.raises(ValueNotJsonError, match=said):
        values.encode(value)
    with pytest.raises(InputError, match="input x cannot be kept"):
        bind_inputs({"x": Input(type=InputType.ANY)}, {"x": value})  # type: ignore[dict-item]


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b'{"a":1,"a":2}', "a key stands twice"),
        (b"NaN", "NaN is not a JSON number"),
        (b"1e400", "1e400 is too large"),
        (b"-Infinity", "-Infinity is not a JSON number"),
        (b"9" * 5000, "limit"),
        (b'"\\ud800"', "lone surrogate"),
        (b'"\\uDFFF"', "lone surrogate"),
        (b"\xef\xbb\xbf1", "BOM"),
        ("1".encode("utf-16"), "decode"),
        (b"[" * 101 + b"]" * 101, "more than 100 levels"),
        (b"[" * 900 + b"]" * 900, "nested too deeply"),
        (b"[" * 10**6, "nested too deeply"),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_bytes_that_were_never_written_are_not_read(raw: bytes, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        values.decode(raw)


def test_brackets_in_texts_are_no_levels() -> None:
    value = ["[" * 500, '"[', "\\", '\\"[[{', {"{" * 300: "]"}]
    assert values.decode(values.encode(value)) == value


# Workflow files.


def test_a_file_of_more_than_a_megabyte_is_refused_before_it_is_parsed() -> None:
    text = "{nodes: [" + ",".join(f"{{id: n{i}, bash: x}}" for i in range(50_000)) + "]}"
    with pytest.raises(DefinitionError, match="the file is larger than 1,048,576 bytes"):
        load_workflow("flow.yaml", text=text.encode())


def test_files_that_stand_for_100001_nodes_are_refused(tmp_path: Path) -> None:
    rows = "\n".join(f"- {{id: n{i}, bash: x}}" for i in range(1000))
    (tmp_path / "inner.yaml").write_text(f"nodes:\n{rows}\n")
    outer = "\n".join(f"- {{id: n{i}, workflow: inner.yaml}}" for i in range(100))
    (tmp_path / "outer.yaml").write_text(f"nodes:\n{outer}\n")
    with pytest.raises(DefinitionError, match="more than 100,000 nodes"):
        load_workflow(tmp_path / "outer.yaml")


@pytest.mark.parametrize("text", ["echo ${{ inputs.x }}", "echo '${{ inputs.x }}'", "$(${{ x }})"])
def test_a_template_never_becomes_part_of_a_command(text: str) -> None:
    with pytest.raises(DefinitionError, match="env") as caught:
        load_workflow("f.yaml", text=f"nodes:\n- id: a\n  bash: {text!r}\n".encode())
    assert caught.value.complaints[0].line == 3


@pytest.mark.parametrize(
    "text",
    [
        "a: &x [1]\nb: *x",
        "&a [*a]",
        "a: !!python/object/apply:os.system [id]",
        "a: !!binary aGk=",
        "<<: {a: 1}",
        "a: .nan",
        "a: .inf",
        "a: 18446744073709551616",
        "a: 1\na: 2",
        "--- 1\n--- 2",
        "1: a",
        "a: " + "[" * 51 + "]" * 51,
    ],
)
def test_what_yaml_can_do_and_a_workflow_never_needs_is_refused(text: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        load_workflow("flow.yaml", text=text.encode())
    assert all(complaint.line > 0 for complaint in caught.value.complaints)


# Expressions.


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("1 +" * 2000 + " 1", "longer than 4,096|more than"),
        ("'a' * 1048577", "longer than 1,048,576"),
        ("[1] * 100001", "longer than 100,000 items"),
        ("9999999999 * 9999999999", "more than 64 bits"),
        ("(" * 250 + "1" + ")" * 250, "parenthes"),
        ("-" * 101 + "1", "nested more than 100 levels"),
        ("+".join(["1"] * 600), "more than 1,000 parts|nested"),
        ("().__class__", "tuple|not part"),
        ("inputs.__class__", "__class__ is not part"),
        ("open('/etc/passwd')", "unknown function 'open'"),
        ("__import__('os')", "unknown function"),
        ("[x for x in inputs.rows]", "comprehension is not part"),
        ("(lambda: 1)()", "only functions can be called|lambda"),
        ("2 ** 99999", "not an operator|too large|bits"),
    ],
)
def test_an_expression_cannot_cost_or_reach_more_than_it_may(source: str, said: str) -> None:
    with pytest.raises(ExpressionError, match=said):
        parse_expression(source).evaluate({"inputs": {"rows": [1]}})


# Logs.


def test_a_line_over_the_limit_is_refused_before_it_is_parsed(tmp_path: Path) -> None:
    store = FilesystemStore(tmp_path)
    with store.claim("r"):
        store.append("r", some_log("r", 2), expected=0)
    store.close()
    log = tmp_path / "r" / "events.jsonl"
    first = log.read_bytes().partition(b"\n")[0]
    log.write_bytes(first + b"[" * (MAX_LINE + 10) + b"\n" + log.read_bytes())
    with pytest.raises(CorruptLogError, match=r"line 1, byte 0: .*(limit|no end)"):
        list(store.read("r"))
