"""Timeouts, cancellation and close, for threads, coroutines and processes."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from indelible.definition.model import Python, Script
from indelible.events import NodeError
from indelible.executors.attempt import context
from indelible.executors.local import LocalExecutor
from indelible.executors.port import Executor, Failed, Succeeded
from indelible.nodes import node_kinds
from indelible.testing.attempts import an_attempt, awaited, contents_of, outcomes_of

STOPPED = NodeError(type="Stopped", message="as asked")
LIVE = Python(target="m:live")

Open = Callable[..., Executor]


async def never() -> None:
    await asyncio.Event().wait()


def test_a_cancelled_thread_is_asked_and_fails_as_it_was_told(
    open_local: Open, tmp_path: Path
) -> None:
    started = threading.Event()

    def poll() -> None:
        started.set()
        while not context().cancelled:
            pass
        raise RuntimeError("gave up")

    executor = open_local(node=poll)
    executor.submit([an_attempt(LIVE, tmp_path)])
    assert started.wait(60)
    executor.cancel("node", STOPPED)
    outcome = awaited(executor)["node"]
    assert isinstance(outcome, Failed)
    assert outcome.error == STOPPED


def test_a_thread_that_completes_in_spite_of_a_cancel_succeeds(
    open_local: Open, tmp_path: Path
) -> None:
    started, go = threading.Event(), threading.Event()

    def work() -> str:
        started.set()
        assert go.wait(60)
        return "done"

    executor = open_local(node=work)
    executor.submit([an_attempt(LIVE, tmp_path)])
    assert started.wait(60)
    executor.cancel("node", STOPPED)
    assert list(executor.outcomes(timeout=0)) == []
    go.set()
    assert isinstance(awaited(executor)["node"], Succeeded)


@pytest.mark.parametrize("waits", [False, True], ids=["perhaps before its start", "running"])
def test_a_cancelled_coroutine_ends(open_local: Open, tmp_path: Path, waits: bool) -> None:
    started = threading.Event()

    async def work() -> None:
        started.set()
        await never()

    executor = open_local(node=work)
    executor.submit([an_attempt(LIVE, tmp_path)])
    assert not waits or started.wait(60)
    executor.cancel("node", STOPPED)
    outcome = awaited(executor)["node"]
    assert isinstance(outcome, Failed)
    assert outcome.error == STOPPED


def test_a_coroutine_that_completes_in_spite_of_a_cancel_succeeds(
    open_local: Open, tmp_path: Path
) -> None:
    started = threading.Event()

    async def stubborn() -> str:
        try:
            started.set()
            await never()
        except asyncio.CancelledError:
            return "done all the same"
        return ""

    executor = open_local(node=stubborn)
    executor.submit([an_attempt(LIVE, tmp_path)])
    assert started.wait(60)
    executor.cancel("node", STOPPED)
    outcome = awaited(executor)["node"]
    assert isinstance(outcome, Succeeded)
    assert outcome.output == b'"done all the same"'


def test_a_coroutine_that_takes_too_long_is_a_timeout(open_executor: Open, tmp_path: Path) -> None:
    executor = open_executor(node=never)
    outcome = outcomes_of(executor, [an_attempt(LIVE, tmp_path, timeout=0.05)])["node"]
    assert isinstance(outcome, Failed)
    assert outcome.error.type == "Timeout"


def test_a_timeout_error_of_the_nodes_own_stays_one(open_executor: Open, tmp_path: Path) -> None:
    async def give_up() -> None:
        raise TimeoutError("the server did not answer")

    executor = open_executor(node=give_up)
    outcome = outcomes_of(executor, [an_attempt(LIVE, tmp_path, timeout=50)])["node"]
    assert isinstance(outcome, Failed)
    assert (outcome.error.type, outcome.error.message) == (
        "TimeoutError",
        "the server did not answer",
    )


def test_close_does_not_wait_for_threads_and_cancels_coroutines(tmp_path: Path) -> None:
    go, started = threading.Event(), threading.Event()
    ended: list[str] = []

    async def tidy() -> None:
        try:
            started.set()
            await never()
        finally:
            ended.append("tidy")

    executor = LocalExecutor(node_kinds({"thread": lambda: go.wait(60), "task": tidy}))
    executor.submit([an_attempt(LIVE, tmp_path, id=id) for id in ("thread", "task")])
    assert started.wait(60)
    executor.close()
    assert ended == ["tidy"]
    go.set()


@pytest.mark.real
def test_a_cancelled_process_may_tidy_up(open_local: Open, tmp_path: Path) -> None:
    script = (
        "import indelible, pathlib, time\n"
        "try:\n"
        "    pathlib.Path('started').write_text('yes\\n')\n"
        "    time.sleep(1000)\n"
        "finally:\n"
        "    print('cancelled:', indelible.context().cancelled)\n"
    )
    executor = open_local()
    attempt = an_attempt(Script(script), tmp_path, cwd=tmp_path, grace=60)
    executor.submit([attempt])
    contents_of(tmp_path / "started")
    executor.cancel("node", STOPPED)
    outcome = awaited(executor)["node"]
    assert isinstance(outcome, Failed)
    assert outcome.error == STOPPED
    assert attempt.log.read_text() == "cancelled: True\n"
