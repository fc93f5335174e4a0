"""Timeouts, cancellation and close, for threads, coroutines and processes."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
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


async def swallowing(started: threading.Event, go: threading.Event) -> None:
    """Catches every cancellation."""
    started.set()
    while not go.is_set():
        try:
            await asyncio.sleep(0.01)
        except asyncio.CancelledError:
            continue


async def blocking(started: threading.Event, go: threading.Event) -> None:
    """Keeps the thread that would cancel it."""
    started.set()
    assert go.wait(60)


Deaf = Callable[[threading.Event, threading.Event], Coroutine[None, None, None]]


@pytest.mark.parametrize("deaf", [swallowing, blocking])
def test_a_coroutine_that_cannot_be_stopped_is_given_up_after_its_grace_time(
    open_local: Open, tmp_path: Path, deaf: Deaf
) -> None:
    started, go = threading.Event(), threading.Event()
    executor = open_local(deaf=lambda: deaf(started, go), next=quick)
    executor.submit([an_attempt(LIVE, tmp_path, id="deaf", grace=0.05)])
    assert started.wait(60)
    executor.cancel("deaf", STOPPED)
    outcome = awaited(executor)["deaf"]
    assert isinstance(outcome, Failed)
    assert outcome.error == STOPPED
    assert isinstance(
        outcomes_of(executor, [an_attempt(LIVE, tmp_path, id="next")])["next"], Succeeded
    )
    go.set()


@pytest.mark.parametrize("deaf", [swallowing, blocking])
def test_a_coroutine_does_not_outlive_its_timeout_by_more_than_its_grace_time(
    open_local: Open, tmp_path: Path, deaf: Deaf
) -> None:
    started, go = threading.Event(), threading.Event()

    async def work() -> None:
        await deaf(started, go)

    executor = open_local(deaf=work)
    attempt = an_attempt(LIVE, tmp_path, id="deaf", timeout=0.05, grace=0.05)
    outcome = outcomes_of(executor, [attempt])["deaf"]
    assert isinstance(outcome, Failed)
    assert outcome.error.type == "Timeout"
    go.set()


@pytest.mark.parametrize("deaf", [swallowing, blocking])
def test_what_a_coroutine_says_after_it_was_given_up_counts_for_nothing(
    open_local: Open, tmp_path: Path, deaf: Deaf
) -> None:
    started, go, ended = threading.Event(), threading.Event(), threading.Event()

    async def late() -> str:
        await deaf(started, go)
        ended.set()
        return "late"

    executor = open_local(deaf=late)
    executor.submit([an_attempt(LIVE, tmp_path, id="deaf", grace=0)])
    assert started.wait(60)
    executor.cancel("deaf", STOPPED)
    awaited(executor)
    go.set()
    assert ended.wait(60)
    assert list(executor.outcomes(timeout=0.05)) == []


async def quick() -> None:
    """Ends at once."""


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
