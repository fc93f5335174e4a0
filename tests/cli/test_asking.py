"""The questions of a run on the terminal of whoever drives it."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli.terminals import CTRL_C, CTRL_D, on_a_terminal
from tests.commands import cli

from indelible import get_run, open_store
from indelible.runtime.run import Run

pytestmark = pytest.mark.real

ASKS = """
name: asks
outputs: {said: "${{ nodes.out.output }}"}
nodes:
  - id: gate
    approval: {message: "Publish?", choices: [approve, later, reject]}
  - id: out
    depends_on: [gate]
    env: {CHOICE: "${{ nodes.gate.output.choice }}"}
    bash: echo "$CHOICE"
"""
SCHEMA = """
name: asks
nodes:
  - id: gate
    approval: {message: "How many?", choices: [approve], answer_schema: {type: integer}}
"""
QUESTION = "gate: Publish? (approve, later, reject): "


def run_of(folder: Path) -> Run:
    store = open_store(folder / ".indelible")
    try:
        return get_run(store, "r")
    finally:
        store.close()


def test_a_question_is_asked_and_the_answer_goes_on_with_the_run(tmp_path: Path) -> None:
    (tmp_path / "asks.yaml").write_text(ASKS)
    with on_a_terminal("run", "asks.yaml", "--run-id", "r", cwd=tmp_path) as terminal:
        terminal.type_at(QUESTION, "later\n")
        assert terminal.end() == 0, terminal.seen
    assert '{"said":"later"}' in terminal.seen
    assert run_of(tmp_path).attempt == 2, "the claim is given up while the question stands"


def test_what_is_no_choice_is_asked_for_again(tmp_path: Path) -> None:
    (tmp_path / "asks.yaml").write_text(ASKS)
    with on_a_terminal("run", "asks.yaml", "--run-id", "r", cwd=tmp_path) as terminal:
        terminal.type_at(QUESTION, "maybe\n")
        terminal.type_at("is not one of", "")
        terminal.type_at(QUESTION, "reject\n")
        assert terminal.end() == 1, terminal.seen
    assert "gate: Rejected: reject by " in terminal.seen


def test_an_answer_that_misses_its_schema_is_asked_for_again(tmp_path: Path) -> None:
    (tmp_path / "asks.yaml").write_text(SCHEMA)
    with on_a_terminal("run", "asks.yaml", "--run-id", "r", cwd=tmp_path) as terminal:
        for answer, complaint in (("many", "the answer is not JSON"), ('"3"', "does not fit")):
            terminal.type_at("gate: How many? (approve): ", "approve\n")
            terminal.type_at("answer (JSON): ", f"{answer}\n")
            terminal.type_at(complaint, "")
        terminal.type_at("gate: How many? (approve): ", "approve\n")
        terminal.type_at("answer (JSON): ", "3\n")
        assert terminal.end() == 0, terminal.seen
    output = run_of(tmp_path).node("gate").output
    assert isinstance(output, dict)
    assert output["answer"] == 3


@pytest.mark.parametrize("key", [CTRL_C, CTRL_D])
def test_a_question_can_be_left_and_the_run_goes_on_waiting(tmp_path: Path, key: str) -> None:
    (tmp_path / "asks.yaml").write_text(ASKS)
    with on_a_terminal("run", "asks.yaml", "--run-id", "r", cwd=tmp_path) as terminal:
        terminal.type_at(QUESTION, key)
        assert terminal.end(pressing=key) == 130, terminal.seen
    assert "run r was interrupted\r\n    Go on: indelible resume r\r\n" in terminal.seen
    assert "Traceback" not in terminal.seen
    shown = cli("list", "--json", cwd=tmp_path).stdout
    assert '"status":"waiting"' in shown
    with on_a_terminal("resume", "r", cwd=tmp_path) as terminal:
        terminal.type_at(QUESTION, "approve\n")
        assert terminal.end() == 0, terminal.seen


def test_an_answer_from_elsewhere_is_taken_as_the_question_stands(tmp_path: Path) -> None:
    (tmp_path / "asks.yaml").write_text(ASKS)
    with on_a_terminal("run", "asks.yaml", "--run-id", "r", cwd=tmp_path) as terminal:
        terminal.type_at(QUESTION, "")
        cli("approve", "r", "gate", "--choice", "later", "--by", "ada", cwd=tmp_path)
        terminal.type("approve\n")
        assert terminal.end() == 0, terminal.seen
    assert "later by ada" in terminal.seen
    assert '{"said":"later"}' in terminal.seen
