"""``validate``, ``schema`` and ``completion``: nothing is run and no store is touched."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest
from tests.cli.invoking import HELLO, Invoke, a_run
from tests.commands import CODE, environment, program

from indelible.definition.schema import yaml_schema


def test_a_valid_workflow_is_counted(invoke: Invoke, tmp_path: Path) -> None:
    (tmp_path / "hello.yaml").write_text(HELLO)
    assert invoke("validate", "hello.yaml").out == "ok: 2 nodes\n"
    document = invoke("validate", "hello.yaml", "--json").document
    assert document == {"valid": True, "workflow": "hello", "nodes": 2}


def test_every_complaint_comes_at_once(invoke: Invoke, tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text(
        "nodes:\n"
        "  - {id: a, bash: x, depends_on: [nowhere]}\n"
        "  - {id: b, bahs: x}\n"
        "  - {id: c, bash: x, trigger_rule: sometimes}\n"
    )
    said = invoke("validate", "bad.yaml")
    assert (said.code, said.out) == (3, "")
    complaints = [line for line in said.err.splitlines() if line.startswith("error: ")]
    assert [line.split(":")[2] for line in complaints] == sorted(
        line.split(":")[2] for line in complaints
    )
    for text in ("nowhere", "bahs", "sometimes"):
        assert any(text in line for line in complaints)
    assert not (tmp_path / ".indelible").exists()


def test_the_schema_is_that_of_the_reader(invoke: Invoke) -> None:
    plain, compact = invoke("schema"), invoke("schema", "--json")
    assert plain.document == compact.document
    assert plain.document["title"] == yaml_schema()["title"]
    assert plain.out.count("\n") > 50


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_completion_script_asks_our_command(invoke: Invoke, shell: str) -> None:
    script = invoke("completion", shell).out
    assert "_INDELIBLE_COMPLETE" in script
    assert invoke("completion", shell, "--json").document["script"] + "\n" == script


def test_another_shell_is_a_usage_error(invoke: Invoke) -> None:
    assert invoke("completion", "tcsh").code == 2


def completed(folder: Path, *words: str) -> list[str]:
    """What the shell is offered for the last of the words."""
    asked = {
        "_INDELIBLE_COMPLETE": "bash_complete",
        "COMP_WORDS": " ".join(("indelible", *words)),
        "COMP_CWORD": str(len(words)),
    }
    done = program(sys.executable, "-c", CODE, cwd=folder, env=environment() | asked)
    return [line.partition(",")[2] for line in done.stdout.splitlines()]


@pytest.mark.real
def test_a_shell_is_offered_verbs_options_and_runs(tmp_path: Path) -> None:
    a_run(tmp_path, "nightly-1")
    a_run(tmp_path, "other")
    assert set(completed(tmp_path, "re")) == {"resume", "reject", "repair"}
    assert completed(tmp_path, "resume", "night") == ["nightly-1"]
    assert "--follow" in completed(tmp_path, "events", "--fol")
    assert set(completed(tmp_path, "show", "")) == {"nightly-1", "other", "latest"}


@pytest.mark.real
@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash here")
def test_bash_accepts_its_script(invoke: Invoke, tmp_path: Path) -> None:
    (tmp_path / "script").write_text(invoke("completion", "bash").out)
    program("bash", "-n", "script", cwd=tmp_path)
