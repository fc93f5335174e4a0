"""Where in the pages something has its place."""

from __future__ import annotations

import re
from collections.abc import Mapping

from tests.commands import ROOT

DOCS = ROOT / "docs"

Rows = Mapping[str, tuple[str, ...]]
"""The rows of a table by what stands in backticks in their first cell; the other cells."""


def page(name: str) -> str:
    return (DOCS / name).read_text()


def headings(text: str) -> list[str]:
    """All headings of a page, in order, without their ``#``."""
    without_blocks = re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S)
    return re.findall(r"^#+ (.+)$", without_blocks, re.M)


def sections(text: str, level: int) -> dict[str, str]:
    """The text below each heading of a level, up to the next of it or of one above."""
    marks = "#" * level
    pattern = rf"^{marks} (.+?)\n(.*?)(?=^#{{1,{level}}} |\Z)"
    return {name.strip("`"): body for name, body in re.findall(pattern, text, re.M | re.S)}


def rows(text: str) -> Rows:
    found = {}
    for line in re.findall(r"^\| (.+) \|$", text, re.M):
        first, *rest = line.split(" | ")
        if first.startswith("`"):
            found[first.split("`")[1]] = tuple(rest)
    return found
