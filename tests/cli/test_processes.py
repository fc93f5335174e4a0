"""Real processes: signals, pipes and terminals."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import FileIO
from pathlib import Path

import pytest
from tests.acceptance.logs import events_of, nodes_of
from tests.cli.invoking import HELLO, a_run
from tests.cli.logs_made import an_open_run
from tests.commands import COMMAND, PATIENCE, cli, environment, program
from tests.engine.given import node, ran

from indelible import open_store

pytestmark = pytest.mark.real

SLOW = """
name: slow
nodes:
  - {id: first, bash: echo first >> ran}
  - {id: waits, depends_on: [first], bash: 'test -e go || sleep 30', grace: 0.5}
"""

UNTIL_GO = "until test -e go; do sleep 0.01; done"


@contextmanager
def running(
    *arguments: str, cwd: Path, under: Sequence[str] = ()
) -> Iterator[subprocess.Popen[str]]:
    """The command line as a process of its own, which does not outlive the test.

    ``under`` is a command that is given it to execute in its own place.
    """
    process = subprocess.Popen(
        [*under, *COMMAND, *arguments],
        cwd=cwd,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def wait_for_events(folder: Path, count: int, url: str = ".indelible") -> None:
    scheme, slashes, path = url.rpartition("///")
    store = open_store(f"{scheme}{slashes}{folder / path}")
    try:
        assert store.wait("r", after=count - 1, timeout=PATIENCE)
    finally:
        store.close()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_a_run_so_that_it_can_be_resumed(
    tmp_path: Path, number: signal.Signals
) -> None:
    (tmp_path / "slow.yaml").write_text(SLOW)
    with running("run", "slow.yaml", "--run-id", "r", "--json", cwd=tmp_path) as process:
        wait_for_events(tmp_path, 4)
        process.send_signal(number)
        out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert "error: run r was interrupted\n    Go on: indelible resume r\n" in err
    assert "Traceback" not in err
    assert '"exit_code":130' in out

    (tmp_path / "go").touch()
    cli("resume", "r", cwd=tmp_path)
    log = events_of(str(tmp_path / ".indelible"), "r")
    assert nodes_of(log, "node_started") == ["first", "waits", "waits"]
    assert log[-1].event_type == "workflow_completed"
    assert (tmp_path / "ran").read_text() == "first\n"


def test_a_run_under_nohup_outlives_the_hang_up(tmp_path: Path) -> None:
    (tmp_path / "slow.yaml").write_text(SLOW.replace("test -e go || sleep 30", UNTIL_GO))
    with running("run", "slow.yaml", "--run-id", "r", cwd=tmp_path, under=("nohup",)) as process:
        wait_for_events(tmp_path, 4)
        process.send_signal(signal.SIGHUP)
        (tmp_path / "go").touch()
        _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, err


@pytest.mark.parametrize("store", [".indelible", "sqlite:///runs.db"])
def test_a_run_is_running_until_its_process_dies(tmp_path: Path, store: str) -> None:
    (tmp_path / "slow.yaml").write_text(SLOW)
    with running("run", "slow.yaml", "--run-id", "r", "--store", store, cwd=tmp_path) as process:
        wait_for_events(tmp_path, 4, store)
        alive = cli("list", "--json", "--store", store, cwd=tmp_path).stdout
        held = cli("resume", "r", "--store", store, cwd=tmp_path, expect=7).stderr
        process.kill()
        process.wait(PATIENCE)
        dead = cli("show", "r", "--json", "--store", store, cwd=tmp_path).stdout
    assert '"status":"running"' in alive
    assert f'"driver":"pid {process.pid} on ' in alive
    assert f"run r is held by pid {process.pid} on " in held
    assert '"status":"interrupted"' in dead
    assert '"driver":""' in dead


def test_a_run_is_cancelled_from_another_process(tmp_path: Path) -> None:
    (tmp_path / "slow.yaml").write_text(SLOW)
    with running("run", "slow.yaml", "--run-id", "r", cwd=tmp_path) as process:
        wait_for_events(tmp_path, 4)
        cli("cancel", "latest", "--reason", "enough", cwd=tmp_path)
        _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 6
    assert "cancelled: 1 success" in err
    cli("resume", "r", cwd=tmp_path, expect=6)


def test_following_the_events_ends_with_the_run(tmp_path: Path) -> None:
    an_open_run(tmp_path, "r", nodes=(node("a"),))
    with running("events", "r", "--follow", cwd=tmp_path) as process:
        assert process.stdout is not None
        assert "workflow_started" in process.stdout.readline()
        cli("cancel", "r", cwd=tmp_path)
        out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert "workflow_cancelled" in out
    assert err == ""


@pytest.mark.parametrize("verb", [("events", "r"), ("logs", "r", "a")])
def test_ctrl_c_ends_following_quietly(tmp_path: Path, verb: Sequence[str]) -> None:
    an_open_run(tmp_path, "r", nodes=(node("a"),))
    log = tmp_path / ".indelible" / "r" / "logs" / "a.1.log"
    log.parent.mkdir()
    log.write_text("printed\n")
    with running(*verb, "--follow", cwd=tmp_path) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert err.strip() == ""


def test_a_reader_that_has_enough_ends_a_listing_quietly(tmp_path: Path) -> None:
    names = [f"n{number}" for number in range(3000)]
    an_open_run(tmp_path, "r", nodes=tuple(map(node, names)), events=tuple(ran(*names)))
    with running("events", "r", cwd=tmp_path) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline()
        process.stdout.close()
        err = process.stderr.read()
        process.wait(PATIENCE)
    assert process.returncode == 141
    assert err == ""


def test_a_run_goes_on_when_nobody_reads_its_progress(tmp_path: Path) -> None:
    (tmp_path / "hello.yaml").write_text(HELLO)
    read, write = os.pipe()
    os.close(read)
    try:
        done = subprocess.run(
            [*COMMAND, "run", "hello.yaml"],
            cwd=tmp_path,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=write,
            timeout=PATIENCE,
            check=False,
        )
    finally:
        os.close(write)
    assert (done.returncode, done.stdout) == (0, b'{"said":"hello world"}\n')


def test_symbols_are_plain_where_the_encoding_has_none(tmp_path: Path) -> None:
    (tmp_path / "hello.yaml").write_text(HELLO)
    env = environment() | {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    done = program(*COMMAND, "run", "hello.yaml", cwd=tmp_path, env=env)
    assert " + say " in done.stderr
    assert done.stderr.isascii()


def seen_on_a_terminal(folder: Path, *arguments: str, until: str) -> str:
    """Run a command on a terminal; make the file ``go`` once ``until`` is on it."""
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "rb", buffering=0) as terminal:
        process = subprocess.Popen(
            [*COMMAND, *arguments],
            cwd=folder,
            env=environment() | {"TERM": "xterm"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        try:
            seen = ""
            for piece in pieces(terminal):
                seen += piece
                if until in seen:
                    (folder / "go").touch()
            assert process.wait(PATIENCE) == 0, seen
        finally:
            process.kill()
            process.wait()
    return seen


def pieces(terminal: FileIO) -> Iterator[str]:
    """What is written to a terminal, until its last writer has gone."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if not select.select([terminal], [], [], 0.5)[0]:
            continue
        try:
            piece = terminal.read(65536)
        except OSError:  # how Linux says that nobody is left
            return
        if not piece:  # how others say it
            return
        yield piece.decode(errors="replace")


def test_a_terminal_shows_what_runs_and_then_how_it_ended(tmp_path: Path) -> None:
    (tmp_path / "waits.yaml").write_text(
        "nodes: [{id: waits, bash: 'until test -e go; do sleep 0.02; done'}]"
    )
    seen = seen_on_a_terminal(tmp_path, "run", "waits.yaml", until="0 of 1 done · 1 running")
    assert "● waits" in seen
    assert "✓ waits" in seen
    assert "completed: 1 success" in seen


def test_a_node_cannot_act_on_the_terminal_that_its_log_is_shown_on(tmp_path: Path) -> None:
    (tmp_path / "go").touch()
    an_open_run(tmp_path, "r", nodes=(node("a"),))
    a_run(tmp_path, "done", nodes=(node("a"),))
    log = tmp_path / ".indelible" / "done" / "logs" / "a.1.log"
    log.parent.mkdir()
    log.write_bytes(b"\x1b]0;owned\x07\x1b[31mred\x1b[0m\n")
    seen = seen_on_a_terminal(tmp_path, "logs", "done", "a", until="red")
    assert "\\x1b]0;owned\\x07\x1b[31mred\x1b[0m" in seen
