"""What a node needs to know of its function: read once, however many nodes it becomes."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Mapping, Sequence
from inspect import Parameter
from typing import Any

import msgspec

from indelible.definition.callables import innermost, source_digest, target_of, unwrapped
from indelible.definition.hints import UNKNOWN, input_type, resolve, signature_of
from indelible.definition.model import Input, Python
from indelible.definition.places import Place
from indelible.errors import ValueNotJsonError
from indelible.values import decode, encode

Problem = tuple[str, str]
"""What is wrong, and what to do."""

_BY_NAME = "Name the parameters: each takes an input, or the output of the node of its name."
_KINDS: Mapping[object, Problem] = {
    Parameter.VAR_POSITIONAL: ("takes *{name}", _BY_NAME),
    Parameter.VAR_KEYWORD: ("takes **{name}", _BY_NAME),
    Parameter.POSITIONAL_ONLY: (
        "takes {name} by position only",
        "Arguments are passed by name: take the / out of the signature.",
    ),
}
_SELF: Problem = (
    "takes {name}: it is a method",
    "Decorate a function; or add the method of an object: flow.add(thing.method, id=…).",
)
_CONTEXT: Problem = (
    "takes the context as {name}",
    "Leave the parameter out, and call indelible.context() inside the function.",
)
_GENERATOR: Problem = ("is a generator", "Return a list: the output of a node is one JSON value.")


class Callee(msgspec.Struct, frozen=True, kw_only=True):
    """A function as nodes see it.

    ``parameters`` maps each one that must be given a value to the input it would be if no node and
    no declared input has its name; ``optional`` are those whose default only Python can hold.
    ``body`` lacks its parameters.
    """

    function: Callable[..., Any]
    body: Python
    place: Place
    description: str
    parameters: Mapping[str, Input]
    optional: Sequence[str]
    problems: Sequence[Problem]


def read_callee(function: Callable[..., Any]) -> Callee:
    """Everything about ``function``; what makes it no node is in ``problems``, never raised."""
    problems = [_GENERATOR] if _is_generator(function) else []
    wanted: dict[str, Input | None] = {}
    for parameter, hint in _parameters(function, problems):
        if (problem := _refusal(parameter, hint, is_first=not wanted)) is None:
            wanted[parameter.name] = _input(parameter, hint)
        else:
            problems.append((problem[0].format(name=parameter.name), problem[1]))
    return Callee(
        function=function,
        body=_body(function),
        place=_place(function),
        description=_first_line(function),
        parameters={name: spec for name, spec in wanted.items() if spec is not None},
        optional=[name for name, spec in wanted.items() if spec is None],
        problems=problems,
    )


def _body(function: Callable[..., Any]) -> Python:
    target, file = target_of(function)
    digest, is_async = source_digest(function), _is_async(function)
    return Python(target=target, file=file, source_digest=digest, is_async=is_async)


def _parameters(
    function: Callable[..., Any], problems: list[Problem]
) -> list[tuple[Parameter, object]]:
    try:
        parameters = signature_of(function).parameters.values()
    except (ValueError, TypeError):
        problems.append(
            ("does not say what it takes", "Wrap it in a def with the parameters it needs.")
        )
        return []
    names = getattr(unwrapped(innermost(function)), "__globals__", {})
    return [(parameter, resolve(parameter.annotation, names)) for parameter in parameters]


def _refusal(parameter: Parameter, hint: object, *, is_first: bool) -> Problem | None:
    if is_first and parameter.name == "self" and hint is UNKNOWN:
        return _SELF
    home = getattr(hint, "__module__", "") or ""
    if getattr(hint, "__name__", "") == "Context" and home.partition(".")[0] == "indelible":
        return _CONTEXT
    return _KINDS.get(parameter.kind)


def _input(parameter: Parameter, hint: object) -> Input | None:
    """The input that ``parameter`` would be; None if it has a default that JSON cannot hold."""
    kind, enum = input_type(hint, skip_none=parameter.default is None)
    if parameter.default is Parameter.empty:
        return Input(type=kind, enum=enum, required=True)
    try:
        default = decode(encode(parameter.default))
    except ValueNotJsonError:
        return None
    if hint is UNKNOWN and type(default) is not type(parameter.default):
        return None  # nothing would turn the JSON back into what the function expects
    return Input(type=kind, enum=enum, default=default, has_default=True)


def _is_async(function: Callable[..., Any]) -> bool:
    called = inspect.getattr_static(type(function), "__call__", None)
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(called)


def _is_generator(function: Callable[..., Any]) -> bool:
    return inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function)


def _place(function: Callable[..., Any]) -> Place:
    code = getattr(unwrapped(innermost(function)), "__code__", None)
    return (
        Place() if code is None else Place(os.path.abspath(code.co_filename), code.co_firstlineno)
    )


def _first_line(function: Callable[..., Any]) -> str:
    # inspect.getdoc would walk up the classes: a partial, say, is described by its own type.
    written = getattr(function, "__doc__", None) if hasattr(function, "__name__") else None
    lines = (written or "").strip().splitlines()
    return lines[0].strip() if lines else ""
