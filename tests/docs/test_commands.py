"""Each command has its page: how it is typed, every option, every exit code, an example."""

from __future__ import annotations

import re

import click
import pytest

from indelible.cli.exit_codes import MEANINGS, OF_VERB
from indelible.cli.main import VERBS, command_of
from indelible.errors import IndelibleError
from tests.docs.blocks import blocks_of, commands_of
from tests.docs.places import page, rows, sections

OF_ALL = {"--help", "--json", "--store"}


def options_of(verb: str) -> dict[str, click.Option]:
    """By their long names."""
    options = [each for each in command_of(verb).params if isinstance(each, click.Option)]
    return {max(each.opts, key=len): each for each in options}


@pytest.mark.parametrize("verb", VERBS)
def test_a_command_has_a_page_that_says_how_it_is_typed(verb: str) -> None:
    text = page(f"cli/{verb}.md")
    assert text.startswith(f"# indelible {verb}\n")
    command = command_of(verb)
    # With its settings: click keeps the help option that it makes for the first context.
    context = click.Context(command, info_name=f"indelible {verb}", **command.context_settings)
    usage = command.get_usage(context)
    (typed,) = [block.text.strip() for block in blocks_of(text) if block.language == "text"]
    assert typed.split() == usage.removeprefix("Usage: ").split()


@pytest.mark.parametrize("verb", VERBS)
def test_a_page_has_every_option_with_its_values_and_nothing_else(verb: str) -> None:
    options = options_of(verb)
    table = page(f"cli/{verb}.md").partition("## Example")[0]
    lines = re.findall(r"^\| `(--[a-z-]+)([^|]*)`?([^|]*)\|", table, re.M)
    assert {name for name, *_ in lines} == set(options) - OF_ALL
    for name, *rest in lines:
        said = "".join(rest)
        for short in set(options[name].opts) - {name}:
            assert f"`{short}`" in said, name
        kind = options[name].type
        for choice in kind.choices if isinstance(kind, click.Choice) and verb != "events" else ():
            assert f"`{choice}`" in said, name


@pytest.mark.parametrize("verb", VERBS)
def test_a_page_has_the_exit_codes_and_an_example(verb: str) -> None:
    parts = sections(page(f"cli/{verb}.md"), 2)
    codes = re.findall(r"^\| (\d+) \| .+ \|$", parts["Exit codes"], re.M)
    assert tuple(map(int, codes)) == OF_VERB[verb]
    typed = [
        command.line
        for block in blocks_of(parts["Example"])
        if block.language == "console"
        for command in commands_of(block.text)
    ]
    assert any(f"indelible {verb}" in line for line in typed)


def test_the_index_has_every_command_and_what_all_of_them_share() -> None:
    text = page("cli/README.md")
    assert re.findall(r"^\| \[([a-z]+)\]\(\1\.md\) \|", text, re.M) == list(VERBS)
    assert {name.split()[0] for name in rows(text)} >= OF_ALL


def every_error(root: type[IndelibleError]) -> set[type[IndelibleError]]:
    return {root}.union(*(every_error(kind) for kind in root.__subclasses__()))


def test_every_exit_code_is_documented_and_no_other() -> None:
    listed = re.findall(r"^\| (\d+) \| (.+) \|$", page("cli/README.md"), re.M)
    assert {int(code): said for code, said in listed} == MEANINGS
    assert {kind.exit_code for kind in every_error(IndelibleError)} | {0} == set(MEANINGS)
    assert set(OF_VERB) == set(VERBS)
