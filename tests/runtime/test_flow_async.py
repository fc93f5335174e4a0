"""Runs from coroutines: cancelling the coroutine interrupts the drive."""

from __future__ import annotations

import asyncio
from pathlib import Path
from threading import Event

import pytest

from indelible import Workflow, open_store
from indelible.runtime.run import get_run


def test_a_cancelled_coroutine_interrupts_its_run_and_starts_nothing_more(tmp_path: Path) -> None:
    begun, ran = Event(), []
    flow = Workflow("f")

    async def slow() -> None:
        begun.set()
        await asyncio.Event().wait()

    flow.add(slow, id="slow")
    flow.add(lambda: ran.append("after"), id="after", depends_on=["slow"])

    async def main() -> None:
        task = asyncio.create_task(flow.run_async(store=tmp_path, run_id="r"))
        await asyncio.to_thread(begun.wait)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert ran == []
    store = open_store(tmp_path)
    assert get_run(store, "r").node("slow").status == "retrying"
    assert get_run(store, "r").status == "running"
    store.close()


def test_several_runs_share_an_event_loop() -> None:
    flow = Workflow("f")
    flow.add(lambda: 3, id="a")

    async def main() -> list[str]:
        runs = await asyncio.gather(*(flow.run_async(store="memory:") for _ in range(4)))
        return [run.status for run in runs]

    assert asyncio.run(main()) == ["completed"] * 4
