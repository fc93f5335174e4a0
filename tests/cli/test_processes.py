"""Real processes: signals, pipes and terminals."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from tests.acceptance.logs import events_of, nodes_of
from tests.cli.invoking import HELLO, a_run
from tests.cli.logs_made import an_open_run
from tests.commands import CODE, COMMAND, PATIENCE, cli, environment, program
from tests.engine.given import node

from indelible import open_store

pytestmark = pytest.mark.real

SLOW = """
name: slow
nodes:
  - {id: first, bash: echo first >> ran}
  - {id: waits, depends_on: [first], bash: 'test -e go || sleep 30', grace: 0.5}
"""


@contextmanager
def running(*arguments: str, cwd: Path) -> Iterator[subprocess.Popen[str]]:
    """The command line as a process of its own, which does not outlive the test."""
    process = subprocess.Popen(
        [*COMMAND, *arguments],
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


def wait_for_events(folder: Path, count: int) -> None:
    store = open_store(folder / ".indelible")
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
    a_run(tmp_path, "r", nodes=tuple(node(f"n{number}") for number in range(3000)))
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
    pid, terminal = pty.fork()
    if pid == 0:  # the child: becomes the command
        os.chdir(folder)
        env = environment() | {"TERM": "xterm"}
        os.execvpe(COMMAND[0], [COMMAND[0], "-c", CODE, *arguments], env)
    seen = ""
    deadline = time.monotonic() + PATIENCE
    try:
        with suppress(OSError):  # how Linux says that the other end is closed
            while time.monotonic() < deadline:
                if not select.select([terminal], [], [], 0.5)[0]:
                    continue
                piece = os.read(terminal, 65536)
                if not piece:
                    break
                seen += piece.decode()
                if until in seen:
                    (folder / "go").touch()
    finally:
        os.close(terminal)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGHUP)
        _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0, seen
    return seen


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
