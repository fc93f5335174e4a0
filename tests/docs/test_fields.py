"""Each key of a workflow file has its section: type, default, an example; each kind its page."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from indelible.definition import body_shapes, fields, model
from indelible.definition.kinds import KINDS, OWNERS
from indelible.definition.schema import yaml_schema
from indelible.definition.shapes import Field
from indelible.definition.yaml_source import read_yaml
from indelible.schemas import validate
from tests.docs.blocks import blocks_of
from tests.docs.places import DOCS, headings, page, sections

GROUPS: Mapping[str, tuple[Sequence[Field], type[msgspec.Struct] | None]] = {
    "Workflow": (fields.WORKFLOW_FIELDS, model.Definition),
    "An input": (fields.INPUT_FIELDS, model.Input),
    "A node": (fields.NODE_FIELDS, model.Node),
    "Retry": (fields.RETRY_FIELDS, model.Retry),
    "Loop": (fields.LOOP_FIELDS, model.Loop),
    "For each": (fields.FOR_EACH_FIELDS, model.ForEach),
    "Only for one kind": ([field for kind in KINDS.values() for field in kind.fields], None),
}
"""The tables of the code, and where they are read into."""

OF_BODIES = {
    "Approval": "_APPROVAL_FIELDS",
    "A choice": "_CHOICE_FIELDS",
    "Wait": "_WAIT_FIELDS",
    "Agent": "_AGENT_FIELDS",
}
ALL: Mapping[str, tuple[Sequence[Field], type[msgspec.Struct] | None]] = {
    **GROUPS,
    **{title: (getattr(body_shapes, name), None) for title, name in OF_BODIES.items()},
}
EACH = [(title, field) for title, (table, _) in ALL.items() for field in table]


def test_every_table_of_the_code_is_looked_at() -> None:
    tables = {
        id(value)
        for module in (fields, body_shapes)
        for name, value in vars(module).items()
        if name.endswith("_FIELDS")
    }
    assert tables == {
        id(table) for title, (table, _) in ALL.items() if title != "Only for one kind"
    }


def test_every_field_has_its_section_and_every_section_its_field() -> None:
    of_page = sections(page("fields.md"), 2)
    found = {title: set(sections(text, 3)) for title, text in of_page.items()}
    assert found == {title: {field.key for field in table} for title, (table, _) in ALL.items()}


def section_of(title: str, field: Field) -> str:
    return sections(sections(page("fields.md"), 2)[title], 3)[field.key]


def default_in(struct: type[msgspec.Struct], attribute: str) -> object:
    known = {each.name: each for each in msgspec.structs.fields(struct)}
    found = known.get(attribute)
    if found is None or found.default is msgspec.NODEFAULT:
        return None
    return found.default


def written(default: object) -> str:
    """How a page writes a default."""
    match default:
        case None | "" | ():
            return "none"
        case bool():
            return f"`{str(default).lower()}`"
        case timedelta():
            seconds = default.total_seconds()
            return f"`{seconds / 60:g}m`" if seconds >= 60 else f"`{seconds:g}s`"
        case float():
            return f"`{default:g}`"
        case _:
            return f"`{default}`"


@pytest.mark.parametrize(("title", "field"), EACH, ids=lambda each: getattr(each, "key", each))
def test_a_section_says_type_and_default(title: str, field: Field) -> None:
    section = section_of(title, field)
    (said,) = re.findall(r"\A\s*\*.+\*, (required|default .+)$", section, re.M)
    assert (said == "required") is field.required
    struct = ALL[title][1]
    # The name of a workflow comes from its file, and what no struct has is not looked up.
    if struct is not None and not field.required and (title, field.key) != ("Workflow", "name"):
        expected = written(default_in(struct, field.attribute))
        if (title, field.key) == ("A node", "on_item_failure"):
            expected = written(default_in(model.ForEach, field.attribute))
        assert said.removeprefix("default ").startswith(expected)


@pytest.mark.parametrize(("title", "field"), EACH, ids=lambda each: getattr(each, "key", each))
def test_the_example_of_a_section_fits_the_schema_and_has_the_key(title: str, field: Field) -> None:
    (block,) = blocks_of(section_of(title, field).lstrip("\n"))
    source, complaints = read_yaml(block.text.encode(), "example.yaml")
    assert not complaints
    assert isinstance(source.data, dict)
    assert f"{field.key}:" in block.text
    schema: Any = yaml_schema()
    assert validate(schema, whole(title, source.data)) == ""


def whole(title: str, example: dict[str, Any]) -> Any:
    """The smallest workflow file that has the example at its place."""
    node = {"id": "only", **example}
    if title == "Workflow":
        return {"nodes": [{"id": "only", "bash": "true"}], **example}
    if title == "An input":
        return {"inputs": example, "nodes": [{"id": "only", "bash": "true"}]}
    if title == "A choice":
        node = {"id": "only", "approval": {"message": "?", **example}}
    elif "returns" in example:
        node["nodes"] = [{"id": "install", "bash": "true"}]
    elif "agent" in example:
        node["prompt"] = "?"
    elif not set(example) & set(KINDS):
        node["bash"] = "true"
    return {"nodes": [node]}


@pytest.mark.parametrize("name", [*KINDS, "for_each", "loop"])
def test_every_kind_of_node_has_a_page_with_an_example(name: str) -> None:
    files = [file for file in sorted((DOCS / "nodes").glob("*.md")) if file.stem != "README"]
    about = [file for file in files if f"`{name}`" in headings(file.read_text())[0]]
    assert len(about) == 1, f"pages about {name}: {about}"
    examples = [block.text for block in blocks_of(about[0].read_text()) if block.language == "yaml"]
    assert any(re.search(rf"^\s+(- )?{name}:", text, re.M) for text in examples)
    assert f"[`{name}`]({about[0].name})" in page("nodes/README.md")


@pytest.mark.parametrize("name", KINDS)
def test_what_a_kind_refuses_stands_on_its_page(name: str) -> None:
    words = {field.attribute: field.key for field in fields.NODE_FIELDS}
    (text,) = [
        file.read_text()
        for file in (DOCS / "nodes").glob("*.md")
        if file.stem != "README" and f"`{name}`" in headings(file.read_text())[0]
    ]
    refused = text.rpartition("Refused")[2]
    attempts = ("retry", "timeout", "grace", "on_interrupt", "max_interruptions")
    for attribute in KINDS[name].refuses:
        about_attempts = attribute in attempts and "about attempts" in refused
        assert about_attempts or f"`{words[attribute]}`" in refused, attribute


def test_keys_of_one_kind_only_are_known() -> None:
    assert set(OWNERS) == {field.key for field in GROUPS["Only for one kind"][0]}
