"""Functions of the program that runs: by real processes, what they are recorded as."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.definition.module_files import write

from indelible.definition import model
from indelible.definition.callables import load_callable
from indelible.errors import UsageError

TOP = str(Path(__file__).parents[2])


def python(*arguments: str, cwd: Path, stdin: str = "") -> str:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(cwd), f"{TOP}/src"])}
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env=environment,
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.real
def test_bytecode_has_the_same_digest_in_every_process(folder: Path) -> None:
    program = (
        "from indelible.definition.callables import source_digest\n"
        "def f(x): return x in {'a', 'b', 'c', 'd'} or (lambda: 1)()\n"
        "print(source_digest(f))\n"
    )
    assert len({python("-c", program, cwd=folder) for _ in range(3)}) == 1


SCRIPT = """
from indelible.definition import model
from indelible.definition.callables import folder_of, is_importable, load_callable, target_of

def clean(): return 7

if __name__ == "__main__":
    target, file = target_of(clean)
    same = load_callable(model.Python(target=target, file=file), "") is clean
    print(target, file or "-", is_importable(clean), same, folder_of(clean) or "-")
"""


@pytest.mark.real
def test_a_function_of_a_script_is_recorded_by_file_and_found_from_elsewhere(folder: Path) -> None:
    file = write(folder / "job.py", SCRIPT)
    assert python("job.py", cwd=folder).split() == ["clean", file, "True", "True", str(folder)]
    assert load_callable(model.Python(target="clean", file=file), str(folder))() == 7


@pytest.mark.real
def test_a_function_of_a_module_that_was_started_is_recorded_by_its_name(folder: Path) -> None:
    write(folder / "jobs" / "__init__.py", "")
    write(folder / "jobs" / "nightly.py", "from . import __name__ as package\n" + SCRIPT)
    said = python("-m", "jobs.nightly", cwd=folder).split()
    assert said == ["jobs.nightly:clean", "-", "True", "True", str(folder)]
    assert load_callable(model.Python(target="jobs.nightly:clean"), str(folder))() == 7


@pytest.mark.real
def test_a_function_from_a_pipe_is_not_importable(folder: Path) -> None:
    program = (
        "from indelible.definition.callables import folder_of, is_importable, target_of\n"
        "def clean(): return 7\n"
        "print(target_of(clean), is_importable(clean), repr(folder_of(clean)))\n"
    )
    said = "('__main__:clean', '') False ''\n"
    assert python("-", cwd=folder, stdin=program) == said
    assert python("-c", program, cwd=folder) == said
    with pytest.raises(UsageError, match="cannot be imported again"):
        load_callable(model.Python(target="__main__:clean"), "")
