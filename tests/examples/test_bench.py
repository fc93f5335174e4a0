"""The benchmark scripts do their work, at a size at which nothing is measured."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from tests.commands import ROOT, python

SIZES = {"W1": 3, "W2": 3, "W3": 2, "W4": 3, "W5": 1, "W6": 250}


def result_of(said: str) -> dict[str, object]:
    (line,) = (line for line in said.splitlines() if line.startswith("RESULT "))
    found: dict[str, object] = msgspec.json.decode(line.removeprefix("RESULT "))
    return found


@pytest.mark.real
@pytest.mark.parametrize("workload", SIZES)
def test_a_workload_runs_and_prints_its_result(tmp_path: Path, workload: str) -> None:
    size = SIZES[workload]
    script = str(ROOT / "bench" / "peer_indelible.py")
    said = python(script, workload, "--dir", "data", "--n", str(size), cwd=tmp_path).stdout
    result = result_of(said)
    assert result["steps"] == size + (workload == "W2")
    assert str(result["version"]).startswith("indelible ")


@pytest.mark.real
def test_a_chain_that_is_run_again_runs_no_step_again(tmp_path: Path) -> None:
    script = str(ROOT / "bench" / "peer_indelible.py")
    for _ in range(2):
        python(script, "W4", "--dir", "data", "--n", "3", cwd=tmp_path)
    marks = (tmp_path / "data" / "marks").read_text().splitlines()
    assert [mark.split()[1] for mark in marks] == ["0", "1", "2"]


@pytest.mark.real
def test_the_floor_writes_as_much_as_it_is_told_to(tmp_path: Path) -> None:
    script = str(ROOT / "bench" / "floor.py")
    arguments = ("W1", "--dir", "data", "--n", "4", "--bytes", "400")
    assert result_of(python(script, *arguments, cwd=tmp_path).stdout)["steps"] == 4
    assert (tmp_path / "data" / "floor").stat().st_size == 400
