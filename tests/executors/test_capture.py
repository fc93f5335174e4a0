"""Prints of nodes in this process, and everybody else's."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from indelible.definition.model import Bash, Python
from indelible.executors.local import LocalExecutor
from indelible.executors.port import Succeeded
from indelible.nodes import node_kinds
from indelible.testing.attempts import an_attempt, outcomes_of


def talk(text: str) -> None:
    print(text)
    print(f"{text}!", file=sys.stderr)
    sys.stdout.buffer.write(f"{text} in bytes\n".encode())
    sys.stdout.writelines(["a line\n"])
    sys.stdout.flush()


def shut() -> None:
    print("last words")
    sys.stdout.close()


FUNCTIONS: dict[str, Callable[..., object]] = {"a": talk, "b": talk, "quiet": int, "shut": shut}
SAID = ["{0}", "{0}!", "{0} in bytes", "a line"]


@contextmanager
def an_executor(*, echo: bool = False) -> Iterator[LocalExecutor]:
    """Not a fixture: pytest puts its own streams in place between fixtures and test."""
    executor = LocalExecutor(node_kinds(FUNCTIONS), echo=echo)
    try:
        yield executor
    finally:
        executor.close()


def test_a_node_that_closes_stdout_closes_nobody_elses(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with an_executor() as executor:
        attempt = an_attempt(Python(target="m:shut"), tmp_path, id="shut")
        outcome = outcomes_of(executor, [attempt])["shut"]
        print("still here")
    assert isinstance(outcome, Succeeded)
    assert attempt.log.read_text() == "last words\n"
    assert capfd.readouterr().out == "still here\n"


def test_each_node_prints_into_its_own_log(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    attempts = [
        an_attempt(Python(target=f"m:{id}"), tmp_path, id=id, arguments={"text": f"I am {id}"})
        for id in ("a", "b")
    ]
    with an_executor() as executor:
        outcomes_of(executor, attempts)
    for attempt in attempts:
        expected = [line.format(f"I am {attempt.node_id}") for line in SAID]
        assert attempt.log.read_text().splitlines() == expected
    assert capfd.readouterr() == ("", "")


def test_the_stand_in_is_like_what_it_stands_for() -> None:
    before = sys.stdout
    with an_executor():
        assert sys.stdout is not before
        assert sys.stdout.encoding == before.encoding


def test_prints_of_the_driver_reach_its_stdout(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with an_executor():
        print("from the driver")
        sys.stdout.flush()
        sys.stdout.buffer.write(b"bytes\n")
        sys.stdout.flush()
    assert capfd.readouterr().out.splitlines() == ["from the driver", "bytes"]


def test_the_last_executor_to_close_puts_back_what_was_there() -> None:
    before = (sys.stdout, sys.stderr)
    one, two = LocalExecutor({}), LocalExecutor({})
    one.close()
    one.close()
    assert sys.stdout is not before[0]
    two.close()
    assert (sys.stdout, sys.stderr) == before


def test_a_stream_that_somebody_else_put_there_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", sys.__stdout__)
    executor = LocalExecutor({})
    theirs = sys.stderr
    monkeypatch.setattr(sys, "stdout", theirs)
    executor.close()
    assert sys.stdout is theirs


def test_with_echo_prints_are_shown_as_well(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    python = an_attempt(Python(target="m:a"), tmp_path, id="a", arguments={"text": "hello"})
    bash = an_attempt(Bash("echo from bash; echo oh >&2"), tmp_path, id="bash")
    with an_executor(echo=True) as executor:
        outcomes_of(executor, [python])
        outcomes_of(executor, [bash])
    shown = capfd.readouterr()
    assert shown.out.splitlines() == ["hello", "hello in bytes", "a line", "from bash"]
    assert shown.err.splitlines() == ["hello!", "oh"]
    assert bash.log.read_text().splitlines().count("from bash") == 1


def test_without_prints_there_is_no_log(tmp_path: Path) -> None:
    attempt = an_attempt(Python(target="m:q"), tmp_path, id="quiet")
    with an_executor() as executor:
        assert isinstance(outcomes_of(executor, [attempt])["quiet"], Succeeded)
    assert not attempt.log.parent.exists()
