"""What stays when a driver dies: the watchdog over its process groups, and the attempts' locks."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.processes import children_of, until

from indelible.executors.group import AttemptLock, Watchdog, is_free
from indelible.testing.attempts import PATIENCE, contents_of, is_running

pytestmark = pytest.mark.real

STUBBORN = "trap '' TERM; echo ready > ready; while :; do sleep 0.05; done"

FORKING = """
import os, subprocess, sys, time
from indelible.executors.group import Watchdog

watchdog = Watchdog()
node = subprocess.Popen(["sleep", "1000"], start_new_session=True)
with watchdog.watching(node.pid, 5):
    copy = os.fork()
    if not copy:
        time.sleep(1000)
    print(node.pid, copy, flush=True)
    os._exit(0)
"""


@pytest.fixture
def watchdog() -> Iterator[Watchdog]:
    watchdog = Watchdog()
    yield watchdog
    watchdog.close()


def a_group(*command: str, folder: Path | None = None) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command, cwd=folder, start_new_session=True)


def test_what_is_left_gets_term(watchdog: Watchdog) -> None:
    with a_group("sleep", "1000") as process, watchdog.watching(process.pid, 1000):
        watchdog.close()
        assert process.wait(PATIENCE) == -signal.SIGTERM


def test_what_ignores_term_gets_kill(watchdog: Watchdog, tmp_path: Path) -> None:
    with (
        a_group("bash", "-c", STUBBORN, folder=tmp_path) as process,
        watchdog.watching(process.pid, 0.2),
    ):
        contents_of(tmp_path / "ready")
        watchdog.close()
        assert process.wait(PATIENCE) == -signal.SIGKILL


def test_what_has_ended_in_time_is_nobody_any_more(watchdog: Watchdog) -> None:
    with a_group("sleep", "1000") as kept, a_group("sleep", "1000") as left:
        with watchdog.watching(kept.pid, 0):
            pass
        with watchdog.watching(left.pid, 0):
            watchdog.close()
            left.wait(PATIENCE)
        assert kept.poll() is None
        kept.kill()


def test_a_watchdog_that_was_killed_is_replaced_by_one_that_knows_of_all(
    watchdog: Watchdog,
) -> None:
    before = children_of(os.getpid()).keys()
    with a_group("sleep", "1000") as first, watchdog.watching(first.pid, 1000):
        (shell,) = children_of(os.getpid()).keys() - before - {first.pid}
        os.kill(shell, signal.SIGKILL)
        until(lambda: not is_running(shell))
        with a_group("sleep", "1000") as second, watchdog.watching(second.pid, 1000):
            watchdog.close()
            ended = (first.wait(PATIENCE), second.wait(PATIENCE))
            assert ended == (-signal.SIGTERM, -signal.SIGTERM)


def test_a_forked_copy_of_the_driver_does_not_keep_the_watchdog_waiting(tmp_path: Path) -> None:
    env = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    with (tmp_path / "pids").open("wb") as out:
        subprocess.run(
            [sys.executable, "-c", FORKING], stdout=out, timeout=PATIENCE, check=True, env=env
        )
    node, copy = map(int, contents_of(tmp_path / "pids").split())
    try:
        until(lambda: not is_running(node))
        assert is_running(copy)
    finally:
        os.kill(copy, signal.SIGKILL)


def test_a_lock_is_held_as_long_as_a_process_lives_that_inherited_it(tmp_path: Path) -> None:
    path = tmp_path / "locks" / "a.1"
    lock = AttemptLock(path)
    lock.open()
    with a_group("true") as starter:
        starter.wait(PATIENCE)
    with subprocess.Popen(["sleep", "1000"], pass_fds=lock.fds) as process:
        lock.hand_over(process.pid)
        assert path.read_text() == f"{process.pid}\n"
        lock.close()
        assert not is_free(path)
        process.kill()
    assert is_free(path)
    assert not path.exists()


def test_a_lock_that_is_held_cannot_be_taken_again(tmp_path: Path) -> None:
    path = tmp_path / "a.1"
    lock = AttemptLock(path)
    lock.open()
    with pytest.raises(BlockingIOError, match="another process holds it"):
        AttemptLock(path).open()
    lock.close()
    assert not path.exists()
