"""One thread with an event loop, for all coroutine nodes.  Loaded only when there is one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from threading import Thread
from typing import Any, TypeVar

T = TypeVar("T")

PATIENCE = 1.0
"""Seconds that tasks get at the end to notice that they were cancelled."""


class CoroutineLoop:
    """Awaits coroutines that do not raise, and hands over what each returns."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_closing = False
        self._thread = Thread(target=self._serve, name="indelible-loop", daemon=True)
        self._thread.start()

    def start(self, work: Coroutine[Any, Any, T], done: Callable[[T], None]) -> None:
        """Call ``done`` with the result, on the loop thread.  May be called from any thread."""
        self._loop.call_soon_threadsafe(self._begin, work, done)

    def close(self) -> None:
        """Cancel what still runs and end the thread; one that is blocked by a node is abandoned."""
        self._is_closing = True
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(2 * PATIENCE)

    def _begin(self, work: Coroutine[Any, Any, T], done: Callable[[T], None]) -> None:
        async def run() -> None:
            done(await work)

        task = self._loop.create_task(run())
        self._tasks.add(task)  # the loop itself keeps only weak references
        task.add_done_callback(self._tasks.discard)

    def _serve(self) -> None:
        while not self._is_closing:
            try:
                self._loop.run_forever()
            except (SystemExit, KeyboardInterrupt):
                continue  # raised by a task that a node started and left; it harms no other node
        self._loop.run_until_complete(self._cancel_rest())
        self._loop.close()

    async def _cancel_rest(self) -> None:
        rest = asyncio.all_tasks(self._loop) - {asyncio.current_task(self._loop)}
        for task in rest:
            task.cancel()
        if rest:
            await asyncio.wait(rest, timeout=PATIENCE)
