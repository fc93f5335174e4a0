"""``run``, ``resume`` and ``cancel``: what goes where, and how each of them ends."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.cli.invoking import CHAIN, HELLO, Invoke, a_run, fail_at, succeed
from tests.cli.logs_made import an_open_run
from tests.engine.given import node

from indelible import get_run, open_store

FAILS = """
name: fails
nodes:
  - {id: good, bash: echo fine}
  - {id: bad, bash: 'echo "it broke" >&2; exit 3'}
  - {id: after, depends_on: [bad], bash: echo never}
"""


@pytest.fixture(autouse=True)
def files(tmp_path: Path) -> None:
    (tmp_path / "hello.yaml").write_text(HELLO)
    (tmp_path / "fails.yaml").write_text(FAILS)


def test_outputs_are_on_stdout_and_the_story_on_stderr(invoke: Invoke) -> None:
    said = invoke("run", "hello.yaml", "--run-id", "r")
    assert (said.code, said.out) == (0, '{"said":"hello world"}\n')
    first, *lines, last = said.err.splitlines()
    assert first == "run r: hello, 2 nodes, store .indelible"
    assert last.startswith("completed: 2 success in ")
    shape = r"\d\d:\d\d:\d\d (● say|✓ say \d+ ms|● shout|✓ shout \d+ ms)"
    assert len(lines) == 4
    assert all(re.fullmatch(shape, line) for line in lines)


def test_quiet_says_only_how_it_ended(invoke: Invoke) -> None:
    said = invoke("run", "hello.yaml", "-q")
    assert said.err.count("\n") == 1
    assert said.err.startswith("completed: 2 success")


def test_the_document_of_a_run_has_its_outputs_and_counts(invoke: Invoke) -> None:
    found = invoke("run", "hello.yaml", "--run-id", "r", "--json").document
    assert found == {
        "run_id": "r",
        "workflow": "hello",
        "status": "completed",
        "attempt": 1,
        "nodes": {"success": 2},
        "failed": [],
        "error": None,
        "outputs": {"said": "hello world"},
    }


def test_a_workflow_without_outputs_prints_nothing(invoke: Invoke, tmp_path: Path) -> None:
    (tmp_path / "silent.yaml").write_text("nodes: [{id: a, bash: echo hi}]")
    assert invoke("run", "silent.yaml").out == ""


def test_a_failure_says_which_node_why_where_its_log_is_and_what_to_do(
    invoke: Invoke, tmp_path: Path
) -> None:
    said = invoke("run", "fails.yaml", "--run-id", "r")
    assert (said.code, said.out) == (1, "")
    assert "⊗ after skipped: all_success with 1 failed, because of bad" in said.err
    assert "failed: 1 success, 1 failed, 1 upstream_failed in " in said.err
    assert "  bad: ExitCode: exit code 3" in said.err
    log = tmp_path / ".indelible" / "r" / "logs" / "bad.1.log"
    assert f"      log: {log}\n" in said.err
    assert log.read_text() == "it broke\n"
    assert said.err.endswith("Go on: indelible resume r\n")


def test_a_failure_is_in_the_document_too(invoke: Invoke) -> None:
    said = invoke("run", "fails.yaml", "--json")
    assert said.code == 1
    found = said.document
    assert (found["status"], found["error"]["type"]) == ("failed", "NodesFailed")
    (failed,) = found["failed"]
    assert (failed["node_id"], failed["error"]["exit_code"]) == ("bad", 3)


def test_what_to_type_next_names_the_store_that_was_given(invoke: Invoke) -> None:
    said = invoke("run", "fails.yaml", "--run-id", "r", "--store", "sqlite:///my runs.db")
    assert said.err.endswith("Go on: indelible resume r --store 'sqlite:///my runs.db'\n")
    assert invoke("resume", "r", "--store", "sqlite:///my runs.db").code == 1


def test_the_store_can_be_in_the_environment(
    invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INDELIBLE_STORE", "elsewhere")
    said = invoke("run", "fails.yaml", "--run-id", "r")
    assert said.err.endswith("Go on: indelible resume r\n")
    assert (tmp_path / "elsewhere" / "r" / "events.jsonl").exists()


# Inputs.


def test_an_input_comes_from_a_file_and_an_assignment_wins(invoke: Invoke, tmp_path: Path) -> None:
    (tmp_path / "in.json").write_text('{"who": "file"}')
    (tmp_path / "in.yaml").write_text("who: yaml\n")
    run = ("run", "hello.yaml", "--input-file")
    assert invoke(*run, "in.json").document == {"said": "hello file"}
    assert invoke(*run, "in.yaml").document == {"said": "hello yaml"}
    assert invoke(*run, "-", stdin=b'{"who": "pipe"}').document == {"said": "hello pipe"}
    assert invoke(*run, "in.json", "-i", "who=me").document == {"said": "hello me"}


BAD_INPUTS = [
    (("--input-file", "none.json"), 4, "none.json: there is no such file"),
    (("--input-file", "list.json"), 2, "list.json does not hold inputs"),
    (("--input-file", "cut.json"), 3, "cut.json: not JSON: "),
    (("--input-file", "twice.json"), 3, "a key stands twice"),
    (("--input-file", "twice.yaml"), 3, "twice.yaml:2:1"),
    (("--input-file", "."), 2, ".: cannot be read: Is a directory"),
    (("-i", "who"), 2, '"who" is not an input'),
    (("-i", "whom=x"), 3, "input whom is not declared. Did you mean who?"),
    (("--run-id", "../up"), 2, "is not a run id"),
    (("--run-id", "taken"), 2, "run taken exists already"),
    (("--store", "fails.yaml"), 9, "fails.yaml: not a directory"),
    (("--store", "ftp://x"), 2, "no store is called 'ftp'"),
    (("--max-parallel", "-1"), 2, "-1 is not in the range"),
    (("--executor", "moon"), 2, "'moon' is not one of"),
]


@pytest.mark.parametrize(("arguments", "code", "text"), BAD_INPUTS, ids=str)
def test_bad_input_is_one_clear_error(
    invoke: Invoke, tmp_path: Path, arguments: tuple[str, ...], code: int, text: str
) -> None:
    a_run(tmp_path, "taken")
    (tmp_path / "list.json").write_text("[1]")
    (tmp_path / "cut.json").write_text('{"who": ')
    (tmp_path / "twice.json").write_text('{"who": "a", "who": "b"}')
    (tmp_path / "twice.yaml").write_text("who: a\nwho: b\n")
    said = invoke("run", "hello.yaml", *arguments)
    assert (said.code, said.out) == (code, "")
    assert said.err.startswith("error: ")
    assert text in said.err
    assert "Traceback" not in said.err
    assert [entry.name for entry in (tmp_path / ".indelible").iterdir()] == ["taken"]


TARGETS = [
    ("none.yaml", 4, "none.yaml: there is no such file"),
    ("none", 4, "none: there is no such file"),
    ("etl.py", 2, "Name the workflow in it: etl.py:flow"),
    ("nowhere:flow", 4, "there is no module nowhere"),
]


@pytest.mark.parametrize(("target", "code", "text"), TARGETS)
def test_what_names_no_workflow_is_refused(
    invoke: Invoke, target: str, code: int, text: str
) -> None:
    said = invoke("run", target)
    assert said.code == code
    assert text in said.err


@pytest.mark.parametrize("executor", ["local", "inline"])
def test_a_workflow_made_in_python_runs_with_its_own_functions(
    invoke: Invoke, tmp_path: Path, executor: str
) -> None:
    (tmp_path / "made.py").write_text(
        "import indelible as ink\n"
        "flow = ink.Workflow('made', outputs={'twice': '${{ nodes.double.output }}'})\n"
        "@flow.node\n"
        "def double(number: int) -> int:\n"
        "    print('doubling')\n"
        "    return 2 * number\n"
    )
    said = invoke("run", "made.py:flow", "-i", "number=21", "--executor", executor)
    assert (said.code, said.out) == (0, '{"twice":42}\n')
    assert invoke("logs", "latest", "double").out == "doubling\n"


def test_max_parallel_is_written_into_the_definition_of_the_run(
    invoke: Invoke, tmp_path: Path
) -> None:
    assert invoke("run", "hello.yaml", "--run-id", "r", "--max-parallel", "1").code == 0
    assert b'"max_parallel":1' in (tmp_path / ".indelible/r/events.jsonl").read_bytes()


# Resume.


def test_a_resume_runs_only_what_is_left(invoke: Invoke, tmp_path: Path) -> None:
    (tmp_path / "mends.yaml").write_text(
        "nodes:\n"
        "  - {id: once, bash: echo once >> ran}\n"
        "  - {id: needs, depends_on: [once], bash: test -e there}\n"
    )
    assert invoke("run", "mends.yaml", "--run-id", "r").code == 1
    (tmp_path / "there").touch()
    said = invoke("resume", "r")
    assert said.code == 0
    assert said.err.startswith("run r: mends, 2 nodes, store .indelible, attempt 2, 1 ended before")
    assert "● needs (attempt 2)" in said.err
    assert "once" not in said.err
    assert (tmp_path / "ran").read_text() == "once\n"


def test_a_completed_run_is_left_as_it_is_and_gives_its_outputs(
    invoke: Invoke, tmp_path: Path
) -> None:
    invoke("run", "hello.yaml", "--run-id", "r")
    before = (tmp_path / ".indelible/r/events.jsonl").read_bytes()
    said = invoke("resume", "r")
    assert (said.code, said.out) == (0, '{"said":"hello world"}\n')
    assert said.err == "run r has completed already; nothing is left to do\n"
    assert (tmp_path / ".indelible/r/events.jsonl").read_bytes() == before


def test_a_run_that_somebody_drives_is_held(invoke: Invoke, tmp_path: Path) -> None:
    a_run(tmp_path, "r", work=fail_at("b"))
    store = open_store(tmp_path / ".indelible")
    with store.claim("r"):
        said = invoke("resume", "r", "--json")
    store.close()
    assert said.code == 7
    assert "error: run r is held by " in said.err
    assert said.document["error"]["run_id"] == "r"


def test_a_cancelled_run_resumes_only_when_asked_to(invoke: Invoke, tmp_path: Path) -> None:
    an_open_run(tmp_path, "r", nodes=(node("a"),))
    assert invoke("cancel", "r").code == 0
    refused = invoke("resume", "r")
    assert refused.code == 6
    assert "indelible resume r --cancelled" in refused.err
    assert invoke("resume", "r", "--cancelled").code == 0


# Cancel.


def test_a_cancel_is_durable_without_a_driver_and_keeps_the_reason(
    invoke: Invoke, tmp_path: Path
) -> None:
    an_open_run(tmp_path, "r", nodes=CHAIN)
    said = invoke("cancel", "r", "--reason", "wrong day")
    assert (said.code, said.out) == (0, "run r is cancelled\n")
    assert ": wrong day" in invoke("events", "r", "--type", "workflow_cancelled").out
    assert invoke("cancel", "r").code == 0
    assert len(invoke("events", "r").out.splitlines()) == 2


def test_a_run_that_has_ended_cannot_be_cancelled(invoke: Invoke, tmp_path: Path) -> None:
    a_run(tmp_path, "r", work=succeed)
    said = invoke("cancel", "r")
    assert said.code == 2
    assert "run r has completed already" in said.err
    assert get_run(open_store(tmp_path / ".indelible"), "r").status == "completed"
