"""JSON Schema: what is a schema, what fits it, and that reading one is harmless."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indelible.schemas import UNSUPPORTED, check_schema, validate
from indelible.values import Json

ROWS: Json = {
    "type": "object",
    "required": ["rows"],
    "properties": {
        "rows": {"type": "array", "items": {"properties": {"price": {"type": "number"}}}}
    },
}


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ({"rows": []}, ""),
        ({"rows": [{"price": 1}, {}]}, ""),
        ({"rows": [{}, {"price": "1"}]}, '$.rows[1].price: must be number, but is "1"'),
        ({}, "$: must contain ['rows'] properties, but is {}"),
        ([1], "$: must be object, but is [1]"),
    ],
)
def test_a_misfit_names_its_place_and_what_was_expected(value: Json, problem: str) -> None:
    assert validate(ROWS, value) == problem


def test_a_large_misfit_is_not_shown_whole() -> None:
    problem = validate({"type": "string"}, [list(range(1000))] * 1000)
    assert problem.startswith("$: must be string, but is [[0, 1, 2")
    assert problem.endswith("…")
    assert len(problem) < 200


@pytest.mark.parametrize(
    ("schema", "value", "fits"),
    [
        (True, 1, True),
        (False, 1, False),
        ({"type": "integer"}, True, False),
        ({"type": ["string", "null"]}, None, True),
        ({"enum": [1]}, True, False),
        ({"const": {"a": 1}}, {"a": 1}, True),
        ({"$defs": {"p": {"type": "string"}}, "items": {"$ref": "#/$defs/p"}}, [1], False),
        ({"$schema": "https://json-schema.org/draft/2020-12/schema", "minimum": 2}, 1, False),
        ({"$id": "https://example.org/a", "items": {"$ref": "#"}}, [[]], True),
        ({"format": "date-time"}, "2026-11-23T06:00:00Z", True),
        ({"format": "date-time"}, "soon", False),
        ({"items": [{"type": "string"}], "additionalItems": False}, ["a", 1], False),
        ({"if": {"const": 1}, "else": {"type": "string"}}, 2, False),
        ({"properties": {"id": {"type": "string"}, "$ref": {"type": "number"}}}, {"id": "a"}, True),
    ],
)
def test_a_schema_does_what_it_says(schema: Json, value: Json, fits: bool) -> None:
    assert check_schema(schema) == ""
    assert (validate(schema, value) == "") is fits


@pytest.mark.parametrize(
    ("schema", "problem"),
    [
        ("string", "$: must be object or boolean"),
        ({"type": "strnig"}, "$.type: must be one of ['array',"),
        ({"type": []}, "$.type: must contain at least 1 items"),
        ({"properties": {"a": {"minimum": "1"}}}, "$.properties.a.minimum: must be number"),
        ({"properties": 5}, "$.properties: must be object"),
        ({"required": "a"}, "$.required: must be array"),
        ({"required": [1]}, "$.required[0]: must be string"),
        ({"items": 5}, "$.items: must be object or boolean"),
        ({"anyOf": []}, "$.anyOf: must contain at least 1 items"),
        ({"not": {"minLength": -1}}, "$.not.minLength: must be bigger than or equal to 0"),
        ({"multipleOf": 0}, "$.multipleOf: must be bigger than 0"),
        ({"pattern": "("}, "$.pattern: must be a valid regex"),
        ({"patternProperties": {"(": {}}}, "$.patternProperties"),
        ({"enum": 5}, "$.enum: must be array"),
        ({"$ref": "#/nowhere"}, "$: unresolvable ref: nowhere"),
    ],
)
def test_what_is_no_schema_is_refused_with_its_place(schema: Json, problem: str) -> None:
    assert check_schema(schema).startswith(problem)


@pytest.mark.parametrize("keyword", UNSUPPORTED)
def test_a_keyword_that_nobody_would_check_is_refused(keyword: str) -> None:
    said = check_schema({"properties": {"a": {keyword: {}}}})
    assert said.startswith(f"$.properties.a.{keyword}: is a keyword that is not supported")


@pytest.mark.parametrize("scheme", ["file", "http", "gopher", "data"])
def test_nothing_is_fetched(tmp_path: Path, scheme: str) -> None:
    elsewhere = tmp_path / "schema.json"
    elsewhere.write_text("{}")
    address = f"{scheme}://{elsewhere}"
    assert "must match pattern ^#" in check_schema({"$ref": address})
    said = check_schema({"items": {"$ref": "#/hidden"}, "hidden": {"$ref": address}})
    assert "can refer to its own parts only" in said


def test_a_schema_that_only_refers_to_itself_is_a_misfit_and_no_crash() -> None:
    assert validate({"$ref": "#"}, 1) == "$: the schema refers to itself without end"


def test_nothing_is_filled_in_and_nothing_is_changed() -> None:
    schema: Json = {"properties": {"a": {"default": 1}}, "items": {"$ref": "#"}}
    value: Json = {}
    assert validate(schema, value) == ""
    assert value == {}
    assert schema == {"properties": {"a": {"default": 1}}, "items": {"$ref": "#"}}


@given(st.text(), st.text())
def test_names_are_only_names_whatever_is_in_them(name: str, other: str) -> None:
    schema: Json = {
        "properties": {name: {"const": other}},
        "required": [name],
        "enum": [{name: other}],
        "dependencies": {name: [name]},
    }
    assert check_schema(schema) == ""
    assert validate(schema, {name: other}) == ""
    assert validate(schema, {}) != ""
    assert validate(schema, {name: other + "x"}) != ""
