"""Every executor that comes with Indelible keeps the six promises."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from indelible.executors.inline import InlineExecutor
from indelible.executors.local import LocalExecutor
from indelible.executors.port import Executor
from indelible.nodes import node_kinds
from indelible.testing.executor_contract import ExecutorContract


class TestLocalExecutor(ExecutorContract):
    @pytest.fixture
    def executor(self) -> Iterator[Executor]:
        executor = LocalExecutor(node_kinds())
        yield executor
        executor.close()


class TestInlineExecutor(ExecutorContract):
    @pytest.fixture
    def executor(self) -> Iterator[Executor]:
        executor = InlineExecutor(node_kinds())
        yield executor
        executor.close()
