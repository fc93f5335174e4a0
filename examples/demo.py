"""Run a workflow, kill it with SIGKILL in the middle, resume it, and count what ran how often.

    make demo

Exit code 1 if a node that had finished before the kill ran again.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from time import monotonic, sleep

from indelible import get_run, open_store

HERE = Path(__file__).resolve().parent
WORKFLOW = HERE / "demo" / "workflow.yaml"
ORDERS = HERE / "data_job" / "orders.csv"
COMMAND = (
    sys.executable,
    "-c",
    "import sys; from indelible.cli.main import main; sys.exit(main())",
)
RUN = "demo"
KILL_AFTER, RUNNING = 3, 2
"""The kill comes when so many nodes have completed, and so many others have begun."""
PATIENCE = 30.0
"""Seconds to wait for that."""


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="indelible-demo-") as folder:
        finished = run_and_kill(Path(folder))
        resume(Path(folder))
        return report(Path(folder), finished)


def run_and_kill(folder: Path) -> list[str]:
    """Start the run and kill its process; the nodes that had finished by then."""
    shutil.copy(WORKFLOW, folder / "demo.yaml")
    shutil.copy(ORDERS, folder / "orders.csv")
    say("+ indelible run demo.yaml --run-id demo")
    process = subprocess.Popen([*COMMAND, "run", "demo.yaml", "--run-id", RUN], cwd=folder)
    wait_for_nodes(folder, process)
    process.send_signal(signal.SIGKILL)
    process.wait()
    finished = completed(folder)
    say(f"+ kill -9 {process.pid}   # {len(finished)} of 7 nodes have completed\n")
    return finished


def wait_for_nodes(folder: Path, process: subprocess.Popen[bytes]) -> None:
    """Return when three nodes have completed and the two that need them have begun."""
    deadline = monotonic() + PATIENCE
    while len(completed(folder)) < KILL_AFTER or len(journal(folder)) < KILL_AFTER + RUNNING:
        if process.poll() is not None or monotonic() > deadline:
            process.kill()
            raise SystemExit("demo: the run ended, or stood still, before there was a middle")
        sleep(0.005)


def completed(folder: Path) -> list[str]:
    """The nodes that have completed, as the log says, which is all that ever counts."""
    log = folder / ".indelible" / RUN / "events.jsonl"
    if not log.exists() or not log.stat().st_size:
        return []
    run = get_run(open_store(folder / ".indelible"), RUN)
    return [node.id for node in run.nodes.values() if node.status == "success"]


def journal(folder: Path) -> list[str]:
    """The nodes in the order in which they began to work, each as often as it did."""
    file = folder / "journal"
    return file.read_text().split() if file.exists() else []


def resume(folder: Path) -> None:
    say("+ indelible resume demo")
    subprocess.run([*COMMAND, "resume", RUN], cwd=folder, check=True)


def report(folder: Path, finished: list[str]) -> int:
    """Say how often each node ran.  1 if one of ``finished`` ran again."""
    ran = Counter(journal(folder))
    say("\nHow often did each node run?\n")
    for node in get_run(open_store(folder / ".indelible"), RUN).nodes:
        say(f"  {node:<10} {ran[node]}{reason(node in finished, ran[node])}")
    twice = [node for node in finished if ran[node] != 1]
    if twice:
        say(f"\nRan again although finished: {', '.join(twice)}")
        return 1
    say(f"\nNothing that had finished ran again: {len(finished)} nodes came from the log.")
    return 0


def reason(is_finished: bool, times: int) -> str:
    if is_finished:
        return "   finished before the kill"
    return "   was running when the process was killed" if times > 1 else ""


def say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    os.environ.pop("INDELIBLE_STORE", None)
    raise SystemExit(main())
