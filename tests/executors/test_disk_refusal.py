"""A disk that refuses what a node prints is the store's failure, and not the node's."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.full_disks import fill_disk_under

from indelible.definition.model import Bash, Python
from indelible.errors import StoreError
from indelible.executors.log import DISK_TROUBLE, AttemptLog, DiskRefusedError, at_path
from indelible.executors.port import Executor, Failed
from indelible.secrets import marker
from indelible.testing.attempts import an_attempt, awaited, outcomes_of

LIVE = Python(target="m:live")

Open = Callable[..., Executor]


@pytest.fixture
def full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of an attempt whose prints find no room."""
    fill_disk_under(an_attempt(LIVE, tmp_path).log, monkeypatch)
    return tmp_path


def shouts() -> None:
    print("hello")


def hides_it() -> str:
    try:
        print("hello")
    except OSError:
        return "fine"
    return "printed"


def rephrases_it() -> None:
    try:
        print("hello")
    except OSError as error:
        raise RuntimeError("something with a disk") from error


async def shouts_later() -> None:
    print("hello")


@pytest.mark.parametrize("live", [shouts, hides_it, rephrases_it, shouts_later])
def test_a_function_neither_fails_nor_completes(
    open_executor: Open, full_disk: Path, live: Callable[[], object]
) -> None:
    executor = open_executor(node=live)
    executor.submit([an_attempt(LIVE, full_disk)])
    with pytest.raises(StoreError, match=r"node\.1\.log: cannot write: No space left") as refused:
        awaited(executor)
    assert "Free some space, then resume" in refused.value.hint


@pytest.mark.real
@pytest.mark.parametrize("end", ["exit 0", "exit 1", "sleep 1000"])
def test_a_command_neither_fails_nor_completes(
    open_executor: Open, full_disk: Path, end: str
) -> None:
    executor = open_executor()
    executor.submit([an_attempt(Bash(f"echo hello; {end}"), full_disk)])
    with pytest.raises(StoreError, match=r"node\.1\.log: cannot write"):
        awaited(executor)


@pytest.mark.real
def test_a_mask_for_secrets_hides_no_full_disk(
    open_executor: Open, full_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INDELIBLE_TESTED", "correct horse")
    env = {"KEY": marker("INDELIBLE_TESTED")}
    executor = open_executor()
    executor.submit([an_attempt(Bash("echo $KEY"), full_disk, env=env)])
    with pytest.raises(StoreError, match=r"node\.1\.log: cannot write"):
        awaited(executor)


@pytest.mark.parametrize("code", sorted(DISK_TROUBLE))
def test_trouble_with_the_disk_is_told_from_trouble_with_a_file(code: int) -> None:
    assert isinstance(at_path(OSError(code, "trouble"), Path("log")), DiskRefusedError)
    other = at_path(OSError(errno.EACCES, "not allowed"), Path("log"))
    assert isinstance(other, PermissionError)
    assert other.filename == "log"


def test_a_log_that_cannot_be_written_for_another_reason_still_fails_the_node(
    open_executor: Open, tmp_path: Path
) -> None:
    attempt = an_attempt(LIVE, tmp_path)
    attempt.log.mkdir(parents=True)
    outcome = outcomes_of(open_executor(node=shouts), [attempt])["node"]
    assert isinstance(outcome, Failed)
    assert outcome.error.type == "IsADirectoryError"


@pytest.mark.real
def test_a_lock_that_cannot_be_made_keeps_the_command_from_starting(
    open_executor: Open, tmp_path: Path
) -> None:
    attempt = an_attempt(Bash("touch started"), tmp_path, cwd=tmp_path)
    attempt.files.mkdir()
    attempt.lock.parent.touch()
    outcome = outcomes_of(open_executor(), [attempt])["node"]
    assert isinstance(outcome, Failed)
    assert outcome.error.message.startswith("cannot lock what marks the attempt: ")
    assert not (tmp_path / "started").exists()


def test_a_log_tells_of_its_refusal_as_often_as_it_is_asked(full_disk: Path) -> None:
    log = AttemptLog(lambda: an_attempt(LIVE, full_disk).log)
    asked: list[Callable[[], bytes]] = [
        lambda: log.write(b"a"),
        lambda: log.flush("stdout"),
        lambda: log.write(b"b"),
    ]
    for ask in asked:
        with pytest.raises(DiskRefusedError):
            ask()
    log.close()
