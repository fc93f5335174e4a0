"""The inputs of a run: what is given, held against what the workflow declares."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import isfinite

from indelible.definition.model import Input, InputType
from indelible.definition.wording import describe, did_you_mean, listed, shortened
from indelible.errors import InputError, UsageError, ValueNotJsonError
from indelible.values import Json, decode, encode

FITS: Mapping[InputType, Callable[[Json], bool]] = {
    InputType.STRING: lambda value: isinstance(value, str),
    InputType.INTEGER: lambda value: isinstance(value, int) and not isinstance(value, bool),
    InputType.NUMBER: lambda value: (
        isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
    ),
    InputType.BOOLEAN: lambda value: isinstance(value, bool),
    InputType.ARRAY: lambda value: isinstance(value, list),
    InputType.OBJECT: lambda value: isinstance(value, dict),
    InputType.ANY: lambda value: True,
}
"""Which JSON values each type takes.  ``true`` is no number, and 3.0 is no integer."""


def bind_inputs(declared: Mapping[str, Input], given: Mapping[str, Json]) -> dict[str, Json]:
    """The value of every declared input: what is given, else its default, else null.

    Raises ``InputError`` with every problem: missing, unknown, of another type, not in ``enum``.
    """
    problems = [_unknown(name, declared) for name in given if name not in declared]
    for name, spec in declared.items():
        if name in given:
            said = misfits(spec, given[name]) or _unwritable(given[name])
            problems += (f"input {name} {each}" for each in said)
        elif spec.required:
            problems.append(f"input {name} ({spec.type.value}) is missing")
    if problems:
        hint = f"Declared inputs: {listed(declared)}. Give one like this: -i name=value"
        raise InputError(problems, hint=hint)
    return {name: given.get(name, spec.default) for name, spec in declared.items()}


def _unwritable(value: Json) -> list[str]:
    """Why JSON cannot hold ``value``, such as text that was not UTF-8; nothing if it can."""
    try:
        encode(value)
    except ValueNotJsonError as error:
        return [f"cannot be kept: {error.problem}"]
    return []


def misfits(spec: Input, value: Json) -> list[str]:
    """What keeps ``value`` from being a value of this input: nothing, or why not.

    Null is allowed where it is also the value of an input that is not given.
    """
    if value is None and not spec.required and spec.default is None:
        return []
    if not FITS[spec.type](value):
        return [f"must be of type {spec.type.value}, not {describe(value)}"]
    if spec.enum and not any(_is_same(value, allowed) for allowed in spec.enum):
        allowed = listed(describe(each) for each in spec.enum)
        return [f"cannot be {describe(value)}; it is one of: {allowed}"]
    return []


def parse_assignments(declared: Mapping[str, Input], pairs: Sequence[str]) -> dict[str, Json]:
    """The inputs in ``key=value`` pairs, each value read by the declared type.

    What cannot be read so stays text, for ``bind_inputs`` to complain about.  Raises
    ``UsageError`` for a pair without ``=`` and for a key that comes twice.
    """
    found: dict[str, Json] = {}
    for pair in pairs:
        name, sign, text = pair.partition("=")
        if not sign or not name:
            raise UsageError(f"{shortened(pair)} is not an input", hint="Write -i name=value.")
        if name in found:
            raise UsageError(f"input {name} is given twice", hint="Keep one of them.")
        is_text = name not in declared or declared[name].type is InputType.STRING
        found[name] = text if is_text else _read(text)
    return found


def _read(text: str) -> Json:
    try:
        return decode(text.encode())
    except ValueError:
        return text


def _unknown(name: str, declared: Mapping[str, Input]) -> str:
    hint = did_you_mean(name, declared, what="Declared inputs") if declared else "There are none."
    return f"input {name} is not declared. {hint}"


def _is_same(one: Json, other: Json) -> bool:
    return one == other and isinstance(one, bool) == isinstance(other, bool)
