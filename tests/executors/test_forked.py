"""A node that calls os.fork() gives one answer, however many processes return from it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from indelible.definition.model import ExecutorKind, Python, Script
from indelible.executors.port import Executor, Failed, Succeeded
from indelible.testing.attempts import an_attempt, outcomes_of

pytestmark = pytest.mark.real

Open = Callable[..., Executor]

FORKING = """
import os, sys

def both() -> str:
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        return "parent"
    return "copy"

def code_of(end) -> int:
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if end == "raise":
        raise ValueError("of the copy")
    sys.exit(end)
"""


def run(open_executor: Open, folder: Path, target: str, arguments: Mapping[str, object]) -> object:
    (folder / "forks.py").write_text(FORKING)
    body = Python(target=f"forks:{target}")
    attempt = an_attempt(body, folder, executor=ExecutorKind.PROCESS, arguments=arguments)
    outcome = outcomes_of(open_executor(), [attempt])["node"]
    assert isinstance(outcome, Succeeded), outcome
    return outcome.output


def test_only_the_process_that_the_node_began_in_answers(
    open_executor: Open, tmp_path: Path
) -> None:
    assert run(open_executor, tmp_path, "both", {}) == b'"parent"'


@pytest.mark.parametrize(("end", "code"), [(0, 0), (None, 0), (3, 3), ("no", 1), ("raise", 1)])
def test_the_copy_ends_as_a_program_would(
    open_executor: Open, tmp_path: Path, end: object, code: int
) -> None:
    assert run(open_executor, tmp_path, "code_of", {"end": end}) == b"%d" % code


def test_a_copy_of_a_script_that_fails_is_seen_in_its_log(
    open_executor: Open, tmp_path: Path
) -> None:
    source = (
        "import os\n"
        "child = os.fork()\n"
        "if not child: raise ValueError('of the copy')\n"
        "output = os.waitpid(child, 0)[1]"
    )
    attempt = an_attempt(Script(source), tmp_path)
    outcome = outcomes_of(open_executor(), [attempt])["node"]
    assert isinstance(outcome, Succeeded)
    assert outcome.output == b"256"
    assert "ValueError: of the copy" in attempt.log.read_text()


@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_copy_of_the_driver_ends_with_its_node(open_executor: Open, tmp_path: Path) -> None:
    def forks() -> int:
        child = os.fork()
        return os.waitpid(child, 0)[1] if child else 7

    attempt = an_attempt(Python(target="m:live"), tmp_path)
    outcome = outcomes_of(open_executor(node=forks), [attempt])["node"]
    assert not isinstance(outcome, Failed)
    assert outcome.output == b"0"
