"""What stands in the place of an attempt's log is neither followed nor waited for."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from indelible.definition.model import Bash, Python
from indelible.executors.port import Executor, Failed
from indelible.testing.attempts import an_attempt, outcomes_of

Open = Callable[..., Executor]

KEPT = "what was there before\n"


def shouts() -> None:
    print("hello")


def a_link(log: Path, other: Path) -> None:
    log.symlink_to(other)


def a_hard_link(log: Path, other: Path) -> None:
    log.hardlink_to(other)


def a_fifo(log: Path, other: Path) -> None:
    os.mkfifo(log)


@pytest.mark.parametrize(
    ("put", "says"),
    [
        (a_link, "symbolic links"),
        (a_hard_link, "it has a second name, a hard link"),
        (a_fifo, os.strerror(errno.ENXIO)),
    ],
)
@pytest.mark.parametrize("body", [Python(target="m:live"), Bash("echo hello")])
def test_a_node_does_not_print_through_what_stands_in_the_place_of_its_log(
    open_executor: Open,
    tmp_path: Path,
    body: Python | Bash,
    put: Callable[[Path, Path], None],
    says: str,
) -> None:
    other = tmp_path / "other"
    other.write_text(KEPT)
    attempt = an_attempt(body, tmp_path)
    attempt.files.mkdir()
    put(attempt.log, other)
    outcome = outcomes_of(open_executor(node=shouts), [attempt])["node"]
    assert isinstance(outcome, Failed)
    assert says in outcome.error.message
    assert str(attempt.log) in outcome.error.message
    assert other.read_text() == KEPT
