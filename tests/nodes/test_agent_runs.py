"""Whole runs with an agent: an answer that misses its schema is asked for again."""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path

import pytest

from indelible.definition.model import Definition, Node, Prompt, Retry
from indelible.events import NodeFailed
from indelible.runtime.drive import start
from indelible.runtime.run import Run
from indelible.stores.codec import open_event
from indelible.stores.filesystem import FilesystemStore
from indelible.values import Json

SCHEMA: Json = {"type": "object", "required": ["ok"], "properties": {"ok": {"type": "boolean"}}}

AGENT = """
import os, sys
prompt = sys.stdin.read()
print(["Sure!", '{"ok": "yes"}', '{"ok": true}'][int(os.environ["INDELIBLE_ATTEMPT"]) - 1])
"""


@pytest.fixture
def store(tmp_path: Path) -> FilesystemStore:
    return FilesystemStore(tmp_path / "runs")


def run_of(store: FilesystemStore, folder: Path, *, max_attempts: int) -> Run:
    (folder / "agent.py").write_text(AGENT)
    judge = Node(
        id="judge",
        body=Prompt("Is it?", command=(sys.executable, str(folder / "agent.py"))),
        output_schema=SCHEMA,
        retry=Retry(max_attempts=max_attempts, delay=timedelta()),
    )
    return Run(store, start(store, Definition(name="judging", nodes=(judge,)), {}, run_id="run"))


def failures_of(run: Run) -> list[tuple[str, str]]:
    events = map(open_event, run.events())
    errors = [event.error for event in events if isinstance(event, NodeFailed)]
    return [(error.type, error.message.splitlines()[0]) for error in errors]


def test_answers_that_miss_are_failures_and_are_retried(
    store: FilesystemStore, tmp_path: Path
) -> None:
    run = run_of(store, tmp_path, max_attempts=3)
    assert (run.status, run.node("judge").output) == ("completed", {"ok": True})
    (first, said), (second, path) = failures_of(run)
    assert (first, second) == ("OutputError", "SchemaMismatch")
    assert "it began with: 'Sure!" in said
    assert path == 'the output misses its schema: $.ok: must be boolean, but is "yes"'


def test_a_schema_that_is_missed_to_the_end_fails_the_run(
    store: FilesystemStore, tmp_path: Path
) -> None:
    run = run_of(store, tmp_path, max_attempts=2)
    assert run.status == "failed"
    error = run.node("judge").error
    assert error is not None
    assert error.type == "SchemaMismatch"
