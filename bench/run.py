"""Measure W1 and W5, ours and the others' alternately, and print a table.

    python bench/run.py [--runs 5] [--peers FOLDER]

``FOLDER`` (default: ``../shared/bench``) holds ``peer_dbos.py``; it is measured too where the
environment ``$BENCH_ROOT/venvs/dbos`` exists (``$BENCH_ROOT`` is ``.bench``).  Every figure goes as
a JSON line into ``$BENCH_ROOT/indelible.jsonl``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = Path(os.environ.get("BENCH_ROOT", ".bench")).resolve()
CODE = "import sys; from indelible.cli.main import main; sys.exit(main())"
ONE_NODE = 'name: one\nnodes:\n  - {id: only, bash: "true"}\n'
RSS_UNIT = 1 if sys.platform == "darwin" else 1024
"""Bytes in a unit of ``ru_maxrss``."""

Figures = dict[str, float]
Subject = Callable[[Path], Figures]


def measured(command: list[str], folder: Path) -> tuple[Figures, str]:
    """Seconds from start to exit and the peak memory of one process, and what it printed."""
    output = folder / "output"
    with output.open("wb") as out:
        began_at, began = time.time(), time.perf_counter()
        process = subprocess.Popen(command, cwd=folder, env=environment(), stdout=out, stderr=out)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    text = output.read_text()
    if process.returncode:
        raise SystemExit(f"{' '.join(command)}\nexit code {process.returncode}\n{text}")
    peak = usage.ru_maxrss * RSS_UNIT / 2**20
    return {"wall_s": seconds, "rss_mb": peak, "began_at": began_at}, text


def environment() -> dict[str, str]:
    """With compiled modules kept in a place of ours: a first start compiles, later ones do not."""
    dropped = {"INDELIBLE_STORE", "PYTHONDONTWRITEBYTECODE"}
    mine = {name: value for name, value in os.environ.items() if name not in dropped}
    return {**mine, "DO_NOT_TRACK": "1", "PYTHONPYCACHEPREFIX": str(ROOT / "pycache")}


def result_of(text: str) -> dict[str, Any]:
    line = next(line for line in text.splitlines() if line.startswith("RESULT "))
    found: dict[str, Any] = json.loads(line.removeprefix("RESULT "))
    return found


def script(python: Path | str, file: Path, workload: str, *more: str) -> Subject:
    """A script of the common form: milliseconds a step by its own clock, seconds until done."""

    def run(folder: Path) -> Figures:
        arguments = [str(python), str(file), workload, "--dir", str(folder / "data"), *more]
        figures, text = measured(arguments, folder)
        result = result_of(text)
        step = 1000 * result["seconds"] / result["steps"]
        done = result["done_at"] - figures["began_at"]
        return {**figures, "ms_per_step": step, "done_s": done}

    return run


def one_node(folder: Path) -> Figures:
    """``indelible run one-node.yaml``, from process start to exit."""
    (folder / "one-node.yaml").write_text(ONE_NODE)
    return until_exit([sys.executable, "-c", CODE, "run", "one-node.yaml"], folder)


def bare_python(folder: Path) -> Figures:
    """An interpreter that does nothing: the part of W5 that is nobody's."""
    return until_exit([sys.executable, "-c", "pass"], folder)


def until_exit(command: list[str], folder: Path) -> Figures:
    figures, _ = measured(command, folder)
    return {**figures, "done_s": figures["wall_s"]}


def log_bytes() -> int:
    """How long our log of W1 is, so that the floor writes as much."""
    with tempfile.TemporaryDirectory(dir=ROOT) as folder:
        measured(
            [sys.executable, str(HERE / "peer_indelible.py"), "W1", "--dir", f"{folder}/data"],
            Path(folder),
        )
        return sum(file.stat().st_size for file in Path(folder).rglob("events.jsonl"))


def subjects(peers: Path) -> Mapping[tuple[str, str], tuple[str, Subject]]:
    """What is measured, as (workload, name), with its main figure; in the order of a round."""
    ours, me = HERE / "peer_indelible.py", sys.executable
    found: dict[tuple[str, str], tuple[str, Subject]] = {
        ("W1", "indelible, files"): ("ms_per_step", script(me, ours, "W1")),
        ("W1", "indelible, sqlite"): (
            "ms_per_step",
            script(me, ours, "W1", "--variant", "sqlite"),
        ),
        ("W1", "write + fdatasync"): (
            "ms_per_step",
            script(me, HERE / "floor.py", "W1", "--bytes", str(log_bytes())),
        ),
        ("W5", "indelible run"): ("done_s", one_node),
        ("W5", "python -c pass"): ("done_s", bare_python),
    }
    dbos, theirs = ROOT / "venvs" / "dbos" / "bin" / "python", peers / "peer_dbos.py"
    if dbos.exists() and theirs.exists():
        found["W1", "dbos"] = ("ms_per_step", script(dbos, theirs, "W1"))
        found["W5", "dbos"] = ("done_s", script(dbos, theirs, "W5"))
    return found


def in_a_folder(subject: Subject) -> Figures:
    folder = Path(tempfile.mkdtemp(dir=ROOT))
    try:
        return subject(folder)
    finally:
        shutil.rmtree(folder)


def report(workload: str, name: str, metric: str, runs: list[Figures]) -> None:
    values = [run[metric] for run in runs]
    rss = statistics.median(run["rss_mb"] for run in runs)
    row: dict[str, object] = {
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "workload": workload,
        "subject": name,
        "metric": metric,
        "min": min(values),
        "median": statistics.median(values),
        "values": values,
        "rss_mb": rss,
        "python": platform.python_version(),
    }
    with (ROOT / "indelible.jsonl").open("a") as lines:
        lines.write(json.dumps(row) + "\n")
    low, middle = min(values), statistics.median(values)
    print(f"{workload:<4} {name:<20} {metric:<12} {low:>9.3f} {middle:>9.3f} {rss:>9.0f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--peers", type=Path, default=HERE.parent.parent / "shared" / "bench")
    given = parser.parse_args()
    ROOT.mkdir(parents=True, exist_ok=True)
    table = subjects(given.peers)
    found: dict[tuple[str, str], list[Figures]] = {key: [] for key in table}
    for number in range(given.runs + 1):
        for key, (_, subject) in table.items():  # in turns: a slow minute is slow for everybody
            figures = in_a_folder(subject)
            if number:  # the first round warms up
                found[key].append(figures)
    print(f"{'':<4} {'':<20} {'':<12} {'minimum':>9} {'median':>9} {'MB':>9}")
    for (workload, name), (metric, _) in sorted(table.items()):
        report(workload, name, metric, found[workload, name])


if __name__ == "__main__":
    main()
