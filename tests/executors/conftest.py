"""Executors whose Python nodes are given functions, by node id."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest

from indelible.executors.attempt import Kinds
from indelible.executors.inline import InlineExecutor
from indelible.executors.local import LocalExecutor
from indelible.executors.port import Executor
from indelible.nodes import node_kinds

Open = Callable[..., Executor]


@contextmanager
def opening(sort: Callable[[Kinds], Executor]) -> Iterator[Open]:
    """Closes whatever was opened inside."""
    with ExitStack() as opened:

        def open_it(**functions: Callable[..., object]) -> Executor:
            executor = sort(node_kinds(functions))
            opened.callback(executor.close)
            return executor

        yield open_it


@pytest.fixture(params=[LocalExecutor, InlineExecutor])
def open_executor(request: pytest.FixtureRequest) -> Iterator[Open]:
    with opening(request.param) as open_it:
        yield open_it


@pytest.fixture
def open_local() -> Iterator[Open]:
    with opening(LocalExecutor) as open_it:
        yield open_it
