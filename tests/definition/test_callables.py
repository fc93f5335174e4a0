"""Addresses of callables: written down, and found again."""

from __future__ import annotations

import functools
import json
import math
import sys
from collections.abc import Callable
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

import pytest
from tests.definition.module_files import write

from indelible.definition import model
from indelible.definition.callables import is_importable, load_callable, source_digest, target_of
from indelible.definition.decorators import WorkflowBuilder
from indelible.errors import NotFoundError, UsageError


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
    with pytest.raises(UsageError, match="math: pi is of type float, not a callable"):
        load_callable(model.Python(target="math:pi"), "")


def test_the_folder_comes_first_and_once(folder: Path) -> None:
    write(folder / "own_tasks.py", "def clean(): return 7")
    body = model.Python(target="own_tasks:clean")
    assert load_callable(body, str(folder))() == 7
    assert load_callable(body, str(folder))() == 7
    assert sys.path[0] == str(folder)
    assert sys.path.count(str(folder)) == 1


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
