"""Every example does what its own comments say."""

from __future__ import annotations

import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from indelible import Run, get_run, open_store
from tests.commands import EXAMPLES, cli, python

JOB = str(EXAMPLES / "data_job" / "workflow.yaml")
ROWS, BAD_ROWS = 488, 12


def run_of(folder: Path, run_id: str = "r") -> Run:
    """The run in the default store of ``folder``."""
    return get_run(open_store(folder / ".indelible"), run_id)


def orders_in(database: Path) -> tuple[int, int]:
    """How many orders there are, and how many loads wrote them."""
    with closing(sqlite3.connect(database)) as connection:
        query = "SELECT count(*), count(DISTINCT loaded_by) FROM orders"
        found: tuple[int, int] = connection.execute(query).fetchone()
        return found


def test_the_data_job_loads_the_good_rows_and_reports_the_bad_ones(tmp_path: Path) -> None:
    said = cli("run", JOB, "--run-id", "r", "-i", "into=out", cwd=tmp_path).stdout
    outputs = msgspec.json.decode(said)
    assert outputs["rows"] == ROWS
    assert orders_in(tmp_path / "out" / "orders.db") == (ROWS, 1)
    report = (tmp_path / "out" / "report.md").read_text()
    assert f"{BAD_ROWS} rows were left out" in report
    assert "line 412: order A10409 stands twice" in report
    bad = run_of(tmp_path).node("check").output
    assert isinstance(bad, dict)
    assert isinstance(bad["bad"], list)
    assert len(bad["bad"]) == BAD_ROWS


def test_the_data_job_can_run_twice_over_the_same_database(tmp_path: Path) -> None:
    for _ in range(2):
        cli("run", JOB, cwd=tmp_path)
    assert orders_in(tmp_path / "data_job.out" / "orders.db") == (ROWS, 1)


def test_the_data_job_refuses_a_file_with_too_many_bad_rows(tmp_path: Path) -> None:
    said = cli("run", JOB, "--run-id", "r", "-i", "max_bad=0.01", cwd=tmp_path, expect=1).stderr
    assert "12 of 500 rows are bad, such as" in said
    assert run_of(tmp_path).node("load").status == "upstream_failed"
    assert not (tmp_path / "data_job.out" / "orders.db").exists()


def test_the_data_job_refuses_a_file_with_other_columns(tmp_path: Path) -> None:
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    source = f"source={tmp_path / 'other.csv'}"
    said = cli("run", JOB, "-i", source, cwd=tmp_path, expect=1).stderr
    assert "no column day, order_id, product" in said


@pytest.fixture
def build(tmp_path: Path) -> Path:
    if shutil.which("cc") is None:
        pytest.skip("there is no C compiler (cc) here")
    return Path(shutil.copytree(EXAMPLES / "build", tmp_path / "build"))


@pytest.mark.real
def test_the_build_makes_a_program_and_tests_it(build: Path) -> None:
    said = cli("run", "workflow.yaml", cwd=build).stdout
    assert msgspec.json.decode(said) == {
        "program": "build.out/words",
        "tested": "3 checks passed",
    }


@pytest.mark.real
def test_a_build_that_failed_goes_on_after_the_repair_without_compiling_again(build: Path) -> None:
    source = build / "main.c"
    sound = source.read_text()
    source.write_text(sound.replace(";", "", 1))
    said = cli("run", "workflow.yaml", "--run-id", "r", cwd=build, expect=1).stderr
    assert "main.c" in said
    compiled = (build / "build.out" / "words.o").stat().st_mtime_ns

    source.write_text(sound)
    cli("resume", "r", cwd=build)
    run = run_of(build)
    assert run.status == "completed"
    assert run.node("compile-words").attempt == 1
    assert (build / "build.out" / "words.o").stat().st_mtime_ns == compiled
    assert run.node("compile-main").attempt == 2


FAILURES = {"handled": 0, "unhandled": 1}
_OUTCOME = re.compile(r"^#     ([a-z]+) +(success|failed|allowed|skipped|upstream_failed)\b", re.M)


@pytest.mark.parametrize("name", FAILURES)
def test_failures_end_as_the_comment_above_them_says(tmp_path: Path, name: str) -> None:
    file = EXAMPLES / "failures" / f"{name}.yaml"
    promised = dict(_OUTCOME.findall(file.read_text()))
    cli("run", str(file), "--run-id", "r", cwd=tmp_path, expect=FAILURES[name])
    assert {node.id: node.status for node in run_of(tmp_path).nodes.values()} == promised
    assert len(promised) > 4


def test_a_failed_run_resumes_with_what_failed_and_keeps_what_completed(tmp_path: Path) -> None:
    file = str(EXAMPLES / "failures" / "unhandled.yaml")
    cli("run", file, "--run-id", "r", cwd=tmp_path, expect=1)
    cli("resume", "r", cwd=tmp_path, expect=1)
    attempts = {node.id: node.attempt for node in run_of(tmp_path).nodes.values()}
    assert attempts == {
        "fetch": 1,
        "parse": 4,
        "load": 0,
        "independent": 1,
        "alarm": 1,
        "cleanup": 1,
    }


def test_the_python_door_runs_and_runs_only_once(tmp_path: Path) -> None:
    arguments = (str(EXAMPLES / "etl.py"), "2026-11-23", "--run-id", "r")
    assert python(*arguments, cwd=tmp_path).stdout == "r: 67.80\ncompleted: 67.80\n"
    assert python(*arguments, cwd=tmp_path).stdout == "completed: 67.80\n"


def test_the_python_door_can_be_opened_from_the_command_line(tmp_path: Path) -> None:
    cli("run", f"{EXAMPLES / 'etl.py'}:flow", "-i", "day=2026-11-23", "--run-id", "r", cwd=tmp_path)
    assert run_of(tmp_path).node("announce").output == "67.80"


@pytest.mark.real
def test_the_demo_shows_that_nothing_finished_ran_again(tmp_path: Path) -> None:
    said = python(str(EXAMPLES / "demo.py"), cwd=tmp_path).stdout
    assert "Nothing that had finished ran again: 3 nodes came from the log." in said
    assert re.search(r"^  [a-z]+ +2   was running when the process was killed$", said, re.M)
    assert re.search(r"^  publish +1$", said, re.M)


def test_every_workflow_file_among_the_examples_is_valid(tmp_path: Path) -> None:
    # What has a kind of node of its own is tried with that, in test_sqlite_node.py.
    files = sorted(set(EXAMPLES.rglob("*.yaml")) - set(EXAMPLES.glob("sqlite_node/*.yaml")))
    assert len(files) >= 5
    for file in files:
        cli("validate", str(file), cwd=tmp_path)
