"""Every block of every page does what the page says."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from indelible.cli.main import VERBS, command_of
from indelible.definition.fields import INPUT_FIELDS, NODE_FIELDS, RETRY_FIELDS, WORKFLOW_FIELDS
from indelible.definition.kinds import KINDS
from indelible.definition.model import TriggerRule
from indelible.errors import IndelibleError
from indelible.events import EVENT_TYPES
from indelible.expressions.functions import FUNCTIONS
from tests.commands import ROOT
from tests.docs.blocks import Block, Command, Reader, blocks_of, commands_of, matches

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
_LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")


@pytest.mark.real
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_block_of_a_page_does_what_it_says(page: Path, tmp_path: Path) -> None:
    reader = Reader(tmp_path)
    for block in blocks_of(page.read_text()):
        reader.follow(block)


@pytest.mark.parametrize(
    "page", sorted(ROOT.rglob("docs/**/*.md")) + sorted(ROOT.glob("*.md")), ids=str
)
def test_every_link_leads_to_a_file(page: Path) -> None:
    for target in _LINK.findall(page.read_text()):
        assert (page.parent / target).exists(), f"{page.name}: {target}"


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text()


def test_every_field_of_a_workflow_file_is_documented() -> None:
    text = page("workflow-files.md")
    fields = [*WORKFLOW_FIELDS, *INPUT_FIELDS, *NODE_FIELDS, *RETRY_FIELDS]
    for name in [*(field.key for field in fields), *KINDS, *TriggerRule]:
        assert re.search(rf"`(?:[^`]* )?{name}\b", text), name


def test_every_function_of_expressions_is_documented() -> None:
    (listed,) = re.findall(r"^\* Functions: `([^`]+)`", page("workflow-files.md"), re.M)
    assert set(listed.split()) == set(FUNCTIONS)


def test_every_event_type_is_documented() -> None:
    text = page("events.md")
    assert set(re.findall(r"^\| `([a-z]+_[a-z]+)` \|", text, re.M)) == set(EVENT_TYPES)


def test_every_command_and_each_of_its_options_is_documented() -> None:
    common = {"--help", "--json", "--store"}
    lines = re.findall(r"^\| `indelible ([a-z]+)\b(.*)$", page("cli.md"), re.M)
    assert [verb for verb, _ in lines] == list(VERBS)
    for verb, line in lines:
        command = command_of(verb)
        options = (each for each in command.params if isinstance(each, click.Option))
        names = {max(each.opts, key=len) for each in options}
        assert set(re.findall(r"(?<=`)--[a-z-]+", line)) == names - common, verb


def every_error(root: type[IndelibleError]) -> set[type[IndelibleError]]:
    return {root}.union(*(every_error(kind) for kind in root.__subclasses__()))


def test_every_exit_code_is_documented() -> None:
    codes = {str(kind.exit_code) for kind in every_error(IndelibleError)} | {"0"}
    assert set(re.findall(r"^\| (\d+) \|", page("cli.md"), re.M)) == codes


# The convention itself.


def test_a_block_knows_its_file_and_its_line() -> None:
    text = "# A\n\n```yaml a.yaml invalid\nnodes: []\n```\n```json\n{}\n```\n"
    first, second = blocks_of(text)
    assert first == Block("yaml", ("a.yaml", "invalid"), "nodes: []\n", 3)
    assert (second.file, second.line) == ("block_6.json", 6)


def test_a_console_block_is_commands_and_their_output() -> None:
    assert list(commands_of("$ a\none\ntwo\n$ b | c\n")) == [
        Command("a", "one\ntwo\n"),
        Command("b | c", ""),
    ]


MATCHES = [
    ("one\n", "one", True),
    ("one …\n", "one two", True),
    ("a\n…\nz\n", "a\nb\nc\nz\n", True),
    ("…\nz\n", "z\n", True),
    ("…\n", "", True),
    ("a …\nz\n", "a\nb\nz\n", False),
    ("one\n", "one two", False),
    ("one …\n", "two one", False),
    ("v1.5\n", "v1x5", False),
    ("12:00:01 ✓ a 1.2 s\n", "09:10:11 ✓ a 417 ms\n", True),
    ("12:00:01 ✓ a 2 times\n", "09:10:11 ✓ a 3 times\n", False),
]


@pytest.mark.parametrize(("promised", "said", "is_match"), MATCHES)
def test_only_an_ellipsis_and_what_is_different_each_time_stand_for_more_than_they_say(
    promised: str, said: str, is_match: bool
) -> None:
    assert matches(promised, said) is is_match


def test_a_block_that_does_not_do_what_it_says_fails(tmp_path: Path) -> None:
    reader = Reader(tmp_path)
    for broken in ("$ echo one\ntwo\n", "$ false\n"):
        with pytest.raises(AssertionError):
            reader.follow(Block("console", (), broken, 1))
    with pytest.raises(AssertionError, match="exit code 1"):
        reader.follow(Block("python", (), "assert False\n", 1))
