"""Questions, forks and moves through the command line: what they do, and what they refuse."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli.invoking import Invoke, a_run, damage, log_of
from tests.cli.logs_made import a_question

ASKS = """
name: asks
nodes:
  - {id: gate, approval: {message: "Publish?"}}
  - {id: out, depends_on: [gate], bash: echo out}
"""
STORES = [".indelible", "sqlite:///runs.db"]


@pytest.mark.parametrize("store", STORES)
def test_a_run_waits_is_answered_and_is_gone_on_with_when_due(
    invoke: Invoke, tmp_path: Path, store: str
) -> None:
    (tmp_path / "asks.yaml").write_text(ASKS)
    waits = invoke("run", "asks.yaml", "--run-id", "r", "--no-wait", "--store", store)
    assert waits.code == 5
    assert "⧗ gate waits: Publish? (approve, reject); answer: indelible approve r gate" in waits.err
    assert invoke("approve", "r", "gate", "--by", "ada", "--store", store).code == 0
    second = invoke("approve", "r", "gate", "--store", store)
    assert second.code == 2
    assert "approve by ada" in second.err
    due = invoke("resume", "--due", "--store", store)
    assert (due.code, due.out) == (0, "r: completed (answer arrived: gate)\n")
    forked = invoke("fork", "r", "--from", "out", "--run-id", "f", "-q", "--store", store)
    assert forked.code == 0, forked.err
    assert "every node is the same" in invoke("diff", "r", "f", "--store", store).out
    assert invoke("copy", "r", "--to", "other", "--store", store).code == 0
    assert invoke("verify", "r", "--store", "other").code == 0


REFUSED = [
    (("approve", "r", "a"), 2, "a asks nobody"),
    (("approve", "r", "nowhere"), 4, "no node 'nowhere'"),
    (("approve", "r", "gate", "--choice", "maybe"), 2, "does not offer 'maybe'"),
    (("approve", "r", "gate", "--answer", "maybe"), 2, "the answer is not JSON"),
    (("approve", "r", "gate", "--answer", "3"), 2, "the answer to gate does not fit"),
    (("fork", "r", "--at", "99"), 2, "has no event 99"),
    (("fork", "r", "--from", "nowhere"), 4, "no node 'nowhere'"),
    (("resume", "r", "--due"), 2, "not both"),
    (("export", "r", "--json"), 2, "the log itself goes to stdout"),
    (("import", "missing.jsonl"), 4, "no such file"),
    (("copy", "r", "--to", ".indelible"), 2, "r"),
]


@pytest.mark.parametrize(("arguments", "code", "words"), REFUSED)
def test_what_makes_no_sense_is_refused_and_changes_nothing(
    invoke: Invoke, tmp_path: Path, arguments: tuple[str, ...], code: int, words: str
) -> None:
    a_question(tmp_path, "r", answer_schema={"type": "string"})
    before = log_of(tmp_path, "r").read_bytes()
    said = invoke(*arguments)
    assert said.code == code
    assert words in said.err
    assert log_of(tmp_path, "r").read_bytes() == before


def test_an_exported_log_is_imported_byte_for_byte(invoke: Invoke, tmp_path: Path) -> None:
    a_run(tmp_path, "r")
    assert invoke("export", "r", "r.jsonl").code == 0
    assert invoke("import", "r.jsonl", "--store", "other").out == "run r is imported\n"
    assert (tmp_path / "other/r/events.jsonl").read_bytes() == log_of(tmp_path, "r").read_bytes()


def test_a_log_that_does_not_verify_is_refused_whole(invoke: Invoke, tmp_path: Path) -> None:
    a_run(tmp_path, "r")
    damage(tmp_path, "r")
    assert invoke("import", str(log_of(tmp_path, "r")), "--store", "other").code == 8
    assert invoke("list", "--store", "other", "--json").document["runs"] == []


def test_a_node_that_waits_says_how_to_answer(invoke: Invoke, tmp_path: Path) -> None:
    a_question(tmp_path, "r")
    assert "indelible approve r gate" in invoke("show", "r").out
    assert "waits for an answer to: Publish?" in invoke("explain", "r", "gate").out
    assert invoke("reject", "r", "gate").out == "run r: gate is answered, and is failed\n"


@pytest.mark.parametrize("store", STORES)
def test_a_rejection_counts_though_nothing_drove_the_run(
    invoke: Invoke, tmp_path: Path, store: str
) -> None:
    (tmp_path / "asks.yaml").write_text(ASKS)
    assert invoke("run", "asks.yaml", "--run-id", "r", "--no-wait", "--store", store).code == 5
    assert invoke("reject", "r", "gate", "--store", store).code == 0
    assert invoke("resume", "r", "-q", "--store", store).code == 1
    assert invoke("show", "r", "--json", "--store", store).document["status"] == "failed"
    anew = invoke("resume", "r", "--no-wait", "--store", store)
    assert anew.code == 5, "a resume of a run that has failed asks again"
