"""Python nodes: where a callable runs, and that it is found again in a process."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from indelible.definition.model import ExecutorKind, Python
from indelible.events import NodeError
from indelible.executors.attempt import Control
from indelible.executors.failures import AttemptFailedError
from indelible.executors.log import AttemptLog
from indelible.executors.port import Attempt
from indelible.nodes.python import PythonKind
from indelible.testing.attempts import an_attempt

TASKS = """
import asyncio, dataclasses, datetime, os

@dataclasses.dataclass
class Point:
    x: int

def where(): return [os.getpid(), os.getcwd(), os.environ.get("A")]
async def where_async(): await asyncio.sleep(0); return where()
def shift(point: Point, by: int = 1) -> Point: return Point(point.x + by)
def fail(): raise ValueError("no good")
def forever():
    while True: pass
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "tasks.py").write_text(TASKS)
    return tmp_path


def task(name: str, folder: Path) -> Python:
    """A function of ``tasks.py``, by file, so that no module name is shared between tests."""
    return Python(target=name, file=str(folder / "tasks.py"))


def output_of(attempt: Attempt, **functions: Callable[..., object]) -> bytes:
    log = AttemptLog(lambda: attempt.log)
    try:
        work = PythonKind(functions).run(attempt, Control(log))
        return asyncio.run(work) if isinstance(work, Coroutine) else work
    finally:
        log.close()


def error_of(attempt: Attempt, **functions: Callable[..., object]) -> NodeError:
    with pytest.raises(AttemptFailedError) as caught:
        output_of(attempt, **functions)
    return caught.value.error


@pytest.mark.parametrize("name", ["where", "where_async"])
def test_a_callable_runs_in_this_process(folder: Path, name: str) -> None:
    assert output_of(an_attempt(task(name, folder), folder)).startswith(b"[%d," % os.getpid())


@pytest.mark.parametrize("name", ["where", "where_async"])
def test_with_executor_process_it_runs_in_another(folder: Path, name: str) -> None:
    attempt = an_attempt(task(name, folder), folder, executor=ExecutorKind.PROCESS)
    assert not output_of(attempt).startswith(b"[%d," % os.getpid())


def test_a_timeout_of_a_sync_callable_needs_a_process_and_of_an_async_one_does_not(
    folder: Path,
) -> None:
    here = b"[%d," % os.getpid()
    assert not output_of(an_attempt(task("where", folder), folder, timeout=50)).startswith(here)
    assert output_of(an_attempt(task("where_async", folder), folder, timeout=50)).startswith(here)


def test_its_own_environment_and_folder_need_a_process(folder: Path) -> None:
    attempt = an_attempt(task("where", folder), folder, env={"A": "b"}, cwd=folder)
    assert output_of(attempt).endswith(f'"{folder.resolve()}","b"]'.encode())


def test_hints_count_in_a_process_too(folder: Path) -> None:
    attempt = an_attempt(
        task("shift", folder),
        folder,
        executor=ExecutorKind.PROCESS,
        arguments={"point": {"x": 1}, "by": 2},
    )
    assert output_of(attempt) == b'{"x":3}'


def test_an_exception_in_a_process_has_its_traceback(folder: Path) -> None:
    attempt = an_attempt(task("fail", folder), folder, executor=ExecutorKind.PROCESS)
    error = error_of(attempt)
    assert (error.type, error.message) == ("ValueError", "no good")
    assert error.traceback is not None
    assert "tasks.py" in error.traceback.splitlines()[1]
    assert error.traceback.count("  File ") == 1


@pytest.mark.real
def test_a_busy_loop_is_stopped_by_its_timeout(folder: Path) -> None:
    error = error_of(an_attempt(task("forever", folder), folder, timeout=0.5))
    assert error.type == "Timeout"


@pytest.mark.parametrize(
    ("fields", "because"),
    [({"executor": ExecutorKind.PROCESS}, "`executor`"), ({"timeout": 5.0}, "`timeout`")],
)
def test_a_closure_cannot_run_in_a_process(
    tmp_path: Path, fields: dict[str, Any], because: str
) -> None:
    attempt = an_attempt(Python(target="m:outer.<locals>.inner"), tmp_path, **fields)
    error = error_of(attempt, node=lambda: 1)
    assert error.type == "SpawnError"
    assert (
        f"because of its {because}, and m:outer.<locals>.inner cannot be imported" in error.message
    )
    assert "define it with def at the top level of a module" in error.message


@pytest.mark.parametrize("executor", list(ExecutorKind))
@pytest.mark.parametrize("target", ["no_such_module:f", "os:no_such_name"])
def test_what_cannot_be_imported_is_an_import_error(
    tmp_path: Path, executor: ExecutorKind, target: str
) -> None:
    error = error_of(an_attempt(Python(target=target), tmp_path, executor=executor))
    assert error.type == "ImportError"
    assert "no_such" in error.message


def test_the_drivers_import_path_holds_in_the_process(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "found_by_path_only.py").write_text("def f(): return 'found'\n")
    monkeypatch.setattr(sys, "path", [*sys.path, str(elsewhere)])
    body = Python(target="found_by_path_only:f")
    attempt = an_attempt(body, folder, executor=ExecutorKind.PROCESS)
    assert output_of(attempt) == b'"found"'
