"""Eight processes drive one run at once: one of them does, the others are told by whom."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

import pytest

from tests.commands import COMMAND, PATIENCE, cli, environment

pytestmark = pytest.mark.real

DRIVERS = 8
STORES = ("runs", "sqlite:///runs.db")
FLOW = """
name: contended
nodes:
  - {id: gate, approval: {message: Go on?}}
  - {id: first, depends_on: [gate], bash: "echo first >> effects"}
  - id: held
    depends_on: [first]
    bash: echo held >> effects; until test -e go; do sleep 0.02; done
  - {id: last, depends_on: [held], bash: "echo last >> effects"}
"""


@contextmanager
def drivers(store: str, folder: Path) -> Iterator[Sequence[subprocess.Popen[bytes]]]:
    said = (folder / "said").open("wb")
    command = (*COMMAND, "resume", "r", "--store", store)
    started = [
        subprocess.Popen(command, cwd=folder, env=environment(), stdout=said, stderr=said)
        for _ in range(DRIVERS)
    ]
    try:
        yield started
    finally:
        (folder / "go").touch()
        for process in started:
            process.kill()
            process.wait()
        said.close()


def wait_for_all_but_one(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    deadline = monotonic() + PATIENCE
    while sum(process.poll() is None for process in processes) > 1:
        assert monotonic() < deadline, "they wait for each other"
        sleep(0.01)


@pytest.mark.parametrize("store", STORES)
def test_of_eight_drivers_one_executes_every_node_once(tmp_path: Path, store: str) -> None:
    (tmp_path / "flow.yaml").write_text(FLOW)
    cli("run", "flow.yaml", "--run-id", "r", "--no-wait", "--store", store, cwd=tmp_path, expect=5)
    cli("approve", "r", "gate", "--store", store, cwd=tmp_path)
    with drivers(store, tmp_path) as processes:
        wait_for_all_but_one(processes)
        (tmp_path / "go").touch()
        codes = sorted(process.wait(PATIENCE) for process in processes)
    said = (tmp_path / "said").read_text()
    assert codes == [0] + [7] * (DRIVERS - 1), said
    assert said.count("run r is held by") == DRIVERS - 1
    assert (tmp_path / "effects").read_text().split() == ["first", "held", "last"]
    cli("verify", "r", "--store", store, cwd=tmp_path)
