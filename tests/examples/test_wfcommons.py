"""``examples/wfcommons.py``: recorded scientific workflows, run as ours."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from indelible import get_run, open_store
from tests.commands import EXAMPLES, SHARED, cli, python

SCRIPT = str(EXAMPLES / "wfcommons.py")
SMALL = Path(__file__).with_name("small.json")
STORES = ("runs", "sqlite:///runs.db")
INSTANCES = sorted((SHARED / "data" / "wfinstances").glob("*.json"))


@pytest.mark.parametrize("store", STORES)
def test_every_task_becomes_a_node_under_its_own_id(
    tmp_path: Path, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said = python(SCRIPT, str(SMALL), "--store", store, "--run-id", "r", cwd=tmp_path).stdout
    assert said.startswith("completed: 6 nodes, 8 edges, ")
    opened = open_store(store)
    run = get_run(opened, "r")
    opened.close()
    assert list(run.nodes) == ["fetch_1", "split_2", "index_3", "align_4", "align_5", "merge.6"]
    assert {node.status for node in run.nodes.values()} == {"success"}


def test_the_same_command_again_goes_on_with_the_same_run(tmp_path: Path) -> None:
    arguments = (SCRIPT, str(SMALL), "--store", "runs", "--run-id", "r", "--scale", "0.001")
    python(*arguments, cwd=tmp_path)
    log = tmp_path / "runs" / "r" / "events.jsonl"
    once = log.read_bytes()
    assert python(*arguments, cwd=tmp_path).stdout.startswith("completed: 6 nodes")
    assert log.read_bytes() == once


def test_a_scaled_task_takes_its_share_of_the_recorded_time(tmp_path: Path) -> None:
    python(SCRIPT, str(SMALL), "--run-id", "r", "--scale", "0.01", cwd=tmp_path)
    log = (tmp_path / ".indelible" / "r" / "events.jsonl").read_bytes().splitlines()
    payloads = [msgspec.json.decode(line)["payload"] for line in log if b'"node_completed"' in line]
    durations = {payload["node_id"]: payload["duration"] for payload in payloads}
    assert durations["align_5"] >= 0.05
    assert durations["fetch_1"] >= 0.025


NOT_WFFORMAT = {
    "[]": "not WfFormat: Expected `object`",
    '{"name": "x", "schemaVersion": "1.5"}': "missing required field `workflow`",
    "{": "not WfFormat: Input data was truncated",
    '{"name": "x", "schemaVersion": "1.3", "workflow": {"specification": {"tasks": []}}}': (
        "WfFormat 1.3; this reads 1.5"
    ),
}


@pytest.mark.parametrize("text", NOT_WFFORMAT)
def test_a_file_that_is_something_else_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "other.json").write_text(text)
    said = python(SCRIPT, "other.json", cwd=tmp_path, expect=3).stderr
    assert said.startswith("other.json: ")
    assert NOT_WFFORMAT[text] in said


def test_a_file_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    said = python(SCRIPT, "nowhere.json", cwd=tmp_path, expect=4).stderr
    assert said == "nowhere.json: No such file or directory\n"


def test_a_negative_scale_is_refused(tmp_path: Path) -> None:
    said = python(SCRIPT, str(SMALL), "--scale", "-1", cwd=tmp_path, expect=2).stderr
    assert "-1 is not a number of 0 or more" in said


@pytest.mark.real
@pytest.mark.skipif(not INSTANCES, reason="the recorded workflows are not beside the project")
@pytest.mark.parametrize("store", STORES)
def test_every_recorded_workflow_completes_and_its_log_verifies(tmp_path: Path, store: str) -> None:
    for file in INSTANCES:
        said = python(SCRIPT, str(file), "--store", store, "--run-id", file.stem, cwd=tmp_path)
        tasks = msgspec.json.decode(file.read_bytes())["workflow"]["specification"]["tasks"]
        assert said.stdout.startswith(f"completed: {len(tasks)} nodes, ")
    cli("verify", "--all", "--store", store, cwd=tmp_path)
