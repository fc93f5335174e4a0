"""Real processes, killed with SIGKILL: what had completed is never executed again."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from random import Random

import msgspec
import pytest

from tests.acceptance.logs import (
    assert_nothing_ran_twice,
    events_of,
    last_interrupted,
    nodes_of,
)
from tests.commands import COMMAND, EXAMPLES, SHARED, cli, killed, python

pytestmark = pytest.mark.real

STORES = ("runs", "sqlite:///runs.db")
VIRALRECON = SHARED / "data" / "wfinstances" / "viralrecon-dirt02-001.json"
CHAIN = ("one", "two", "three", "four", "five")

TASKS = """
import os, time

def step(name: str) -> str:
    with open("ran", "a") as ran:
        ran.write(name + "\\n")
    while name == "four" and not os.path.exists("go"):
        time.sleep(0.01)
    return name
"""


def write_chain(folder: Path) -> None:
    """Five nodes, one after the other; the fourth does not end before there is a file ``go``."""
    nodes = [
        {"id": name, "python": "steps:step", "with": {"name": name}, "depends_on": list(upstream)}
        for name, upstream in zip(CHAIN, [(), *((name,) for name in CHAIN)], strict=False)
    ]
    (folder / "steps.py").write_text(TASKS)
    (folder / "chain.yaml").write_bytes(msgspec.json.encode({"nodes": nodes}))


def first_events(completions: int) -> int:
    """How long the chain's log is once so many nodes have completed: each starts as one ends."""
    return 1 + 2 * completions


@pytest.mark.parametrize("store", STORES)
def test_five_nodes_killed_after_the_third_completed_resume_with_the_fourth(
    tmp_path: Path, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_chain(tmp_path)
    command = (*COMMAND, "run", "chain.yaml", "--run-id", "r", "--store", store)
    assert killed(command, cwd=tmp_path, store=store, run_id="r", events=first_events(3))
    before = events_of(store, "r")
    assert nodes_of(before, "node_completed") == ["one", "two", "three"]

    (tmp_path / "ran").unlink()
    (tmp_path / "go").touch()
    cli("resume", "r", "--store", store, cwd=tmp_path)

    assert (tmp_path / "ran").read_text().split() == ["four", "five"]
    after = events_of(store, "r")
    assert_nothing_ran_twice(before, after)
    assert nodes_of(after, "node_completed") == list(CHAIN)
    assert last_interrupted(after) == ["four"]
    cli("verify", "r", "--store", store, cwd=tmp_path)


def wfformat(folder: Path, *, nodes: int, random: Random) -> Path:
    """A random workflow: each task depends on up to three of the twenty before it."""
    specified, measured = [], []
    for number in range(nodes):
        near = [f"task_{other}" for other in range(max(0, number - 20), number)]
        parents = random.sample(near, min(len(near), random.randint(0, 3)))
        specified.append({"id": f"task_{number}", "parents": parents})
        measured.append({"id": f"task_{number}", "runtimeInSeconds": random.random()})
    workflow = {"specification": {"tasks": specified}, "execution": {"tasks": measured}}
    file = folder / "generated.json"
    instance = {"name": "generated", "schemaVersion": "1.5", "workflow": workflow}
    file.write_bytes(msgspec.json.encode(instance))
    return file


def longest_path(file: Path) -> float:
    """The critical path of a recorded workflow, in recorded seconds."""
    workflow = msgspec.json.decode(file.read_bytes())["workflow"]
    seconds = {task["id"]: task["runtimeInSeconds"] for task in workflow["execution"]["tasks"]}
    parents = {task["id"]: task["parents"] for task in workflow["specification"]["tasks"]}
    ends: dict[str, float] = {}
    while len(ends) < len(parents):
        for name in parents.keys() - ends.keys():
            if all(parent in ends for parent in parents[name]):
                ends[name] = max((ends[p] for p in parents[name]), default=0.0) + seconds[name]
    return max(ends.values())


def kill_and_resume(file: Path, store: str, moments: Sequence[int]) -> int:
    """For each moment (a length of the log): run, kill there, resume, judge.  How many it hit."""
    scale = str(0.5 / longest_path(file))
    hits = 0
    for number, moment in enumerate(moments):
        run_id = f"r{number}"
        script = str(EXAMPLES / "wfcommons.py")
        arguments = (script, str(file), "--store", store, "--run-id", run_id, "--scale", scale)
        hits += killed(
            (sys.executable, *arguments), cwd=Path.cwd(), store=store, run_id=run_id, events=moment
        )
        before = events_of(store, run_id)
        python(*arguments, cwd=Path.cwd())
        after = events_of(store, run_id)
        assert_nothing_ran_twice(before, after)
        assert len(nodes_of(after, "node_completed")) == 203
    return hits


@pytest.mark.parametrize("store", STORES)
def test_a_generated_run_of_203_nodes_killed_at_random_moments_completes_once(
    tmp_path: Path, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    random = Random(203)
    file = wfformat(tmp_path, nodes=203, random=random)
    moments = [random.randint(1, 350) for _ in range(3)]
    print("killed when the log had", moments, "events")
    assert kill_and_resume(file, store, moments) > 0


@pytest.mark.skipif(
    not VIRALRECON.exists(), reason="the recorded workflows are not beside the project"
)
@pytest.mark.parametrize(("store", "seed"), [(STORES[0], 20), (STORES[1], 26)])
def test_a_real_run_of_203_nodes_killed_at_20_random_moments_completes_once(
    tmp_path: Path, store: str, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    random = Random(seed)
    moments = [random.randint(1, 390) for _ in range(20)]
    print(f"seed {seed}: killed when the log had", moments, "events")
    assert kill_and_resume(VIRALRECON, store, moments) > 10
