"""A closed or full stream is no reason for a run to fail, and a lost result is not passed over."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from tests.cli.invoking import HELLO, a_run
from tests.commands import COMMAND, PATIENCE, environment

from indelible import get_run, open_store

pytestmark = pytest.mark.real

FULL = "/dev/full"
SAID = b'{"said":"hello world"}\n'
LOST = "error: stdout: the result cannot be written: "


def in_a_shell(redirection: str, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[bytes]:
    """The command line with its streams as a shell makes them."""
    if FULL in redirection and not Path(FULL).exists():
        pytest.skip(f"this system has no {FULL}")
    return subprocess.run(
        ["/bin/sh", "-c", f'exec "$@" {redirection}', "sh", *COMMAND, *arguments],
        cwd=cwd,
        env={**environment(), "PYTHONUNBUFFERED": ""},
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )


RUNS = [
    ("2>&-", (), 0, SAID),
    ("2>/dev/full", (), 0, SAID),
    ("<&-", (), 0, SAID),
    (">&-", (), 9, b""),
    (">/dev/full", (), 9, b""),
    (">/dev/full", ("--json",), 9, b""),
    (">&-", ("--json",), 9, b""),
    ("<&- >&- 2>&-", (), 9, b""),
]


@pytest.mark.parametrize(("redirection", "options", "code", "out"), RUNS)
def test_a_run_completes_whatever_becomes_of_its_streams(
    tmp_path: Path, redirection: str, options: tuple[str, ...], code: int, out: bytes
) -> None:
    (tmp_path / "hello.yaml").write_text(HELLO)
    done = in_a_shell(redirection, "run", "hello.yaml", "--run-id", "r", *options, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (code, out)
    said = done.stderr.decode()
    assert "Traceback" not in said
    assert (LOST in said) is (code == 9 and "2>" not in redirection)
    store = open_store(tmp_path / ".indelible")
    run = get_run(store, "r")
    store.close()
    assert (run.status, run.outputs) == ("completed", {"said": "hello world"})


def test_a_run_without_a_result_needs_no_stdout(tmp_path: Path) -> None:
    (tmp_path / "quiet.yaml").write_text("nodes: [{id: only, bash: echo hello}]")
    for redirection in (">&-", ">/dev/full"):
        done = in_a_shell(redirection, "run", "quiet.yaml", cwd=tmp_path)
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "arguments",
    [("--help",), ("--version",), ("list", "--help"), ("list",), ("events", "r"), ("export", "r")],
    ids=" ".join,
)
def test_every_result_that_is_lost_is_told(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    a_run(tmp_path, "r")
    done = in_a_shell(">/dev/full", *arguments, cwd=tmp_path)
    said = done.stderr.decode()
    assert done.returncode == 9
    assert said.startswith(f"{LOST}No space left on device\n    What was done stays done.")
    assert "Traceback" not in said


def test_an_error_is_told_although_its_document_is_lost(tmp_path: Path) -> None:
    done = in_a_shell(">/dev/full", "run", "missing.yaml", "--json", cwd=tmp_path)
    assert done.returncode == 4
    assert done.stderr == b"error: missing.yaml: there is no such file\n"
