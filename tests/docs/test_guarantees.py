"""The page of guarantees names tests; each of them is there."""

from __future__ import annotations

import re

from tests.commands import ROOT
from tests.docs.places import page

_DEFINED = re.compile(r"^ *(?:async )?def (test_\w+)", re.MULTILINE)


def test_every_test_that_the_page_of_guarantees_names_is_there() -> None:
    named = set(re.findall(r"`(test_\w+)`", page("guarantees.md")))
    files = [*(ROOT / "tests").rglob("test_*.py"), *(ROOT / "src").rglob("*_contract.py")]
    defined = {name for file in files for name in _DEFINED.findall(file.read_text())}
    assert len(named) > 20
    assert named - defined == set()
