"""What is measured: ours, the floors and the peers, each a row with its way of being measured."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import workloads

import processes
from processes import Ended, FailedProcessError

HERE = Path(__file__).resolve().parent
OURS = "indelible"
CLI = (sys.executable, "-c", "import sys; from indelible.cli.main import main; sys.exit(main())")
ONE_NODE = 'name: one\nnodes:\n  - {id: only, bash: "true"}\n'
INSTANCES = ("montage", "viralrecon")
STORES = ("files", "sqlite")


class Measurement(NamedTuple):
    """``seconds`` is the main figure of its workload; ``reruns`` are completed steps that ran again
    (W4), ``ideal`` the seconds that no schedule can beat (W11)."""

    seconds: float
    steps: int
    rss_mb: float
    version: str = ""
    durability: str = ""
    reruns: int = 0
    ideal: float = 0.0


class Setting(NamedTuple):
    """What the command line decided.  ``folder`` is the session's own."""

    folder: Path
    root: Path
    peers: Path
    instances: Path
    smaller: int
    threads: int
    parallel: int

    @property
    def batches(self) -> Path:
        """The size of each append of our chain, for the floors."""
        return self.folder / "batches.json"

    @property
    def env(self) -> dict[str, str]:
        return processes.environment(self.root / "pycache")

    def size(self, workload: str) -> int:
        return max(1, workloads.SIZES[workload] // self.smaller)


class Subject(NamedTuple):
    """One row.  ``key`` is its name in the targets, such as ``W1/files``.

    ``command`` is given ``--dir``; ``take`` measures it in a folder.  ``counts`` says where the
    process itself counts its syncs; others are traced.  ``made_by`` makes what it reads, once.
    """

    key: str
    engine: str
    store: str
    n: int
    command: tuple[str, ...]
    take: Callable[[Subject, Path, Mapping[str, str]], Measurement]
    counts: Path | None = None
    made_by: tuple[str, ...] = ()
    is_slow: bool = False
    absent: str = ""

    @property
    def workload(self) -> str:
        return self.key.partition("/")[0]

    @property
    def is_ours(self) -> bool:
        return self.engine.startswith(OURS)


def by_its_clock(subject: Subject, folder: Path, env: Mapping[str, str]) -> Measurement:
    """The seconds that the script itself measured."""
    return _of(_run(subject, folder, env))


def until_done(subject: Subject, folder: Path, env: Mapping[str, str]) -> Measurement:
    """Seconds from process start to the end of the script's work."""
    ended = _run(subject, folder, env)
    return _of(ended)._replace(seconds=ended.result["done_at"] - ended.began)


def until_exit(subject: Subject, folder: Path, env: Mapping[str, str]) -> Measurement:
    """Seconds from process start to its end."""
    (folder / "one-node.yaml").write_text(ONE_NODE)
    ended = processes.measured(subject.command, folder, env)
    return Measurement(ended.seconds, subject.n, ended.rss_mb)


def killed_and_resumed(subject: Subject, folder: Path, env: Mapping[str, str]) -> Measurement:
    """Seconds from the second process's start to the first step that had not run before."""
    command, marks = _in(subject, folder), folder / "data" / "marks"
    half = subject.n // 2
    dying = {**env, workloads.LAST_STEP: str(half)} if subject.engine == OURS else env
    processes.killed(command, folder, dying, marks=marks, after=half + 1)
    before = processes.lines_of(marks)
    done = _completed(folder / "data") if subject.engine == OURS else {it[1] for it in before}
    ended = processes.measured(command, folder, env)
    after = processes.lines_of(marks)[len(before) :]
    known = {mark[1] for mark in before}
    fresh = [float(mark[2]) for mark in after if mark[1] not in known]
    if not fresh:
        raise FailedProcessError(f"{subject.key}: nothing was left to do after the kill")
    again = sum(mark[1] in done for mark in after)
    return _of(ended)._replace(seconds=fresh[0] - ended.began, reruns=again)


def _run(subject: Subject, folder: Path, env: Mapping[str, str]) -> Ended:
    return processes.measured(_in(subject, folder), folder, env)


def _in(subject: Subject, folder: Path) -> Sequence[str]:
    if "--dir" in subject.command:
        return subject.command
    return [*subject.command, "--dir", str(folder / "data")]


def _of(ended: Ended) -> Measurement:
    found = ended.result
    return Measurement(
        seconds=found.get("seconds", ended.seconds),
        steps=found.get("steps", 1),
        rss_mb=ended.rss_mb,
        version=found.get("version", ""),
        durability=found.get("durability", ""),
        ideal=found.get("critical_path", 0.0),
    )


def _completed(data: Path) -> set[str]:
    """The steps that our log calls completed; a line without its end does not count."""
    lines = (data / "runs" / "w4" / "events.jsonl").read_bytes().rpartition(b"\n")[0].splitlines()
    events = map(json.loads, lines)
    return {
        event["payload"]["node_id"].removeprefix("n")
        for event in events
        if event["event_type"] == "node_completed"
    }


# ---- the rows -----------------------------------------------------------------------------------


def ours(setting: Setting, workload: str, *more: str, store: str = "files") -> Subject:
    n = setting.size(workload)
    variant = ("--variant", "sqlite") if store == "sqlite" else ()
    command = _script("peer_indelible.py", workload, n, *variant, *more)
    counts = setting.batches if (workload, store) == ("W1", "files") else None
    if store == "files" and counts is None:
        counts = setting.folder / f"{workload}.counts"
    take = killed_and_resumed if workload == "W4" else by_its_clock
    return Subject(f"{workload}/{store}", OURS, store, n, command, take, counts)


def layers(setting: Setting, n: int) -> Subject:
    command = _script("peer_indelible.py", "W6", n)
    counts = setting.folder / f"W7-{n}.counts"
    return Subject(f"W7/{n}", OURS, "files", n, command, by_its_clock, counts)


def floor(setting: Setting, workload: str, engine: str, *more: str) -> Subject:
    n = setting.size("W1" if workload == "W12" else workload)
    command = _script("floor.py", workload, n, *more)
    store = "sqlite" if workload == "W12" else "files" if workload == "W1" else "-"
    return Subject(f"{workload}/floor", engine, store, n, command, by_its_clock)


def large_log(setting: Setting) -> Subject:
    n, data = setting.size("W8"), setting.folder / "W8"
    command = _script("large_logs.py", "W8", n, "--dir", str(data))
    return Subject("W8/files", OURS, "files", n, command, until_done, made_by=(*command, "--make"))


def listing(setting: Setting, store: str, *more: str) -> Subject:
    n, data = setting.size("W9"), setting.folder / f"W9-{store}"
    variant = ("--variant", "sqlite") if store == "sqlite" else ()
    made_by = _script("large_logs.py", "W9", n, "--dir", str(data), *variant, "--make")
    command = (*CLI, "list", "--store", workloads.store_in(data, store), *more)
    name = f"{OURS} list {' '.join(more)}".strip()
    key = f"W9/{store}{'/all' if more else ''}"
    return Subject(key, name, store, n, command, until_exit, made_by=made_by)


def instance(setting: Setting, name: str) -> Subject:
    file = next(setting.instances.glob(f"{name}-*.json"), None)
    seconds = str(5 / setting.smaller)
    command = _script("real_work.py", "W11", 0, "--instance", str(file), "--seconds", seconds)
    absent = "" if file else f"no {name}-*.json in {setting.instances}"
    return Subject(f"W11/{name}", OURS, "files", 0, command, by_its_clock, absent=absent)


def parallel(setting: Setting) -> Iterator[Subject]:
    at_a_time = ("--parallel", str(setting.parallel))
    n = setting.size("W10")
    command = _script("real_work.py", "W10", n, *at_a_time)
    yield Subject("W10/files", OURS, "files", n, command, by_its_clock)
    yield floor(setting, "W10", "subprocess.run", *at_a_time)


def cold_start() -> Iterator[Subject]:
    run = (*CLI, "run", "one-node.yaml")
    yield Subject("W5/files", f"{OURS} run", "files", 1, run, until_exit)
    yield Subject("W5/floor", "python -c pass", "-", 1, (sys.executable, "-c", "pass"), until_exit)


def _script(name: str, workload: str, n: int, *more: str) -> tuple[str, ...]:
    return (sys.executable, str(HERE / name), workload, "--n", str(n), *more)


class Peer(NamedTuple):
    """``slow`` are workloads that take it minutes: those are measured once."""

    name: str
    variant: str
    workloads: tuple[str, ...]
    slow: tuple[str, ...] = ()


PEERS = (
    Peer("dbos", "", ("W1", "W2", "W3", "W4", "W5", "W6"), slow=("W6",)),
    Peer("langgraph", "func", ("W1", "W4")),
    Peer("langgraph", "send", ("W2",)),
    Peer("langgraph", "", ("W3", "W5", "W6"), slow=("W6",)),
    Peer("eventsourcing", "", ("W1", "W3", "W4", "W5")),
)


def peers(setting: Setting, workload: str) -> Iterator[Subject]:
    takes = {"W4": killed_and_resumed, "W5": until_done}
    for peer in PEERS:
        if workload not in peer.workloads:
            continue
        python = setting.root / "venvs" / peer.name / "bin" / "python"
        script = setting.peers / f"peer_{peer.name}.py"
        n = setting.size(workload)
        variant = ("--variant", peer.variant) if peer.variant else ()
        yield Subject(
            f"{workload}/{peer.name}",
            " ".join(filter(None, (peer.name, peer.variant))),
            "its own",
            n,
            (str(python), str(script), workload, "--n", str(n), *variant),
            takes.get(workload, by_its_clock),
            is_slow=workload in peer.slow,
            absent="" if os.access(python, os.X_OK) and script.exists() else "not installed",
        )


def subjects_of(setting: Setting) -> Mapping[str, Sequence[Subject]]:
    """The rows of every workload, in the order of a round; some stand in two."""
    chain, fan, dag = (ours(setting, workload) for workload in ("W1", "W2", "W6"))
    batches = ("--batches", str(setting.batches))
    threads = ("--threads", str(setting.threads))
    again = [ours(setting, workload, store="sqlite") for workload in ("W1", "W2", "W6")]
    commits = floor(setting, "W12", "one-row commits", *batches)
    listings = [
        listing(setting, store, *more) for store in STORES for more in ((), ("--limit", "0"))
    ]
    own: Mapping[str, Sequence[Subject]] = {
        "W1": [chain, floor(setting, "W1", "write + fdatasync", *batches)],
        "W2": [fan],
        "W3": [ours(setting, "W3", *threads, store=store) for store in STORES],
        "W4": [ours(setting, "W4")],
        "W5": list(cold_start()),
        "W6": [dag],
        "W7": [layers(setting, size) for size in (dag.n // 10, dag.n, dag.n * 10)],
        "W8": [large_log(setting)],
        "W9": listings,
        "W10": list(parallel(setting)),
        "W11": [instance(setting, name) for name in INSTANCES],
        "W12": [chain, fan, dag, *again, commits],
    }
    return {name: [*rows, *peers(setting, name)] for name, rows in own.items()}
