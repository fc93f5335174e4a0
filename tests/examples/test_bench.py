"""The benchmark does its work, at sizes at which nothing is measured."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.commands import ROOT, cli, environment, program, python

BENCH = ROOT / "bench"
SIZES = {"W1": 3, "W2": 3, "W3": 2, "W4": 3, "W5": 1, "W6": 250}
WORKLOADS = tuple(f"W{number}" for number in range(1, 13))
SMALL = Path(__file__).with_name("small.json")

PEER = """
import sys, time
assert sys.argv[1:4:2] == ["W1", "5"], sys.argv
print('RESULT {"seconds": 0.5, "steps": 5, "done_at": %f, "version": "p 1"}' % time.time())
"""


def result_of(said: str) -> dict[str, Any]:
    (line,) = (line for line in said.splitlines() if line.startswith("RESULT "))
    found: dict[str, Any] = msgspec.json.decode(line.removeprefix("RESULT "))
    return found


def script(name: str, *arguments: str, cwd: Path) -> dict[str, Any]:
    return result_of(python(str(BENCH / name), *arguments, "--dir", "data", cwd=cwd).stdout)


def bench(*arguments: str, cwd: Path) -> str:
    """One timed round of everything, two hundred times smaller."""
    command = (sys.executable, str(BENCH / "run.py"), "--runs", "1", "--smaller", "200")
    env = {**environment(), "BENCH_ROOT": str(cwd / "bench")}
    return program(*command, *arguments, cwd=cwd, env=env).stdout


@pytest.mark.real
@pytest.mark.parametrize("workload", SIZES)
def test_a_workload_runs_and_prints_its_result(tmp_path: Path, workload: str) -> None:
    size = SIZES[workload]
    result = script("peer_indelible.py", workload, "--n", str(size), cwd=tmp_path)
    assert result["steps"] == size + (workload == "W2")
    assert result["version"].startswith("indelible ")


@pytest.mark.real
def test_a_chain_that_is_run_again_runs_no_step_again(tmp_path: Path) -> None:
    for _ in range(2):
        script("peer_indelible.py", "W4", "--n", "3", cwd=tmp_path)
    marks = (tmp_path / "data" / "marks").read_text().splitlines()
    assert [mark.split()[1] for mark in marks] == ["0", "1", "2"]


@pytest.mark.real
@pytest.mark.parametrize("workload", WORKLOADS)
def test_every_workload_is_measured_and_leaves_nothing_behind(
    tmp_path: Path, workload: str
) -> None:
    for name in ("montage", "viralrecon"):
        shutil.copy(SMALL, tmp_path / f"{name}-small.json")
    places = ("--instances", ".", "--peers", ".", "--json", "lines")
    said = bench("--only", workload, *places, cwd=tmp_path)
    figures, targets, _ = said.split("\n\n")
    lines = (tmp_path / "lines").read_bytes().splitlines()
    found = [msgspec.json.decode(line) for line in lines]
    assert {line["workload"] for line in found} >= {workload}
    assert all(line["seconds"] > 0 and line["rss_mb"] > 0 for line in found)
    assert all(line["version"].startswith("indelible") for line in found if not _is_floor(line))
    not_measured = [line for line in figures.splitlines()[1:] if "not installed" not in line]
    assert len(not_measured) == len(found)
    for line in targets.splitlines()[1:]:
        assert line.startswith(workload)
        assert line.endswith(("met", "missed")) or "best durable" in line or "dbos" in line
    assert [path.name for path in (tmp_path / "bench").iterdir()] == ["pycache"]


def _is_floor(line: dict[str, Any]) -> bool:
    return str(line["key"]).endswith("/floor")


@pytest.mark.real
def test_the_floor_writes_what_the_chain_wrote_in_as_many_syncs(tmp_path: Path) -> None:
    script("peer_indelible.py", "W1", "--n", "4", "--count", "counts", cwd=tmp_path)
    (log,) = (tmp_path / "data" / "runs").glob("*/events.jsonl")
    batches = msgspec.json.decode((tmp_path / "counts").read_bytes())["batches"]
    assert sum(batches) == log.stat().st_size
    assert script("floor.py", "W1", "--batches", "counts", cwd=tmp_path)["steps"] == len(batches)
    assert (tmp_path / "data" / "floor").stat().st_size == log.stat().st_size
    assert script("floor.py", "W12", "--batches", "counts", cwd=tmp_path)["steps"] == len(batches)


@pytest.mark.real
def test_the_log_that_a_resume_is_measured_on_could_have_been_written(tmp_path: Path) -> None:
    script("large_logs.py", "W8", "--n", "12000", "--make", cwd=tmp_path)
    assert script("large_logs.py", "W8", cwd=tmp_path)["steps"] == 12_000
    cli("verify", "large", "--store", "data/runs", cwd=tmp_path)


@pytest.mark.real
@pytest.mark.parametrize("variant", ["", "sqlite"])
def test_the_runs_that_are_listed_could_have_been_written(tmp_path: Path, variant: str) -> None:
    script("large_logs.py", "W9", "--n", "3", "--variant", variant, "--make", cwd=tmp_path)
    store = "sqlite:///data/runs.db" if variant else "data/runs"
    cli("verify", "--all", "--store", store, cwd=tmp_path)


@pytest.mark.real
def test_a_peer_is_measured_where_it_is_installed(tmp_path: Path) -> None:
    (tmp_path / "peer_dbos.py").write_text(PEER)
    installed = tmp_path / "bench" / "venvs" / "dbos" / "bin" / "python"
    installed.parent.mkdir(parents=True)
    installed.symlink_to(sys.executable)
    said = bench("--only", "W1", "--peers", ".", cwd=tmp_path)
    figures, _, _ = said.split("\n\n")
    (row,) = (line.split() for line in figures.splitlines() if " dbos  " in line)
    assert row[:4] == ["W1", "dbos", "its", "own"]
    assert row[6:9] == ["0.500", "0.500", "100.000"]
    assert "not measured" not in said


@pytest.mark.real
def test_the_tables_take_their_place_on_a_page(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- figures -->\nold\n<!-- end of figures -->\nafter\n")
    bench("--only", "W10", "--markdown", "page.md", "--json", "lines", cwd=tmp_path)
    text = page.read_text()
    assert text.startswith("before\n<!-- figures -->\n")
    assert text.endswith("<!-- end of figures -->\nafter\n")
    assert "old" not in text
    assert "| W10 | subprocess.run |" in text
    lines = (tmp_path / "lines").read_bytes().splitlines()
    ours, floor = (msgspec.json.decode(line)["seconds"] for line in lines)
    word = "met" if ours / floor <= 1.3 else "missed"
    assert f"| {ours / floor:.4g} | {ours / floor:.4g} | {word} |" in text
