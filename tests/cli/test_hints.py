"""Hints are to be typed as they stand, so they name the store that the command named."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli.invoking import Invoke

from indelible.cli.failures import as_typed

HINTS = {
    "Go on with it: indelible resume r.1. Or choose another --run-id.": (
        "Go on with it: indelible resume r.1 --store 'a b'. Or choose another --run-id."
    ),
    "Wait for it (indelible events r --follow), or stop it (indelible cancel r).": (
        "Wait for it (indelible events r --follow --store 'a b'), "
        "or stop it (indelible cancel r --store 'a b')."
    ),
    "See them all: indelible list": "See them all: indelible list --store 'a b'",
    "See them all with indelible list. Some of them: x.": (
        "See them all with indelible list --store 'a b'. Some of them: x."
    ),
    "Declared inputs: x.": "Declared inputs: x.",
}


@pytest.mark.parametrize("hint", HINTS)
def test_a_command_in_a_hint_gets_the_store(hint: str) -> None:
    assert as_typed(hint, "a b") == HINTS[hint]
    assert as_typed(hint, None) == hint


DASHED = {
    "Go on: indelible resume -x": "Go on: indelible resume -- -x",
    "indelible resume -x --cancelled": "indelible resume --cancelled -- -x",
    "Answer: indelible approve -x gate. ": "Answer: indelible approve -- -x gate. ",
    "See them all: indelible list": "See them all: indelible list",
}


@pytest.mark.parametrize("hint", DASHED)
def test_a_run_id_that_looks_like_an_option_stands_behind_two_dashes(hint: str) -> None:
    assert as_typed(hint, None, run_id="-x") == DASHED[hint]
    with_store = as_typed(hint, "runs", run_id="-x")
    assert "--store runs" in with_store
    assert with_store.replace(" --store runs", "") == DASHED[hint]


@pytest.mark.parametrize("option", [("--store", "other"), ("--store=other",)])
def test_an_error_repeats_the_store_it_was_given(
    invoke: Invoke, tmp_path: Path, option: tuple[str, ...]
) -> None:
    (tmp_path / "one.yaml").write_text("nodes: [{id: a, bash: 'true'}]")
    assert invoke("run", "one.yaml", "--run-id", "r", *option).code == 0
    again = invoke("run", "one.yaml", "--run-id", "r", *option)
    assert again.code == 2
    assert "indelible resume r --store other." in again.err
