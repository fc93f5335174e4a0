"""A driver dies by SIGKILL, is pressed to leave, is fenced or loses its disk: no process is left.

And where one is left all the same, no node runs beside its own ghost.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from indelible.definition.model import Bash, Definition, Node
from indelible.definition.normal import digest_of, encode_definition
from indelible.engine.resume import resumption
from indelible.errors import GhostError, StoreError
from indelible.events import FORMAT, Sealed, WorkflowStarted
from indelible.executors.files import lock_path
from indelible.executors.group import AttemptLock
from indelible.runtime import drive
from indelible.runtime.identity import now_utc
from indelible.runtime.log import open_log
from indelible.stores.filesystem import FilesystemStore
from indelible.testing.attempts import contents_of, is_running
from indelible.version import __version__
from tests.acceptance.logs import assert_nothing_ran_twice, events_of, last_interrupted
from tests.commands import PATIENCE, cli
from tests.full_disks import fill_disk_under
from tests.processes import children_of, driving, until

pytestmark = pytest.mark.real

SHOWS_HOLDERS = Path("/proc/self/fdinfo").exists()
STORES = ("runs", "sqlite:///runs.db")

ALL_KINDS = """
nodes:
  - {id: bash, bash: 'echo $$ > bash.pid; sleep 1000'}
  - id: stubborn
    grace: 0.3
    bash: "trap '' TERM; echo $$ > stubborn.pid; while :; do sleep 0.05; done"
  - id: script
    script: |
      import subprocess, time
      print(subprocess.Popen(["sleep", "1000"]).pid, file=open("script.pid", "w"))
      time.sleep(1000)
  - {id: function, python: "steps:endless", executor: process}
  - {id: agent, prompt: hello, agent: {command: [bash, -c, 'echo $$ > agent.pid; sleep 1000']}}
"""

STEPS = """
import os, time

def endless() -> None:
    print(os.getpid(), file=open("function.pid", "w"))
    time.sleep(1000)
"""

ONE = """
nodes:
  - id: one
    grace: {grace}
    bash: |
      if test -e pid; then
        ps -o stat= -p "$(cat pid)" | grep -v Z > beside || true
        exit
      fi
      {first}
