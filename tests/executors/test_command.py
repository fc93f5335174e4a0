"""Commands: how they are started, heard, stopped, and how their end is explained."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from threading import Thread

import pytest

from indelible.definition.model import Bash
from indelible.events import NodeError
from indelible.executors.attempt import Control
from indelible.executors.command import Command, run_command
from indelible.executors.failures import AttemptFailedError
from indelible.executors.log import AttemptLog
from indelible.executors.port import Attempt
from indelible.testing.attempts import an_attempt, contents_of, is_running

STOPPED = NodeError(type="Stopped", message="as asked")


def run(attempt: Attempt, *argv: str) -> bytes:
    log = AttemptLog(lambda: attempt.log)
    command = Command(argv=argv or ("bash", "-c", command_of(attempt)), keeps_stdout=True)
    try:
        return bytes(run_command(command, attempt, Control(log)))
    finally:
        log.close()


def command_of(attempt: Attempt) -> str:
    assert isinstance(attempt.body, Bash)
    return attempt.body.command


def error_of(attempt: Attempt, *argv: str) -> NodeError:
    with pytest.raises(AttemptFailedError) as caught:
        run(attempt, *argv)
    return caught.value.error


def test_stdout_is_the_output_and_the_log_has_both_streams(tmp_path: Path) -> None:
    attempt = an_attempt(Bash("echo out; echo err >&2"), tmp_path)
    assert run(attempt) == b"out\n"
    assert sorted(attempt.log.read_text().splitlines()) == ["err", "out"]


def test_the_log_is_private(tmp_path: Path) -> None:
    attempt = an_attempt(Bash("echo out"), tmp_path / "deep" / "down")
    run(attempt)
    assert attempt.log.stat().st_mode & 0o777 == 0o600
    assert {p.stat().st_mode & 0o777 for p in (tmp_path / "deep").glob("**/")} == {0o700}


def test_without_prints_there_is_no_log(tmp_path: Path) -> None:
    attempt = an_attempt(Bash("true"), tmp_path)
    run(attempt)
    assert not attempt.log.exists()


def test_stdout_is_logged_while_the_command_runs(tmp_path: Path) -> None:
    attempt = an_attempt(
        Bash('echo early; while [ ! -e "$GO" ]; do sleep 0.01; done'),
        tmp_path,
        env={"GO": str(tmp_path / "go")},
    )
    running = Thread(target=run, args=(attempt,))
    running.start()
    assert contents_of(attempt.log) == "early"
    (tmp_path / "go").touch()
    running.join()


def test_the_environment_is_the_drivers_the_nodes_and_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OF_DRIVER", "driver")
    monkeypatch.setenv("OF_BOTH", "driver")
    names = "$OF_DRIVER $OF_BOTH $INDELIBLE_RUN_ID $INDELIBLE_NODE_ID $INDELIBLE_ATTEMPT"
    attempt = an_attempt(
        Bash(f"echo {names} $INDELIBLE_IDEMPOTENCY_KEY"),
        tmp_path,
        number=3,
        env={"OF_BOTH": "node"},
    )
    assert run(attempt) == b"driver node run node 3 run/node/0\n"


def test_stdin_is_empty_and_cwd_is_the_nodes(tmp_path: Path) -> None:
    assert run(an_attempt(Bash("cat; pwd -P"), tmp_path)) == f"{Path.cwd().resolve()}\n".encode()
    there = an_attempt(Bash("pwd -P"), tmp_path, cwd=tmp_path)
    assert run(there) == f"{tmp_path.resolve()}\n".encode()


def test_a_failure_quotes_the_last_lines_of_stderr(tmp_path: Path) -> None:
    command = "echo out; for i in {1..99}; do echo line $i >&2; done; exit 3"
    error = error_of(an_attempt(Bash(command), tmp_path))
    assert (error.type, error.exit_code) == ("ExitCode", 3)
    lines = [f"line {number}" for number in range(90, 100)]
    assert error.message.splitlines() == ["exit code 3, after:", *lines]


def test_a_failure_without_stderr_quotes_stdout(tmp_path: Path) -> None:
    error = error_of(an_attempt(Bash("echo no such luck; exit 1"), tmp_path))
    assert error.message == "exit code 1, after:\nno such luck"


def test_a_failure_quotes_two_kibibytes_at_most(tmp_path: Path) -> None:
    error = error_of(an_attempt(Bash("head -c 100000 /dev/zero | tr '\\0' x; exit 1"), tmp_path))
    assert error.message == "exit code 1, after:\n" + "x" * 2048


@pytest.mark.parametrize(
    ("command", "exit_code", "message"),
    [
        ("exit 7", 7, "exit code 7"),
        ("kill -KILL $$", 137, "killed by SIGKILL"),
        ("kill -SEGV $$", 139, "killed by SIGSEGV"),
        ("bash -c 'kill -TERM $$'; exit $?", 143, "exit code 143 (as after SIGTERM)"),
        ("exit 255", 255, "exit code 255"),
    ],
)
def test_an_exit_code_or_a_signal_is_said_by_name(
    tmp_path: Path, command: str, exit_code: int, message: str
) -> None:
    # The core limit keeps the segmentation fault from leaving a file behind.
    error = error_of(an_attempt(Bash(f"ulimit -c 0; {command}"), tmp_path))
    assert (error.type, error.exit_code) == ("ExitCode", exit_code)
    assert error.message.splitlines()[0].removesuffix(", after:") == message


def test_a_program_that_does_not_exist_is_named(tmp_path: Path) -> None:
    error = error_of(an_attempt(Bash(""), tmp_path), "no-such-program")
    assert error.type == "SpawnError"
    assert "cannot start no-such-program: it is not on the PATH" in error.message


def test_a_missing_bash_is_named(tmp_path: Path) -> None:
    error = error_of(an_attempt(Bash("true"), tmp_path, env={"PATH": str(tmp_path)}))
    assert "cannot start bash: it is not on the PATH" in error.message


def test_a_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    error = error_of(an_attempt(Bash("true"), tmp_path, cwd=tmp_path / "gone"))
    assert error.type == "SpawnError"
    assert f"in {tmp_path / 'gone'}: no such folder; correct the node's `cwd`" in error.message


def test_a_value_too_large_for_the_environment_is_explained(tmp_path: Path) -> None:
    error = error_of(an_attempt(Bash("true"), tmp_path, env={"HUGE": "x" * 10_000_000}))
    assert error.type == "SpawnError"
    assert "hand large values over in a file" in error.message


def test_a_null_character_cannot_be_handed_over(tmp_path: Path) -> None:
    error = error_of(an_attempt(Bash("true"), tmp_path, env={"NUL": "a\0b"}))
    assert (error.type, "null byte" in error.message) == ("SpawnError", True)


@pytest.mark.real
def test_a_timeout_stops_the_whole_group(tmp_path: Path) -> None:
    command = "sleep 1000 & echo $! > pid; wait"
    attempt = an_attempt(Bash(command), tmp_path, cwd=tmp_path, timeout=0.3)
    error = error_of(attempt)
    assert error.type == "Timeout"
    assert error.message == "did not end within its timeout of 0.3 s"
    assert not is_running(int(contents_of(tmp_path / "pid")))


@pytest.mark.real
def test_what_ignores_term_is_killed_after_the_grace_time(tmp_path: Path) -> None:
    command = "trap '' TERM; echo $$ > pid; while true; do sleep 0.05; done"
    attempt = an_attempt(Bash(command), tmp_path, cwd=tmp_path, timeout=0.3, grace=0.2)
    assert error_of(attempt).type == "Timeout"
    assert not is_running(int(contents_of(tmp_path / "pid")))


@pytest.mark.real
def test_a_command_that_cleans_up_after_term_has_the_grace_time(tmp_path: Path) -> None:
    command = "trap 'echo tidy; exit 0' TERM; while true; do sleep 0.05; done"
    attempt = an_attempt(Bash(command), tmp_path, timeout=0.3, grace=60)
    assert error_of(attempt).type == "Timeout"
    assert "tidy" in attempt.log.read_text().splitlines()


@pytest.mark.real
@pytest.mark.parametrize("ignores", ["", "trap '' TERM;"])
def test_what_a_node_leaves_behind_is_ended(tmp_path: Path, ignores: str) -> None:
    command = f"{ignores} sleep 1000 & echo $! > pid; echo done"
    assert run(an_attempt(Bash(command), tmp_path, cwd=tmp_path, grace=0.1)) == b"done\n"
    assert not is_running(int(contents_of(tmp_path / "pid")))


@pytest.mark.real
def test_a_process_substitution_may_finish(tmp_path: Path) -> None:
    assert run(an_attempt(Bash("echo hi > >(sleep 0.02; cat)"), tmp_path)) == b"hi\n"


@pytest.mark.real
def test_a_daemon_that_keeps_stdout_open_does_not_keep_the_node(tmp_path: Path) -> None:
    attempt = an_attempt(
        Bash("setsid sleep 1000 & echo $! > pid; echo done"), tmp_path, cwd=tmp_path
    )
    try:
        assert run(attempt) == b"done\n"
    finally:
        subprocess.run(["kill", contents_of(tmp_path / "pid")], check=False)


def test_without_pidfd_the_end_is_noticed_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "pidfd_open", raising=False)
    assert run(an_attempt(Bash("exec 2>&-; echo hi; exec >&-; sleep 0.1"), tmp_path)) == b"hi\n"


def test_an_attempt_cancelled_before_its_start_starts_nothing(tmp_path: Path) -> None:
    attempt = an_attempt(Bash("touch started"), tmp_path, cwd=tmp_path)
    control = Control(AttemptLog(lambda: attempt.log))
    control.cancel(STOPPED)
    with pytest.raises(AttemptFailedError) as caught:
        run_command(Command(argv=["bash", "-c", command_of(attempt)]), attempt, control)
    assert caught.value.error == STOPPED
    assert list(tmp_path.iterdir()) == []


def test_a_log_that_cannot_be_written_fails_the_node_and_ends_it(tmp_path: Path) -> None:
    attempt = an_attempt(Bash("echo $$ > pid; echo hi; sleep 1000"), tmp_path, cwd=tmp_path)
    attempt.log.mkdir(parents=True)  # a folder where the file should be
    with pytest.raises(OSError, match=r"node\.1\.log"):
        run(attempt)
    assert not is_running(int(contents_of(tmp_path / "pid")))


def test_descriptors_are_given_back(tmp_path: Path) -> None:
    run(an_attempt(Bash("echo hi"), tmp_path))
    before = sorted(os.listdir("/dev/fd"))
    run(an_attempt(Bash("echo hi"), tmp_path))
    error_of(an_attempt(Bash("exit 1"), tmp_path))
    error_of(an_attempt(Bash("true"), tmp_path, cwd=tmp_path / "gone"))
    assert sorted(os.listdir("/dev/fd")) == before


LARGE = """
import resource, sys
from pathlib import Path
from indelible.definition.model import Bash
from indelible.executors.inline import InlineExecutor
from indelible.nodes import node_kinds
from indelible.testing.attempts import an_attempt, outcomes_of

executor = InlineExecutor(node_kinds())
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
body = Bash("head -c 100000000 /dev/zero | tr '\\\\0' x")
outcome = outcomes_of(executor, [an_attempt(body, Path(sys.argv[1]))])["node"]
grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
print(len(outcome.output), grown * (1 if sys.platform == "darwin" else 1024))
executor.close()
"""


@pytest.mark.real
def test_a_node_that_prints_100_mb_is_held_four_times_at_most(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LARGE, str(tmp_path)],
        capture_output=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    size, grown = map(int, done.stdout.split())
    assert size == 100_000_002
    assert grown < 4 * size
    assert (tmp_path / "logs" / "node.1.log").stat().st_size == 100_000_000


@pytest.mark.real
def test_an_output_over_the_limit_is_refused_with_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("indelible.executors.command.MAX_STDOUT", 1024**2)
    error = error_of(an_attempt(Bash("yes"), tmp_path))
    assert error.type == "OutputError"
    assert error.message == (
        "the output is larger than 1 MiB; write it to a file and let the output be the file's path"
    )
