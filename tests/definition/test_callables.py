"""Addresses of callables: written down, and found again in this process and in another."""

from __future__ import annotations

import functools
import json
import math
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

import pytest

from indelible.definition import model
from indelible.definition.callables import (
    folder_of,
    is_importable,
    load_callable,
    load_flow,
    source_digest,
    target_of,
)
from indelible.definition.decorators import WorkflowBuilder
from indelible.definition.modules import PREFIX, being_loaded, import_file
from indelible.errors import DefinitionError, NotFoundError, UsageError

TOP = str(Path(__file__).parents[2])


def step() -> int:
    return 3


async def async_step() -> int:
    return 3


nameless = lambda: 3  # noqa: E731 - what is named like this is what is tried


class Pipeline:
    def method(self) -> int:
        return 3

    @staticmethod
    def static() -> int:
        return 3

    @classmethod
    def made(cls) -> int:
        return 3


@functools.cache
def cached() -> int:
    return 3


def twice() -> int:
    return 1


first_of_two = twice


def twice() -> int:  # type: ignore[no-redef]
    return 2


def closure() -> Callable[[], int]:
    def inner() -> int:
        return 3

    return inner


def body_of(function: Callable[..., Any]) -> model.Python:
    target, file = target_of(function)
    return model.Python(target=target, file=file)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of modules; what they did to this process is undone."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.chdir(tmp_path)
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


def write(file: Path, text: str) -> str:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return str(file)


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


@pytest.mark.parametrize(
    "function",
    [step, async_step, Pipeline.static, Pipeline.made, Pipeline, cached, json.dumps, math.sqrt],
)
def test_what_a_module_holds_is_found_again(function: Callable[..., Any]) -> None:
    assert is_importable(function)
    assert load_callable(body_of(function), "") == function


@pytest.mark.parametrize(
    "function",
    [
        nameless,
        closure(),
        Pipeline().method,
        functools.partial(step),
        first_of_two,
        WorkflowBuilder("x"),
    ],
)
def test_what_its_name_does_not_lead_to_is_not_importable(function: Callable[..., Any]) -> None:
    assert not is_importable(function)


def test_a_target_is_module_and_qualified_name() -> None:
    assert target_of(step) == (f"{__name__}:step", "")
    assert target_of(Pipeline.method) == (f"{__name__}:Pipeline.method", "")
    assert target_of(functools.partial(step)) == (f"{__name__}:step", "")
    assert target_of(closure()) == (f"{__name__}:closure.<locals>.inner", "")


@pytest.mark.parametrize("function", [nameless, closure()])
def test_a_lambda_or_closure_says_how_to_resume(function: Callable[..., Any]) -> None:
    with pytest.raises(UsageError, match="cannot be imported again") as caught:
        load_callable(body_of(function), "")
    assert "ink.resume(run_id, flow=flow)" in str(caught.value)


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("no_such_module_here:f", "there is no module no_such_module_here"),
        ("json.nothing:f", "there is no module json.nothing"),
        ("json:dump_s", "json has no dump_s\nDid you mean dumps?"),
        ("json:JSONEncoder.encod", "json has no JSONEncoder.encod\nDid you mean encode?"),
    ],
)
def test_what_is_not_there_is_named(target: str, said: str) -> None:
    with pytest.raises(NotFoundError) as caught:
        load_callable(model.Python(target=target), "")
    assert str(caught.value).startswith(said)


def test_what_cannot_be_called_is_refused() -> None:
    with pytest.raises(UsageError, match="math: pi is a float, not a callable"):
        load_callable(model.Python(target="math:pi"), "")


def test_the_folder_comes_first_and_once(folder: Path) -> None:
    write(folder / "own_tasks.py", "def clean(): return 7")
    body = model.Python(target="own_tasks:clean")
    assert load_callable(body, str(folder))() == 7
    assert load_callable(body, str(folder))() == 7
    assert sys.path[0] == str(folder)
    assert sys.path.count(str(folder)) == 1


