"""Somebody looks at a run at the very moment in which it begins."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.faults.logs import LOG, RUN
from tests.faults.worlds import OPENERS


@pytest.fixture
def once_no_head_is_found(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], None]], None]:
    """Lets something happen right after somebody looked for a head in vain."""

    def arrange(happen: Callable[[], None]) -> None:
        real = os.open

        def looking(path: str | Path, *rest: int) -> int:
            try:
                return real(path, *rest)
            except FileNotFoundError:
                if str(path).endswith("head"):
                    monkeypatch.undo()
                    happen()
                raise

        monkeypatch.setattr(os, "open", looking)

    return arrange


@pytest.mark.parametrize("kind", OPENERS)
def test_a_run_that_begins_while_somebody_looks_is_not_called_damaged(
    tmp_path: Path,
    kind: str,
    once_no_head_is_found: Callable[[Callable[[], None]], None],
) -> None:
    def begin() -> None:
        with closing(OPENERS[kind](tmp_path)) as writer:
            writer.append(RUN, LOG, expected=0)

    once_no_head_is_found(begin)
    with closing(OPENERS[kind](tmp_path)) as reader:
        assert tuple(reader.read(RUN)) == LOG
