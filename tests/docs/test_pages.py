"""Every block of every page does what the page says, and every link leads somewhere."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from indelible.definition.model import TriggerRule
from indelible.expressions.functions import FUNCTIONS
from tests.commands import ROOT
from tests.docs.blocks import RUN, Block, Command, Reader, blocks_of, commands_of, matches
from tests.docs.places import DOCS, headings, page

PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
WITH_BLOCKS = [
    each for each in PAGES if any(b.language in RUN for b in blocks_of(each.read_text()))
]
_LINK = re.compile(r"\]\(([^)#:\s]*)(?:#([^)\s]*))?\)")


def name_of(file: Path) -> str:
    return str(file.relative_to(ROOT))


@pytest.mark.real
@pytest.mark.parametrize("file", WITH_BLOCKS, ids=name_of)
def test_every_block_of_a_page_does_what_it_says(file: Path, tmp_path: Path) -> None:
    reader = Reader(tmp_path)
    for block in blocks_of(file.read_text()):
        reader.follow(block)


@pytest.mark.parametrize("file", [*PAGES, *sorted(ROOT.glob("[!R]*.md"))], ids=name_of)
def test_every_link_leads_to_a_file_and_a_heading_of_it(file: Path) -> None:
    text = re.sub(r"^```.*?^```$", "", file.read_text(), flags=re.M | re.S)
    for target, anchor in _LINK.findall(text):
        found = file.parent / target if target else file
        assert found.exists(), f"{target} does not exist"
        if anchor:
            assert anchor in anchors(found), f"{target} has no heading #{anchor}"


def anchors(file: Path) -> set[str]:
    """What stands behind ``#``: the heading in lower case; a second of the same name has ``-1``."""
    seen: Counter[str] = Counter()
    found = set()
    for heading in headings(file.read_text()):
        slug = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        found.add(f"{slug}-{seen[slug]}" if seen[slug] else slug)
        seen[slug] += 1
    return found


def test_every_page_is_reached_from_the_index() -> None:
    reached, open_pages = {DOCS / "README.md"}, [DOCS / "README.md"]
    while open_pages:
        file = open_pages.pop()
        links = (file.parent / target for target, _ in _LINK.findall(file.read_text()) if target)
        for found in {link.resolve() for link in links if link.suffix == ".md"} - reached:
            reached.add(found)
            open_pages.append(found)
    decisions = set((DOCS / "decisions").glob("*.md"))
    missing = {name_of(each) for each in {*DOCS.rglob("*.md")} - decisions - reached}
    assert missing == set(), "link them from docs/README.md"


def test_every_language_of_a_block_is_run_or_for_reading() -> None:
    """``json`` and ``yml`` have tests of their own: events and fields."""
    languages = {block.language for file in PAGES for block in blocks_of(file.read_text())}
    assert languages - set(RUN) <= {"json", "yml", "toml", "text"}


def test_every_trigger_rule_and_every_function_of_expressions_is_documented() -> None:
    text = page("workflow-files.md")
    assert set(re.findall(r"^\| `([a-z_]+)` \|", text, re.M)) >= set(TriggerRule)
    (listed,) = re.findall(r"^\* Functions: `([^`]+)`", text, re.M)
    assert set(listed.split()) == set(FUNCTIONS)


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
    ("12:00:01 ✓ a 417 ms\n", "09:10:11 ✓ a 1.2s\n", True),
    ("12:00:01 ✓ a 417 ms\n", "09:10:11 ✓ a 2m03s\n", True),
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