def test_a_module_that_fails_is_told_with_its_line(folder: Path) -> None:
    file = write(folder / "broken_tasks.py", "import json\n\njson.loads('{')\n")
    with pytest.raises(DefinitionError) as caught:
        load_callable(model.Python(target="broken_tasks:clean"), str(folder))
    assert "cannot import broken_tasks: JSONDecodeError: Expecting property" in str(caught.value)
    assert isinstance(caught.value.__cause__, json.JSONDecodeError)
    with pytest.raises(DefinitionError) as caught:
        load_callable(model.Python(target="clean", file=file), "")
    assert caught.value.complaints[0].line > 0


def test_a_syntax_error_is_told_with_its_line(folder: Path) -> None:
    file = write(folder / "typo.py", "x = 1\ndef clean(:\n")
    with pytest.raises(DefinitionError) as caught:
        load_callable(model.Python(target="clean", file=file), "")
    assert str(caught.value).startswith(f"{file}:2: cannot import {file}: SyntaxError: ")


def test_a_missing_dependency_is_not_taken_for_the_module(folder: Path) -> None:
    file = write(folder / "needy.py", "import no_such_library\n")
    with pytest.raises(DefinitionError) as caught:
        load_callable(model.Python(target="needy:clean"), str(folder))
    said = str(caught.value)
    assert said.startswith(f"{file}:1: cannot import needy: ModuleNotFoundError: ")
    assert "no_such_library" in said


def test_a_script_that_exits_is_told_where_its_end_belongs(folder: Path) -> None:
    file = write(folder / "script.py", "def clean(): ...\nraise SystemExit(1)\n")
    with pytest.raises(DefinitionError, match="SystemExit: 1") as caught:
        load_callable(model.Python(target="clean", file=file), "")
    assert 'if __name__ == "__main__":' in str(caught.value)


def test_a_file_is_loaded_once_and_is_not_main(folder: Path) -> None:
    file = write(
        folder / "my-etl.py",
        "def clean(): return __name__\nif __name__ == '__main__': raise AssertionError\n",
    )
    body = model.Python(target="clean", file=file)
    function = load_callable(body, "")
    assert load_callable(body, "") is function
    assert function().startswith(PREFIX)
    assert target_of(function) == ("clean", file)
    assert is_importable(function)
    assert folder_of(function) == str(folder)


def test_a_file_that_failed_can_be_loaded_once_it_is_mended(folder: Path) -> None:
    file = write(folder / "etl.py", "1 / 0")
    body = model.Python(target="clean", file=file)
    with pytest.raises(DefinitionError, match="ZeroDivisionError"):
        load_callable(body, "")
    write(folder / "etl.py", "def clean(): return 1")
    assert load_callable(body, "")() == 1


def test_a_file_that_is_gone_is_not_found(folder: Path) -> None:
    gone = str(folder / "gone.py")
    with pytest.raises(NotFoundError, match=r"there is no file .*gone\.py"):
        load_callable(model.Python(target="clean", file=gone), "")


def test_code_can_ask_whether_it_is_being_loaded(folder: Path) -> None:
    file = write(
        folder / "asks.py",
        "from indelible.definition.modules import being_loaded\n"
        "seen = being_loaded()\n"
        "def clean(): return being_loaded()\n",
    )
    assert import_file(file).seen == file
    assert load_callable(model.Python(target="clean", file=file), "")() == ""
    assert load_callable(model.Python(target="asks:clean"), str(folder))() == ""
    assert sys.modules["asks"].seen == "asks"
    assert being_loaded() == ""


def test_our_own_errors_pass_through_a_module(folder: Path) -> None:
    file = write(
        folder / "etl.py",
        "from indelible.definition.decorators import Retry\n\nRetry(delay='soon')\n",
    )
    with pytest.raises(DefinitionError) as caught:
        load_callable(model.Python(target="clean", file=file), "")
    assert str(caught.value).startswith(f"{file}:3: `delay` is wrong: 'soon'")


