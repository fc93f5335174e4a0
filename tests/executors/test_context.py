"""What a node can learn about its attempt, wherever it runs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

import pytest

import indelible
from indelible.definition.model import Python, Script
from indelible.errors import UsageError
from indelible.executors.attempt import context
from indelible.executors.port import Executor, Succeeded
from indelible.testing.attempts import an_attempt, outcomes_of

LIVE = Python(target="m:live")

Open = Callable[..., Executor]


def who_am_i() -> list[object]:
    here = context()
    here.logger.info("working on %s", here.node_id)
    return [here.run_id, here.node_id, here.attempt, here.idempotency_key, here.cancelled]


async def who_am_i_async() -> list[object]:
    await asyncio.sleep(0)
    print("awaited")
    return who_am_i()


@pytest.mark.parametrize("function", [who_am_i, who_am_i_async])
def test_a_node_knows_its_context(
    open_executor: Open, tmp_path: Path, function: Callable[..., object]
) -> None:
    attempt = an_attempt(LIVE, tmp_path, number=2)
    outcome = outcomes_of(open_executor(node=function), [attempt])["node"]
    assert isinstance(outcome, Succeeded)
    assert outcome.output == b'["run","node",2,"run/node/0",false]'
    assert attempt.log.read_text().endswith("INFO working on node\n")


def test_a_child_process_knows_its_context(open_executor: Open, tmp_path: Path) -> None:
    script = "import indelible\nx = indelible.context()\nx.logger.warning('look')\n"
    body = Script(script + "output = [x.node_id, x.attempt, x.idempotency_key, x.cancelled]")
    attempt = an_attempt(body, tmp_path)
    outcome = outcomes_of(open_executor(), [attempt])["node"]
    assert isinstance(outcome, Succeeded)
    assert outcome.output == b'["node",1,"run/node/0",false]'
    assert attempt.log.read_text().endswith("WARNING look\n")


def test_outside_of_a_node_there_is_no_context() -> None:
    assert indelible.context is context
    with pytest.raises(UsageError, match="outside of a node"):
        context()


def test_node_loggers_are_not_kept(open_executor: Open, tmp_path: Path) -> None:
    outcomes_of(open_executor(node=who_am_i), [an_attempt(LIVE, tmp_path)])
    assert not [name for name in logging.root.manager.loggerDict if "indelible.node" in name]
