"""What others wrote never acts on a terminal: no escape, no return, no mark that turns text round.

JSON is the exception where it goes into a pipe: there it is exact (``tests/cli/test_text.py``).
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.cli.invoking import Invoke, a_run, fail_at
from tests.engine.given import node

EVIL = "\x1b[2J\x1b]0;owned\x07 \u202etxt.exe \u2066 \x9b31m \rdone"
ACTING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")

VERBS = [
    ("list",),
    ("show", "r1"),
    ("events", "r1"),
    ("explain", "r1"),
    ("explain", "r1", "b"),
    ("graph", "r1"),
    ("verify", "r1"),
    ("logs", "r1", "b"),
    ("diff", "r1", "r2"),
    ("show", EVIL),
    ("resume", EVIL),
    ("approve", "r1", EVIL),
    ("run", f"{EVIL}.yaml"),
    ("validate", f"{EVIL}.yaml"),
    (EVIL,),
]


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: " ".join(verb).replace(EVIL, "EVIL"))
def test_nothing_that_was_recorded_or_typed_acts_on_the_terminal(
    tmp_path: Path, invoke: Invoke, verb: tuple[str, ...]
) -> None:
    nodes = (node("a"), node("b", "a"), node("c", "b"))
    for run_id in ("r1", "r2"):
        a_run(tmp_path, run_id, nodes=nodes, work=fail_at("b", EVIL))
    said = invoke(*verb)
    assert said.out + said.err
    assert not ACTING.search(said.out), said.out
    assert not ACTING.search(said.err), said.err


@pytest.mark.parametrize("verb", ["run", "validate"])
def test_nothing_in_a_workflow_file_acts_on_the_terminal(
    tmp_path: Path, invoke: Invoke, verb: str
) -> None:
    escaped = "\\e[2J\\u202eevil\\r"
    (tmp_path / "f.yaml").write_text(
        f'name: "{escaped}"\nnodes:\n- {{id: "{escaped}", bash: x, "{escaped}": 1}}\n'
    )
    said = invoke(verb, "f.yaml")
    assert said.code == 3
    assert not ACTING.search(said.out + said.err), said.err