def compiled(source: str) -> Callable[..., Any]:
    """The function that ``source`` defines, of which no file knows."""
    constants = compile(source, "<nowhere>", "exec").co_consts
    return FunctionType(next(each for each in constants if isinstance(each, CodeType)), {})


def test_a_digest_tells_a_changed_function_from_the_same(folder: Path) -> None:
    def digest_of(name: str, text: str) -> str:
        file = write(folder / f"{name}.py", text)
        return source_digest(load_callable(model.Python(target="f", file=file), ""))

    first = digest_of("first", "def f():\n    return 1\n")
    assert digest_of("moved", "\n\nx = 2\ndef f():\n    return 1\n") == first
    assert digest_of("within", "if True:\n    def f():\n        return 1\n") == first
    assert digest_of("changed", "def f():\n    return 2\n") != first
    assert len(first) == 64


def test_without_a_source_the_digest_is_of_the_bytecode() -> None:
    first = source_digest(compiled("def f(x): return x in {'a', 'b'} or (lambda: 1)()"))
    assert first == source_digest(compiled("\n\ndef f(x): return x in {'a', 'b'} or (lambda: 1)()"))
    assert first != source_digest(compiled("def f(x): return x in {'a', 'c'} or (lambda: 1)()"))
    assert first != source_digest(compiled("def f(x): return x in {'a', 'b'} or (lambda: 2)()"))


def test_a_digest_looks_through_wrappers_and_is_empty_for_what_is_not_python() -> None:
    assert source_digest(functools.partial(step)) == source_digest(step)
    assert source_digest(Pipeline().method) == source_digest(Pipeline.method)
    assert source_digest(cached) == source_digest(cached.__wrapped__)
    assert source_digest(Pipeline) != source_digest(Pipeline.method)
    assert source_digest(len) == ""


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


FLOW = """
from indelible.definition.decorators import WorkflowBuilder
import neighbour

flow = WorkflowBuilder("etl")
number = 3

@flow.node
def clean() -> int: return 7
"""


@pytest.fixture
def etl(folder: Path) -> Path:
    write(folder / "jobs" / "etl.py", FLOW)
    write(folder / "jobs" / "neighbour.py", "")
    return folder / "jobs" / "etl.py"


def test_a_flow_is_loaded_by_module_from_the_current_directory(
    etl: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(etl.parent)
    built = load_flow("etl:flow").build()
    assert built.nodes[0].body == model.Python(
        target="etl:clean", source_digest=source_digest(load_flow("etl:flow").functions["clean"])
    )
    assert built.folder == str(etl.parent)


def test_a_flow_is_loaded_by_file_with_its_neighbours(etl: Path) -> None:
    flow = load_flow("jobs/etl.py:flow")
    body = flow.build().nodes[0].body
    assert isinstance(body, model.Python)
    assert (body.target, body.file) == ("clean", str(etl))
    assert load_callable(body, "") is flow.functions["clean"]


@pytest.mark.parametrize(
    ("target", "error", "said"),
    [
        ("jobs/etl.py", UsageError, "'jobs/etl.py' does not name a workflow"),
        ("jobs/etl.py:", UsageError, "Write module:flow, or path/file.py:flow."),
        ("jobs/etl.py:flwo", NotFoundError, "jobs/etl.py has no flwo\nDid you mean flow?"),
        ("jobs/etl.py:other", NotFoundError, "Workflows there: flow."),
        ("jobs/etl.py:number", UsageError, "is a int, not a workflow\nWorkflows there: flow."),
        ("jobs/etl.py:WorkflowBuilder", UsageError, "is a type, not a workflow"),
        ("jobs/neighbour.py:flow", NotFoundError, "has no flow\nIt has no workflow."),
        ("jobs/gone.py:flow", NotFoundError, "there is no file"),
        ("gone:flow", NotFoundError, "there is no module gone"),
    ],
)
def test_a_flow_that_cannot_be_loaded_says_why(
    etl: Path, target: str, error: type[Exception], said: str
) -> None:
    with pytest.raises(error) as caught:
        load_flow(target)
    assert said in str(caught.value)
