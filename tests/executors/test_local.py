"""Python nodes in this process: calls, failures, coroutines, both executors."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import msgspec
import pytest

from indelible.definition.model import Bash, Python
from indelible.errors import UsageError
from indelible.executors.attempt import context
from indelible.executors.inline import InlineExecutor
from indelible.executors.local import LocalExecutor
from indelible.executors.port import Executor, Failed, Succeeded
from indelible.executors.threads import node_threads
from indelible.nodes import node_kinds
from indelible.testing.attempts import an_attempt, outcomes_of

LIVE = Python(target="m:live")

Open = Callable[..., Executor]


def fine() -> str:
    return "fine"


async def fine_async() -> str:
    return fine()


def exit_now() -> NoReturn:
    sys.exit(3)


def interrupt() -> NoReturn:
    raise KeyboardInterrupt


async def exit_async() -> NoReturn:
    sys.exit(3)


def test_a_function_is_called_with_its_arguments(open_executor: Open, tmp_path: Path) -> None:
    executor = open_executor(node=lambda a, b: [a, b])
    attempt = an_attempt(LIVE, tmp_path, arguments={"b": 2, "a": {"x": None}})
    outcome = outcomes_of(executor, [attempt])["node"]
    assert isinstance(outcome, Succeeded)
    assert outcome.output == b'[{"x":null},2]'


@pytest.mark.parametrize(
    ("function", "name"),
    [(exit_now, "SystemExit"), (interrupt, "KeyboardInterrupt"), (exit_async, "SystemExit")],
)
def test_an_exit_is_a_failure_of_its_node_only(
    open_executor: Open, tmp_path: Path, function: Callable[..., object], name: str
) -> None:
    executor = open_executor(node=function, other=fine)
    failed = outcomes_of(executor, [an_attempt(LIVE, tmp_path)])["node"]
    assert isinstance(failed, Failed)
    assert failed.error.type == name
    assert "BaseException" in failed.error.bases
    other = outcomes_of(executor, [an_attempt(LIVE, tmp_path, id="other")])["other"]
    assert isinstance(other, Succeeded)


def test_an_exception_has_the_traceback_of_the_function(
    open_executor: Open, tmp_path: Path
) -> None:
    executor = open_executor(node=lambda: 1 / 0)
    failed = outcomes_of(executor, [an_attempt(LIVE, tmp_path)])["node"]
    assert isinstance(failed, Failed)
    assert failed.error.traceback is not None
    assert failed.error.traceback.count("  File ") == 1
    assert "1 / 0" in failed.error.traceback


def test_coroutines_run_side_by_side(open_local: Open, tmp_path: Path) -> None:
    barrier = asyncio.Barrier(50)

    async def meet() -> list[object]:
        await barrier.wait()
        return [context().node_id, threading.get_ident()]

    ids = [f"n{number}" for number in range(50)]
    executor = open_local(**dict.fromkeys(ids, meet))
    found = outcomes_of(executor, [an_attempt(LIVE, tmp_path, id=id) for id in ids])
    ends = [end for end in found.values() if isinstance(end, Succeeded)]
    told = [msgspec.json.decode(end.output, type=tuple[str, int]) for end in ends]
    assert sorted(name for name, _ in told) == sorted(ids)
    assert len({thread for _, thread in told}) == 1


def test_a_task_that_a_node_left_behind_harms_no_other(open_local: Open, tmp_path: Path) -> None:
    kept: list[object] = []

    async def leave() -> None:
        kept.append(asyncio.create_task(exit_async()))
        kept.append(asyncio.create_task(asyncio.sleep(1000)))

    executor = open_local(node=leave, other=fine_async)
    outcomes_of(executor, [an_attempt(LIVE, tmp_path)])
    outcome = outcomes_of(executor, [an_attempt(LIVE, tmp_path, id="other")])["other"]
    assert isinstance(outcome, Succeeded)


def test_nothing_can_be_submitted_after_close(open_executor: Open, tmp_path: Path) -> None:
    executor = open_executor()
    executor.close()
    with pytest.raises(UsageError, match="closed"):
        executor.submit([an_attempt(LIVE, tmp_path)])


def test_outcomes_that_are_ready_come_together(open_local: Open, tmp_path: Path) -> None:
    ids = [f"n{number}" for number in range(100)]
    executor = open_local(**dict.fromkeys(ids, fine))
    found = outcomes_of(executor, [an_attempt(LIVE, tmp_path, id=id) for id in ids])
    assert sorted(found) == sorted(ids)


def test_a_kind_that_nobody_registered_is_a_failure(tmp_path: Path) -> None:
    executor = LocalExecutor({})
    try:
        outcome = outcomes_of(executor, [an_attempt(Bash("true"), tmp_path)])["node"]
    finally:
        executor.close()
    assert isinstance(outcome, Failed)
    assert outcome.error.type == "SpawnError"
    assert outcome.error.message == "this executor cannot run nodes of kind bash"


def test_a_thread_that_the_system_refuses_is_a_failure(
    open_local: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    node_threads.cache_clear()  # with the idle threads of other tests it would need no new one
    executor = open_local(node=fine)
    monkeypatch.setattr(threading.Thread, "start", refuse)
    outcome = outcomes_of(executor, [an_attempt(LIVE, tmp_path)])["node"]
    assert isinstance(outcome, Failed)
    assert outcome.error.type == "SpawnError"
    assert "can't start new thread" in outcome.error.message


def test_inline_runs_in_the_calling_thread(tmp_path: Path) -> None:
    executor = InlineExecutor(node_kinds({"node": threading.get_ident}))
    try:
        outcome = outcomes_of(executor, [an_attempt(LIVE, tmp_path)])["node"]
    finally:
        executor.close()
    assert isinstance(outcome, Succeeded)
    assert int(outcome.output) == threading.get_ident()


def test_inline_forgets_what_waits_at_close(tmp_path: Path) -> None:
    executor = InlineExecutor(node_kinds())
    executor.submit([an_attempt(Bash("touch started"), tmp_path, cwd=tmp_path)])
    executor.close()
    assert list(executor.outcomes(timeout=0)) == []
    assert not (tmp_path / "started").exists()
