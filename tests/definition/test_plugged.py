"""Kinds of nodes that other packages add: how they are found, read, refused and kept."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.commands import environment, program
from tests.definition.written import complaints, loaded, only
from tests.plug_ins import add_package, add_shelf, importable

import indelible as ink
from indelible.definition.kinds import kind_of
from indelible.definition.model import Composite, Node, Plugged
from indelible.definition.normal import decode_definition, encode_definition
from indelible.definition.plugged import check_installed, load_kind
from indelible.definition.schema import yaml_schema
from indelible.definition.shapes import UnfitError
from indelible.definition.yaml_source import read_yaml
from indelible.errors import DefinitionError, UsageError
from indelible.plan import make_plan
from indelible.schemas import validate

LIGHT = """
import sys
from indelible.definition.yaml_file import load_workflow
from indelible.nodes import node_kinds
node_kinds()
load_workflow("flow.yaml", text=b"nodes: [{id: a, bash: x, env: {A: b}}]")
print(sorted(name for name in sys.modules if "plug" in name or name == "importlib.metadata"))
"""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Path]:
    """A folder of installed packages, with shelves in it."""
    folder = tmp_path / "site"
    folder.mkdir()
    add_shelf(folder)
    with importable(folder):
        yield folder


def shelf(fields: str) -> str:
    return f"nodes:\n  - id: a\n    shelf: {fields}\n"


def said(text: str) -> list[str]:
    """Place, problem and hint of each complaint."""
    return [f"{each.line}:{each.column} {each.message} | {each.hint}" for each in complaints(text)]


# How it gets into the definition.


@pytest.mark.usefixtures("site")
def test_a_plugged_node_is_kept_as_it_was_written() -> None:
    (node,) = loaded(shelf("{label: L, items: ['${{ run.id }}']}")).nodes
    assert node.body == Plugged(
        name="shelf",
        fields={"label": "L", "items": ["${{ run.id }}"]},
        templates=("items",),
        package="acme-shelves",
    )


@pytest.mark.usefixtures("site")
def test_its_log_gives_it_back_also_without_its_package() -> None:
    definition = loaded(shelf("{label: L, box: {size: 3}, boxes: {a: {}}, anything: [1.5, null]}"))
    assert decode_definition(encode_definition(definition)) == definition
    assert kind_of(definition.nodes[0].body).noun == "a shelf node"


@pytest.mark.usefixtures("site")
def test_python_and_yaml_make_the_same_node() -> None:
    flow = ink.Workflow("flow")
    fields: dict[str, Any] = {"label": "L", "items": (1, "b")}
    flow.plugged("a", "shelf", fields, timeout="5s")
    written = loaded(shelf("{label: L, items: [1, b]}\n    timeout: 5s"))
    assert flow.build().nodes == written.nodes


def test_python_takes_the_struct_of_the_kind(site: Path) -> None:
    import acme_shelves  # type: ignore[import-not-found]

    flow = ink.Workflow("flow")
    flow.plugged("a", "shelf", acme_shelves.Shelf(label="L", from_="f"))
    (node,) = flow.build().nodes
    assert isinstance(node.body, Plugged)
    read = msgspec.convert(node.body.fields, acme_shelves.Shelf)
    assert read == acme_shelves.Shelf(label="L", from_="f")
    assert node.body.fields["from"] == "f"


@pytest.mark.usefixtures("site")
def test_plugged_nodes_stand_in_composites_maps_and_loops() -> None:
    definition = loaded(
        "nodes:\n"
        "  - id: all\n"
        "    for_each: '[1, 2]'\n"
        "    nodes:\n"
        "      - {id: a, shelf: {label: '${{ item }}'}}\n"
        "      - {id: b, depends_on: [a], loop: {until: output, max_iterations: 2},\n"
        "         shelf: {label: x, items: ['${{ nodes.a.output }}', '${{ previous }}']}}\n"
    )
    assert [path for path, _ in make_plan(definition).graph.plugged()] == ["all/a", "all/b"]
    assert isinstance(definition.nodes[0].body, Composite)


# What is wrong with it.


@pytest.mark.usefixtures("site")
def test_every_mistake_in_its_fields_is_said_at_its_place() -> None:
    text = (
        "nodes:\n"
        "  - id: a\n"
        "    shelf:\n"
        "      lable: L\n"
        "      height: three\n"
        "      items: [1, 2.5]\n"
        "      mode: opn\n"
        "      box: {size: x, sise: 1}\n"
        "      boxes: {b: 4}\n"
        "      from: 3\n"
    )
    assert said(text) == [
        '4:7 unknown key "lable" | Did you mean label?',
        "4:7 `shelf` has no `label` | What it says.",
        '5:15 `shelf.height` must be a whole number, not the text "three" | ',
        "6:18 `shelf.items` must be a whole number or text, not the number 2.5 "
        "| Put it in quotes to make it text.",
        '7:13 `shelf.mode` cannot be "opn" | Did you mean open?',
        '8:19 `shelf.box.size` must be a whole number, not the text "x" | ',
        '8:22 unknown key "sise" | Did you mean size?',
        "9:18 `shelf.boxes.b` must be a mapping, not the number 4 | ",
        "10:13 `shelf.from` must be text, not the number 3 | Put it in quotes to make it text.",
    ]


CASES = [
    ("[]", "`shelf` must be a mapping, not a list"),
    ("{label: L, height: 0}", "`shelf.height` must be a whole number >= 1, not the number 0"),
    ("{label: L, box: [1]}", "`shelf.box` must be a mapping, not a list"),
    ("{label: L, mode: closed, items: [1]}", "is wrong: a closed shelf takes no items"),
    ("{label: L, anything: .nan}", "3:33: .nan is not a JSON number"),
    ("{label: L, from: '${{ run.id }}'}", "`shelf.from` takes no `${{ }}`"),
    ("{label: L, mode: '${{ run.id }}'}", "`shelf.mode` takes no `${{ }}`"),
    ("{label: '${{ inputs.x }}'}", 'input "x" is not declared'),
    ("{label: '${{ nodes.b.output }}'}", 'refers to node "b", which does not exist'),
    ("{label: '${{ 1 + }}'}", "3:28: node a: `1 +`"),
    ("{label: L}\n    with: {a: 1}", "`with` makes no sense on a shelf node"),
    ("{label: L}\n    output: json", "`output` makes no sense on a shelf node"),
]


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize(("fields", "problem"), CASES)
def test_a_wrong_field_is_refused(fields: str, problem: str) -> None:
    assert problem in only(shelf(fields))


@pytest.mark.usefixtures("site")
def test_a_template_may_stand_where_its_value_would_not_fit() -> None:
    fields = "{label: L, height: '${{ 1 + 1 }}', items: '${{ [1, 2] }}', mode: closed}"
    assert complaints(shelf(fields)) == []


@pytest.mark.usefixtures("site")
def test_secrets_may_be_used_in_templates() -> None:
    assert complaints(shelf("{label: '${{ secrets.TOKEN }}'}")) == []


@pytest.mark.usefixtures("site")
def test_a_mistyped_kind_is_recognised() -> None:
    first, second = complaints("nodes: [{id: a, shelv: {}}]")
    assert "bash" in first.hint + second.hint
    assert "Did you mean shelf?" in (first.hint, second.hint)


@pytest.mark.usefixtures("site")
def test_two_kinds_in_one_node_are_refused() -> None:
    said_of = only("nodes: [{id: a, bash: x, shelf: {label: L}}]")
    assert "is `bash` already and cannot be `shelf` too" in said_of


@pytest.mark.usefixtures("site")
def test_python_says_what_is_wrong_with_file_and_line() -> None:
    flow = ink.Workflow("flow")
    flow.plugged("a", "shelf", {"label": 3})
    flow.plugged("b", "shelv", {})
    no_json: dict[str, Any] = {"label": "L", "anything": object()}
    flow.plugged("c", "shelf", no_json)
    with pytest.raises(DefinitionError) as caught:
        flow.build()
    first, second, third = caught.value.complaints
    assert "`shelf.label` must be text" in first.message
    assert (second.message, second.hint) == (
        'there is no kind of node "shelv"',
        "Did you mean shelf?",
    )
    assert "`shelf`: $.anything" in third.message
    assert {each.file for each in caught.value.complaints} == {__file__}
    assert 0 < first.line < second.line < third.line


# What is installed.


BROKEN = [
    ("no_such_module:KIND", {}, "ModuleNotFoundError: No module named 'no_such_module'"),
    ("acme_bad:KIND", {"acme_bad": "1 / 0"}, "ZeroDivisionError"),
    ("acme_bad:KIND", {"acme_bad": "raise SystemExit(3)"}, "SystemExit: 3"),
    ("acme_bad:KIND", {"acme_bad": ""}, "has no attribute 'KIND'"),
    ("acme_bad:KIND", {"acme_bad": "KIND = 3"}, "is a int"),
    ("acme_shelves:SHELF", {}, "is the kind shelf"),
]


@pytest.mark.parametrize(("target", "modules", "problem"), BROKEN)
def test_a_package_that_does_not_load_is_named_where_its_kind_is_used(
    site: Path, target: str, modules: dict[str, str], problem: str
) -> None:
    add_package(site, "acme-bad", {"bad": target}, version="2.1", **modules)
    assert complaints(shelf("{label: L}")) == []
    text = only("nodes: [{id: a, bad: {}}]")
    assert text.startswith("flow.yaml:1:")
    assert f"the entry point bad = {target} of acme-bad 2.1" in text
    assert problem in text


def test_a_kind_of_two_packages_is_refused_and_both_are_named(site: Path) -> None:
    add_package(site, "umbrella", {"shelf": "acme_shelves:SHELF"}, version="3.0")
    text = only(shelf("{label: L}"))
    assert "`shelf` is a kind of node in two packages: " in text
    assert "acme-shelves 1.0" in text
    assert "umbrella 3.0" in text
    assert complaints("nodes: [{id: a, soon: {label: L}}]") == []


@pytest.mark.parametrize(("name", "what"), [("bash", "kind"), ("timeout", "field")])
def test_nothing_takes_the_place_of_what_is_built_in(site: Path, name: str, what: str) -> None:
    add_package(site, "umbrella", {name: "acme_shelves:SHELF"}, version="3.0")
    assert complaints("nodes: [{id: a, bash: x, timeout: 3s}]") == []
    text = only(shelf("{label: L}\n    timeout: 3s"))
    assert f"umbrella 3.0 adds the kind `{name}`" in text
    assert f"the {what} `{name}` of indelible itself" in text


def test_a_missing_kind_says_what_to_install() -> None:
    body = Plugged(name="shelf", fields={"label": "L"}, package="acme-shelves")
    with pytest.raises(DefinitionError) as caught:
        check_installed([("all/a", body), ("b", Plugged(name="other"))])
    first, second = caught.value.complaints
    assert (first.node, first.hint) == ("all/a", "Install it: pip install acme-shelves")
    assert "`shelf` is no kind of node that is installed" in first.message
    assert (second.node, second.hint) == ("b", "Installed are: none.")


@pytest.mark.usefixtures("site")
def test_fields_that_another_version_wrote_are_looked_at_before_they_run() -> None:
    body = Plugged(name="shelf", fields={"label": "L", "depth": 3}, package="acme-shelves")
    with pytest.raises(DefinitionError, match='node a: unknown key "depth"'):
        check_installed([("a", body)])


def test_a_kind_that_nobody_adds_is_no_kind() -> None:
    with pytest.raises(UnfitError, match="is no kind of node that is installed"):
        load_kind("shelf")


class Few(msgspec.Struct):
    """Fields of a kind that is made here."""

    one: int = 0


class Odd(msgspec.Struct):
    """A field that no JSON can be read into."""

    one: complex = 0j


def test_a_kind_that_makes_no_sense_is_refused_when_it_is_made() -> None:
    with pytest.raises(UsageError, match="the kind few has no field two"):
        ink.NodeKind(name="few", fields=Few, run=print, templates=("one", "two"))
    with pytest.raises(TypeError, match="complex"):
        ink.NodeKind(name="odd", fields=Odd, run=print)


# What an editor knows, and what nobody pays for.


def fits(text: str) -> str:
    source, _ = read_yaml(text.encode(), "flow.yaml")
    return validate(msgspec.json.decode(msgspec.json.encode(yaml_schema())), source.data)


@pytest.mark.usefixtures("site")
def test_the_schema_knows_what_is_installed() -> None:
    assert fits(shelf("{label: L, height: '${{ 1 }}', box: {size: 1}, items: [1, b]}")) == ""
    for fields in ("{}", "{label: 3}", "{label: L, box: {sise: 1}}", "{label: L, mode: x}"):
        assert fits(shelf(fields)) != "", fields


def test_the_schema_is_there_although_a_package_is_broken(site: Path) -> None:
    add_package(site, "acme-bad", {"bad": "no_such_module:KIND"})
    assert fits("nodes: [{id: a, bad: [1]}]") == ""


@pytest.mark.real
def test_a_workflow_without_plugged_nodes_does_not_look_for_packages(tmp_path: Path) -> None:
    done = program(sys.executable, "-c", LIGHT, cwd=tmp_path, env=environment())
    assert done.stdout == "[]\n"


def test_the_row_of_a_missing_kind_refuses_what_all_plugged_kinds_refuse() -> None:
    node = Node(id="a", body=Plugged(name="gone"))
    assert set(kind_of(node.body).refuses) == {"with_", "output"}
