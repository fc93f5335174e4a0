"""Real processes for tests: the command line, and Python programs, run in a folder."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import indelible
from indelible import open_store

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "examples"
SHARED = ROOT.parent / "shared"
"""What lies beside the project on the machine of its authors; tests that need it may skip."""

PATIENCE = 60.0
"""Seconds after which a process, or a log, that does not get anywhere is a failure."""

CODE = "import sys; from indelible.cli.main import main; sys.exit(main())"
COMMAND = (sys.executable, "-c", CODE)


def environment() -> dict[str, str]:
    """This process's, with the package that is tested in it and no store of the developer's."""
    source = str(Path(indelible.__file__).resolve().parents[1])
    dropped = {"INDELIBLE_STORE", "PYTHONWARNINGS"}
    kept = {name: value for name, value in os.environ.items() if name not in dropped}
    return {**kept, "PYTHONPATH": source, "NO_COLOR": "1", "COLUMNS": "100"}


def cli(*arguments: str, cwd: Path, expect: int = 0) -> subprocess.CompletedProcess[str]:
    """``indelible ARGUMENTS``.  Fails the test if it exits with anything but ``expect``."""
    return program(*COMMAND, *arguments, cwd=cwd, expect=expect)


def python(*arguments: str, cwd: Path, expect: int = 0) -> subprocess.CompletedProcess[str]:
    """``python ARGUMENTS``.  Fails the test if it exits with anything but ``expect``."""
    return program(sys.executable, *arguments, cwd=cwd, expect=expect)


def program(
    *command: str, cwd: Path, expect: int = 0, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        command,
        cwd=cwd,
        env=dict(env) if env is not None else environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    said = f"{done.args}\n{done.stdout}\n{done.stderr}"
    assert done.returncode == expect, f"exit code {done.returncode}, not {expect}: {said}"
    return done


def killed(command: Sequence[str], *, cwd: Path, store: str, run_id: str, events: int) -> bool:
    """Start ``command``, SIGKILL it once its log has ``events``.  False if it was faster."""
    with (cwd / "killed.out").open("ab") as out:
        process = subprocess.Popen(command, cwd=cwd, env=environment(), stdout=out, stderr=out)
    watching = open_store(store)
    try:
        is_long = watching.wait(run_id, after=events - 1, timeout=PATIENCE)
        process.send_signal(signal.SIGKILL)
        code = process.wait()
    finally:
        process.kill()
        process.wait()
        watching.close()
    assert is_long, f"no {events} events in time:\n{(cwd / 'killed.out').read_text()}"
    assert code in {0, -signal.SIGKILL}, (cwd / "killed.out").read_text()
    return code != 0
