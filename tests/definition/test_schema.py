from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tests.definition.test_files import LANGUAGE

from indelible.definition.fields import INPUT_FIELDS, NODE_FIELDS, RETRY_FIELDS, WORKFLOW_FIELDS
from indelible.definition.kinds import KINDS, OWNERS
from indelible.definition.model import InputType, TriggerRule
from indelible.definition.schema import yaml_schema
from indelible.definition.yaml_source import read_yaml
from indelible.schemas import validate


def schema() -> Any:
    """The schema as an editor gets it: through JSON."""
    return json.loads(json.dumps(yaml_schema()))


def mappings(part: Any) -> Iterator[dict[str, Any]]:
    if isinstance(part, dict):
        yield part
        for each in part.values():
            yield from mappings(each)
    elif isinstance(part, list):
        for each in part:
            yield from mappings(each)


def test_the_schema_says_which_draft_it_is() -> None:
    assert schema()["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_every_row_of_the_tables_is_in_the_schema_with_its_description() -> None:
    whole = schema()
    node = whole["$defs"]["node"]
    inputs = whole["properties"]["inputs"]["additionalProperties"]
    for part, fields in (
        (whole, WORKFLOW_FIELDS),
        (node, NODE_FIELDS),
        (inputs, INPUT_FIELDS),
        (node["properties"]["retry"], RETRY_FIELDS),
    ):
        for field in fields:
            assert part["properties"][field.key]["description"] == field.description
        assert part.get("required", []) == [field.key for field in fields if field.required]


def test_a_node_has_exactly_one_kind_in_the_schema() -> None:
    node = schema()["$defs"]["node"]
    assert node["oneOf"] == [{"required": [name]} for name in KINDS]
    assert set(node["properties"]) == {field.key for field in NODE_FIELDS} | {*KINDS, *OWNERS}


def test_choices_are_listed_for_completion() -> None:
    whole = schema()
    node = whole["$defs"]["node"]["properties"]
    assert node["trigger_rule"]["enum"] == [rule.value for rule in TriggerRule]
    kinds = whole["properties"]["inputs"]["additionalProperties"]["properties"]["type"]["enum"]
    assert kinds == [kind.value for kind in InputType]


def test_no_mapping_with_known_keys_allows_others() -> None:
    closed = [part for part in mappings(schema()) if isinstance(part.get("properties"), dict)]
    assert len(closed) >= 4
    assert all(part["additionalProperties"] is False for part in closed if "type" in part)


def fits(text: str) -> str:
    source, _ = read_yaml(text.encode(), "flow.yaml")
    return validate(schema(), source.data)


def test_the_whole_language_fits_its_schema() -> None:
    assert fits(LANGUAGE) == ""


def test_a_node_inside_a_node_is_held_against_the_schema_too() -> None:
    said = fits("nodes: [{id: a, nodes: [{id: b, bash: x, tiemout: 3}]}]")
    assert said.startswith("$.nodes[0].nodes[0]: must not contain {'tiemout'} properties")
    assert fits("nodes: [{id: a, bash: x, prompt: y}]") != ""
    assert fits("nodes: [{id: a, loop: {until: x}, bash: x}]") != ""