"""

# Says nothing, as nobody reads what it prints any more, and who writes to nobody is killed.
POLITE = (
    "exec 2> errors; trap 'echo > thanked; exit' TERM; echo $$ > pid; "
    "while :; do sleep 0.05 || :; done"
)
ENDLESS = "echo $$ > pid; sleep 1000"
ESCAPING = "setsid bash -c 'echo $$ > pid; exec sleep 1000' & sleep 1000"
HARDENED = "trap '' TERM; echo $$ > pid; while :; do sleep 0.05; done"


def write(folder: Path, first: str, *, grace: float = 0.3) -> None:
    (folder / "one.yaml").write_text(ONE.format(first=first, grace=grace))


@contextmanager
def driven(folder: Path, store: str = "runs", file: str = "one.yaml") -> Iterator[int]:
    """The pid of the driver of run ``r``, whose node has written the file ``pid``."""
    with driving("run", file, "--run-id", "r", "--store", store, cwd=folder) as process:
        contents_of(folder / "pid")
        until(lambda: are_watched(folder, 1))
        yield process.pid


def are_watched(folder: Path, count: int) -> bool:
    """Whether the watchdog knows of so many attempts: their locks have been handed over."""
    return sum(lock.stat().st_size > 0 for lock in folder.glob("**/locks/*")) >= count


def pid_in(file: Path) -> int:
    return int(contents_of(file))


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


def watchdog_of(driver: int) -> int:
    (shell,) = (pid for pid, name in children_of(driver).items() if Path(name).name == "sh")
    return shell


def test_when_a_driver_is_killed_the_processes_of_its_nodes_end(tmp_path: Path) -> None:
    (tmp_path / "all.yaml").write_text(ALL_KINDS)
    (tmp_path / "steps.py").write_text(STEPS)
    with driving("run", "all.yaml", "--max-parallel", "5", cwd=tmp_path) as process:
        names = ("bash", "stubborn", "script", "function", "agent")
        pids = {name: pid_in(tmp_path / f"{name}.pid") for name in names}
        until(lambda: are_watched(tmp_path, len(names)))
        assert [name for name, pid in pids.items() if not is_running(pid)] == []
        process.kill()
        until(lambda: not any(map(is_running, pids.values())))


@pytest.mark.skipif(not SHOWS_HOLDERS, reason="this system does not show who holds a lock")
@pytest.mark.parametrize("store", STORES)
def test_a_child_that_escaped_into_its_own_session_is_ended_before_its_node_runs_again(
    tmp_path: Path, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, ESCAPING)
    with driven(tmp_path, store) as driver:
        kill(driver)
    ghost = pid_in(tmp_path / "pid")
    assert is_running(ghost)
    before = events_of(store, "r")
    cli("resume", "r", "--store", store, cwd=tmp_path)
    assert not is_running(ghost)
    assert (tmp_path / "beside").read_text() == ""
    assert_resumed(before, events_of(store, "r"))


@pytest.mark.skipif(not SHOWS_HOLDERS, reason="this system does not show who holds a lock")
def test_a_child_that_escaped_an_interrupt_is_ended_before_its_node_runs_again(
    tmp_path: Path,
) -> None:
    write(tmp_path, ESCAPING)
    with driving("run", "one.yaml", "--run-id", "r", "--store", "runs", cwd=tmp_path) as process:
        ghost = pid_in(tmp_path / "pid")
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 130
    assert is_running(ghost)
    cli("resume", "r", "--store", "runs", cwd=tmp_path)
    assert not is_running(ghost)
    assert (tmp_path / "beside").read_text() == ""


@pytest.mark.skipif(not SHOWS_HOLDERS, reason="this system does not show who holds a lock")
def test_what_a_node_that_completed_has_left_running_is_left_alone(tmp_path: Path) -> None:
    left = (
        "setsid bash -c 'echo $$ > pid; exec sleep 1000' & until test -s pid; do sleep 0.01; done"
    )
    (tmp_path / "two.yaml").write_text(
        f"nodes:\n  - id: daemon\n    bash: |\n      {left}\n"
        "  - {id: next, depends_on: [daemon], bash: test -e go}\n"
    )
    cli("run", "two.yaml", "--run-id", "r", "--store", "runs", cwd=tmp_path, expect=1)
    daemon = pid_in(tmp_path / "pid")
    try:
        (tmp_path / "go").touch()
        cli("resume", "r", "--store", "runs", cwd=tmp_path)
        assert is_running(daemon)
    finally:
        kill(daemon)


@pytest.mark.skipif(not SHOWS_HOLDERS, reason="this system does not show who holds a lock")
@pytest.mark.parametrize(
    ("first", "grace"), [(POLITE, 30), (HARDENED, 0.3)], ids=["ends by TERM", "ends by KILL"]
)
def test_what_the_watchdog_never_heard_of_is_ended_before_its_node_runs_again(
    tmp_path: Path, first: str, grace: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, first, grace=grace)
    with driven(tmp_path) as driver:
        kill(watchdog_of(driver))
        kill(driver)
    ghost = pid_in(tmp_path / "pid")
    assert is_running(ghost)
    before = events_of("runs", "r")
    cli("resume", "r", "--store", "runs", cwd=tmp_path)
    assert not is_running(ghost)
    assert (tmp_path / "thanked").exists() == (first == POLITE)
    assert (tmp_path / "beside").read_text() == ""
    assert_resumed(before, events_of("runs", "r"))


def assert_resumed(before: Sequence[Sealed], after: Sequence[Sealed]) -> None:
    assert_nothing_ran_twice(before, after)
    assert last_interrupted(after) == ["one"]


def test_a_resume_stops_before_a_ghost_that_it_cannot_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, ENDLESS)
    with driven(tmp_path) as driver:
        kill(driver)
    until(lambda: not is_running(pid_in(tmp_path / "pid")))
    before = events_of("runs", "r")
    # Whoever took the lock itself is no process of the attempt, and is not touched.
    held = AttemptLock(lock_path(tmp_path / "runs" / "r" / "logs", "one", 1))
    held.open()
    refused = cli("resume", "r", "--store", "runs", cwd=tmp_path, expect=7)
    held.close()
    assert (
        "run r: attempt 1 of node one still runs (a process that cannot be seen" in refused.stderr
    )
    assert "then go on: indelible resume r" in refused.stderr
    assert events_of("runs", "r") == before
    cli("resume", "r", "--store", "runs", cwd=tmp_path)


def test_the_error_about_a_ghost_names_what_is_seen_of_it() -> None:
    error = GhostError("r", node_id="build", attempt=2, pids=(7, 8), lock="/x/build.2")
    assert error.exit_code == 7
    assert "attempt 2 of node build still runs (pid 7 8)" in error.problem
    assert error.hint == "End it (kill -KILL 7 8), then go on: indelible resume r"


def test_a_lock_is_gone_with_its_attempt(tmp_path: Path) -> None:
    (tmp_path / "quick.yaml").write_text("nodes: [{id: a, bash: 'true'}, {id: b, bash: 'exit 1'}]")
    cli("run", "quick.yaml", "--run-id", "r", "--store", "runs", cwd=tmp_path, expect=1)
    assert list((tmp_path / "runs" / "r" / "logs" / "locks").iterdir()) == []


def test_three_interrupts_at_once_leave_nothing_behind(tmp_path: Path) -> None:
    write(tmp_path, HARDENED)
    with driving("run", "one.yaml", "--run-id", "r", "--store", "runs", cwd=tmp_path) as process:
        pid = pid_in(tmp_path / "pid")
        for _ in range(3):
            process.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                process.wait(0.005)  # signals that come at once are one
        assert process.wait(PATIENCE) == 130
        until(lambda: not is_running(pid))


def test_one_interrupt_ends_what_ignores_it(tmp_path: Path) -> None:
    write(tmp_path, HARDENED)
    with driving("run", "one.yaml", "--run-id", "r", "--store", "runs", cwd=tmp_path) as process:
        pid = pid_in(tmp_path / "pid")
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 130
        assert not is_running(pid)


def test_a_driver_that_is_fenced_ends_its_processes_before_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, HARDENED)
    with driving("run", "one.yaml", "--run-id", "r", "--store", "runs", cwd=tmp_path) as process:
        pid = pid_in(tmp_path / "pid")
        begin_attempt_2(FilesystemStore("runs"))
        assert process.wait(PATIENCE) == 7
        assert not is_running(pid)


def begin_attempt_2(store: FilesystemStore) -> None:
    """As a driver does that did not see the claim of the first."""
    log = open_log(store, "r")
    definition = log.plan.definition
    event = WorkflowStarted(
        format=FORMAT,
        workflow=definition.name,
        attempt=2,
        definition_digest=digest_of(encode_definition(definition)),
        engine=__version__,
        interrupted=resumption(log.state).interrupted,
    )
    log.draft(event)
    log.commit(now_utc())
    store.close()


class FailingStore(FilesystemStore):
    """Refuses an append as soon as ``fails`` says so."""

    fails: Callable[[], bool]

    def append(self, run_id: str, events: Sequence[Sealed], *, expected: int) -> None:
        if self.fails():
            raise StoreError("the disk has gone")
        super().append(run_id, events, expected=expected)


def test_a_store_that_fails_ends_the_processes_of_the_run(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    store = FailingStore(tmp_path / "runs")
    store.fails = pid.exists
    flow = Definition(
        name="w",
        nodes=(
            Node(id="long", body=Bash(HARDENED), cwd=str(tmp_path)),
            Node(
                id="quick", body=Bash("until test -s pid; do sleep 0.01; done"), cwd=str(tmp_path)
            ),
        ),
        max_parallel=2,
    )
    with pytest.raises(StoreError, match="the disk has gone"):
        drive.start(store, flow, {}, run_id="r")
    assert not is_running(pid_in(pid))
    store.close()


def test_a_disk_too_full_for_what_a_node_prints_stops_the_drive_and_not_the_node(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill_disk_under(tmp_path / "runs" / "r" / "logs" / "prints.1.log", monkeypatch)
    pid = tmp_path / "pid"
    store = FilesystemStore(tmp_path / "runs")
    command = "test -e pid && exit; echo $$ > pid; echo hello; sleep 1000"
    flow = Definition(
        name="w",
        nodes=(
            Node(id="quick", body=Bash("true")),
            Node(id="prints", depends_on=("quick",), body=Bash(command), cwd=str(tmp_path)),
        ),
    )
    with pytest.raises(StoreError, match=r"prints\.1\.log: cannot write: No space left") as refused:
        drive.start(store, flow, {}, run_id="r")
    assert refused.value.exit_code == 9
    assert not is_running(pid_in(pid))
    assert [e.event_type for e in store.read("r")][-1] == "node_started"

    assert drive.resume(store, "r").status == "completed"
    assert [e.event_type for e in store.read("r")].count("node_failed") == 0
    store.close()
