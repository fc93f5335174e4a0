"""Whether a run keeps every promise after a crash, seen from outside.

    python -m tests.crash.check FOLDER STORE        STORE is ``files`` or ``sqlite``

It reads the log with nothing but ``json``, ``hashlib`` and ``sqlite3``, and the nodes' side effects
in ``FOLDER/effects``; what it does, it does through the command line: resume, approve, verify.
Exit code 0, or a sentence about the promise that was broken.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from indelible.cli.main import main as indelible
from tests.crash.drive import BEGAN, RUN, URLS, finish, resume, run

Line = tuple[int, str, str]
"""Sequence, event type, payload as it stands."""

COMPLETING = ("begin", "flaky", "gate", "finish")
SKIPPED = ("unneeded",)
BEFORE: Mapping[str, Sequence[str]] = {"flaky": ("begin",), "finish": ("begin", "flaky", "gate")}
"""What must have completed before a node is started."""

ONCE = Counter({"begin": 1, "flaky": 2, "finish": 1})
"""What an undisturbed run does: ``flaky`` fails once and is tried again."""

NOT_FOUND = 4
CLEAN_STOPS = {0, 7, 9}
"""How a driver may end that was not killed: done, another one drives, the store has failed."""

LATE = "timeout"
"""The end of a racer that did not hear the starting gun: on a busy machine the tool may fire before
all of them listen, and a shell then waits for ever to begin."""

FAILED = 1
"""Only where the system has no descriptor left to start a node with: that fails the node."""


class BrokenError(Exception):
    """A promise was not kept."""


def demand(kept: object, broken: str) -> None:
    if not kept:
        raise BrokenError(broken)


def lines_of_file(path: Path) -> Iterator[Line]:
    """The events of a log up to the first line that is not whole or does not fit its chain."""
    previous = hashlib.sha256(b"indelible-1\0" + RUN.encode()).hexdigest()
    for line in path.read_bytes().split(b"\n")[:-1]:
        body, _, rest = line.rpartition(b',"digest":"')
        digest = hashlib.sha256(previous.encode() + body).hexdigest()
        if rest != digest.encode() + b'"}':
            return
        event = json.loads(line)
        payload = body.partition(b',"payload":')[2].decode()
        yield event["sequence"], event["event_type"], payload
        previous = digest


def rows_of_copy(path: Path) -> list[Line]:
    """The rows of a copy, so that looking moves nothing from the -wal file to the database."""
    query = "SELECT sequence, event_type, payload FROM workflow_events WHERE run_id = ? ORDER BY 1"
    with tempfile.TemporaryDirectory() as folder:
        for name in (path.name, f"{path.name}-wal", f"{path.name}-journal"):
            with suppress(FileNotFoundError):
                shutil.copy(path.with_name(name), folder)
        # No table, no events: the store was not even empty yet.
        missing = suppress(sqlite3.OperationalError)
        with missing, closing(sqlite3.connect(Path(folder, path.name))) as connection:
            return list(connection.execute(query, (RUN,)))
    return []


def log(kind: str) -> list[Line]:
    if kind == "sqlite":
        return rows_of_copy(Path("store/runs.db"))
    with suppress(FileNotFoundError):
        return list(lines_of_file(Path("store", RUN, "events.jsonl")))
    return []


def words(name: str) -> list[str]:
    with suppress(FileNotFoundError):
        return Path(name).read_text().split()
    return []


def nodes(lines: Sequence[Line], event_type: str) -> list[str]:
    found: list[Any] = [json.loads(payload) for _, kind, payload in lines if kind == event_type]
    return [payload["node_id"] for payload in found]


def acknowledged(effects: Sequence[str]) -> set[str]:
    """The nodes that somebody outside has been told about: by ACK, or by what began after them."""
    lines = Path("stdout").read_text().splitlines() if Path("stdout").exists() else []
    told = {line.removeprefix("ACK ") for line in lines if line.startswith("ACK ")}
    began = {*effects, *told}
    return told.union(*(BEFORE.get(node, ()) for node in began))


def could_not_start(lines: Sequence[Line]) -> bool:
    """Whether the run has failed because a node could not be started."""
    failures: list[Any] = [json.loads(line[2]) for line in lines if line[1] == "node_failed"]
    final = [failure["error"]["type"] for failure in failures if "retry_at" not in failure]
    return set(final) == {"SpawnError"} and lines[-1][1] == "workflow_failed"


def check_ends(before: Sequence[Line]) -> None:
    """The process under test ended as it may, and never with a traceback."""
    named = ("RELIA_STATUS", "RELIA_RIVAL_STATUS", "RELIA_STATUSES")
    ends = [end for name in named for end in os.environ.get(name, "").split(",")]
    if LATE in ends:
        hang = len(words(BEGAN)) - sum(end != LATE for end in ends if end)
        demand(hang == 0, f"{hang} drivers began and did not end")
    for end in ends:
        if end in {"", "None", LATE}:  # there was no such process
            continue
        is_clean = int(end) < 0 or int(end) in CLEAN_STOPS
        demand(
            is_clean or (int(end) == FAILED and could_not_start(before)),
            f"a driver ended with {end}",
        )
    for name in ("stderr", "stdout.rival"):
        demand("Traceback" not in words(name), f"a traceback in {name}")


def check_log(lines: Sequence[Line], before: Sequence[Line]) -> None:
    demand([line[0] for line in lines] == list(range(1, len(lines) + 1)), "sequence has gaps")
    ends = [kind for _, kind, _ in lines if kind.startswith("workflow_") and "start" not in kind]
    had_failed = could_not_start(before)
    demand(ends == ["workflow_failed"] * had_failed + ["workflow_completed"], f"ends: {ends}")
    demand(lines[-1][1] == "workflow_completed", f"the last event is {lines[-1][1]}")
    completed = sorted(nodes(lines, "node_completed"))
    demand(completed == sorted(COMPLETING), f"completed: {completed}")
    skipped = nodes(lines, "node_skipped")  # after such a failure, also what depended on the node
    demand(had_failed or skipped == list(SKIPPED), f"skipped: {skipped}")


def remember(kept: Sequence[str], effects: int) -> None:
    """That ``kept`` had completed when there were so many ``effects``; for this check and later."""
    with Path("known").open("a") as known:
        known.write(json.dumps([list(kept), effects]) + "\n")


def check_nothing_ran_again(effects: Sequence[str]) -> None:
    """Of what had completed when this check, or one that was killed before, began."""
    for line in Path("known").read_text().splitlines():
        kept, length = json.loads(line)
        again = sorted({*kept} & {*effects[length:]})
        demand(not again, f"ran again though they had completed: {again}")


def check(kind: str) -> None:
    url = URLS[kind]
    before, effects = log(kind), words("effects")
    check_ends(before)
    kept = nodes(before, "node_completed")
    remember(kept, len(effects))
    lost = acknowledged(effects).difference(kept)
    demand(not lost, f"acknowledged and lost: {sorted(lost)}")

    code = resume(url)
    if code == NOT_FOUND:
        demand(not before, "a run with events is not found")
        code = run(url)
    code = finish(url, code)
    demand(code == 0, f"recovery ended with {code}")

    after = log(kind)
    demand(after[: len(before)] == before, "an event that was durable is gone or has changed")
    check_log(after, before)
    check_nothing_ran_again(words("effects"))
    if "RELIA_RIVAL_STATUS" in os.environ or "RELIA_STATUSES" in os.environ:
        demand(Counter(words("effects")) == ONCE, f"rivals ran {words('effects')}")
    demand(indelible(["verify", RUN, "--store", url]) == 0, "verify finds fault")
    demand(resume(url) == 0 and log(kind) == after, "a second resume changed the log")
    check_nothing_ran_again(words("effects"))


def main(arguments: Sequence[str]) -> int | str:
    folder, kind = arguments
    os.chdir(folder)
    try:
        check(kind)
    except BrokenError as broken:
        return f"broken: {broken}"
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
