"""What holds for all tests: none has a deadline, and no process of a node outlives the suite."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import settings

# No test is a race against the clock: on a slow or busy machine examples take what they take.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

MARK = "INDELIBLE_TESTED_BY"
"""Every process that a test starts inherits it, so that those of another suite are not meant."""

PATIENCE = 10.0
"""Seconds that what was told to end by the last tests may take."""


@pytest.fixture(scope="session", autouse=True)
def _nothing_is_left_behind() -> Iterator[None]:
    before = os.environ.get(MARK)
    os.environ[MARK] = mark = uuid4().hex
    yield
    deadline = time.monotonic() + PATIENCE
    while (left := processes_with(f"{MARK}={mark}")) and time.monotonic() < deadline:
        time.sleep(0.05)
    if before is not None:
        os.environ[MARK] = before
    assert not left, "processes of nodes that outlived the suite:\n" + "\n".join(left)


def processes_with(setting: str) -> list[str]:
    """The commands of all processes of nodes that have ``setting``, as ``/proc`` shows them."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            environment = (folder / "environ").read_bytes().split(b"\0")
            command = (
                (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            )
        except OSError:  # it has ended, or is another user's
            continue
        names = {each.partition(b"=")[0] for each in environment}
        if setting.encode() in environment and b"INDELIBLE_RUN_ID" in names:
            found.append(f"{folder.name}: {command[:200]}")
    return found
