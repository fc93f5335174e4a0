"""The example that uses the whole language, killed again and again, ends as if nothing had been."""

from __future__ import annotations

import shutil
import sys
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from indelible import Run, get_run, open_store
from indelible.runtime.log import open_log
from tests.acceptance.logs import events_of, nodes_of
from tests.commands import EXAMPLES, cli, killed, python

pytestmark = pytest.mark.real

DRIVER = str(Path(__file__).with_name("everything.py"))
SECRET = "tok-4711-quite-secret"
KILLS = 30
OUTPUTS = {
    "built": [{"file": "0-core.tar", "of": "core.o"}, None, {"file": "2-docs.tar", "of": "docs.o"}],
    "notes": {"lines": ["1.2.0: line 1", "1.2.0: line 2", "1.2.0: line 3"], "length": 3},
    "review": {"ok": True, "lines": 3},
    "choice": "approve",
    "released": {
        "tag": "v1.2.0-stable",
        "files": ["v1.2.0-stable/0-core.tar", "v1.2.0-stable/2-docs.tar"],
    },
    "signature": f"v1.2.0-stable:{len(SECRET)}",
    "weight": 140_000,
    "summary": [
        "announce: allowed",
        "apologise: success",
        "beta-mail: skipped",
        "rollback: skipped",
    ],
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the example, with its secret in the environment."""
    copied = Path(shutil.copytree(EXAMPLES / "everything", tmp_path / "everything"))
    monkeypatch.setenv("PUBLISH_TOKEN", SECRET)
    monkeypatch.chdir(copied)
    return copied


def run_of(store: str, run_id: str) -> Run:
    return get_run(open_store(store), run_id)


def outcomes_of(run: Run) -> dict[str, tuple[str, object]]:
    """What became of each node; who answered when is different each time."""
    found = {node.id: (str(node.status), node.output) for node in run.nodes.values()}
    return {**found, "gate": (found["gate"][0], None)}


def assert_kept_secret(folder: Path) -> None:
    """No file of ``folder`` holds the secret's value, though a node printed it."""
    files = [file for file in folder.rglob("*") if file.is_file()]
    contents = [file.read_bytes() for file in files]
    assert any(b"signing v1.2.0-stable with ***" in content for content in contents)
    assert not [file for file, held in zip(files, contents, strict=True) if SECRET.encode() in held]


def assert_each_completed_once(store: str, run_id: str) -> None:
    events = events_of(store, run_id)
    completed = Counter(nodes_of(events, "node_completed"))
    assert {name: times for name, times in completed.items() if times != 1} == {}


def test_the_example_uses_the_whole_language(folder: Path) -> None:
    python(DRIVER, "runs", "r", cwd=folder)
    run = run_of("runs", "r")
    assert (str(run.status), run.outputs) == ("completed", OUTPUTS)
    assert {"build[1]/compile", "notes#3/write", "release/upload"} <= set(run.nodes)
    assert run.node("review").attempt == 2
    assert_each_completed_once("runs", "r")
    assert_kept_secret(folder / "runs")


def is_hit_twice(run_id: str) -> bool:
    """Whether some node was in flight when the driver died, and also when it died before that."""
    store = open_store("runs")
    if run_id not in store.runs():
        return False
    state = open_log(store, run_id).state
    return any(state.nodes[name].interruptions for name in state.running)


def killed_on_the_way(run_id: str, folder: Path, random: Random, *, most: int, nodes: int) -> int:
    """Drive the run, killing it each time its log has grown a little; how often that hit.

    ``nodes`` complete in the end, so the log grows at least by those that have not yet.  A node
    that was hit twice in a row is spared: at the third time it fails for good.
    """
    command = (sys.executable, DRIVER, "runs", run_id)
    hits = 0
    while hits < most:
        log = events_of("runs", run_id)
        missing = nodes - len(nodes_of(log, "node_completed"))
        if missing < 2 or is_hit_twice(run_id):
            break
        moment = len(log) + random.randint(2, min(missing, 12))
        hits += killed(command, cwd=folder, store="runs", run_id=run_id, events=moment)
    python(*command[1:], cwd=folder)
    return hits


def test_the_example_killed_at_30_random_moments_ends_as_if_undisturbed(folder: Path) -> None:
    python(DRIVER, "undisturbed", "r", cwd=folder)
    expected = outcomes_of(run_of("undisturbed", "r"))
    nodes = sum(status == "success" for status, _ in expected.values())
    random = Random(30)
    hits = runs = 0
    while hits < KILLS:
        run_id = f"r{runs}"
        hits += killed_on_the_way(run_id, folder, random, most=KILLS - hits, nodes=nodes)
        runs += 1
        run = run_of("runs", run_id)
        assert (str(run.status), run.outputs) == ("completed", OUTPUTS)
        assert outcomes_of(run) == expected
        assert_each_completed_once("runs", run_id)
        cli("verify", run_id, "--store", "runs", cwd=folder)
    print(f"{hits} kills in {runs} runs")
    assert_kept_secret(folder)
