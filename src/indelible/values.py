"""JSON values, strictly: one way out, one way in.

What users hand over is written once, by ``encode``, and those bytes are what is hashed, stored and
read again by everybody.  Nothing is bent to fit on the way: NaN does not become null, a number as a
key does not become a string, of two equal keys none is lost.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, NoReturn

import msgspec

from indelible.errors import ValueNotJsonError

if TYPE_CHECKING:
    Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
else:
    # msgspec has no recursive types; at run time any JSON value is good enough for it.
    Json = Any

MAX_DEPTH = 100
"""Nesting that both sides of the log accept; deeper values are refused before they are written."""


def encode(value: object) -> bytes:
    """The bytes of ``value`` as strict JSON, UTF-8, no spaces.

    Raises ``ValueNotJsonError`` with the path of the first part that JSON cannot hold: NaN and the
    infinities, bytes, keys that are not strings, lone surrogates, circles, more than 100 levels.
    """
    _check(value, [], 0)
    return json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":")).encode()


def decode(raw: bytes | msgspec.Raw) -> Json:
    """The value of ``raw``.  Raises ``ValueError`` for what ``encode`` would never have written."""
    try:
        value: Json = json.loads(
            bytes(raw).decode(),
            object_pairs_hook=_no_twins,
            parse_constant=_refuse_constant,
            parse_float=_finite,
        )
    except RecursionError:
        raise ValueError("nested too deeply") from None
    return value


def check_strict(raw: bytes | msgspec.Raw) -> None:
    """Raise ``ValueError`` unless ``raw`` is JSON without doubled keys, NaN or lone surrogates."""
    data = bytes(raw)
    try:
        if msgspec.json.encode(msgspec.json.decode(data)) == data:
            return  # a dict cannot hold a key twice, so equal bytes prove that no key was
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        pass  # the slow way has the better message
    json.dumps(decode(data), ensure_ascii=False).encode()


def is_plain(value: object) -> bool:
    """Whether ``value`` could come from JSON as it is, judged by its outermost type."""
    return value is None or isinstance(value, bool | int | float | str | list | dict)


def _check(value: object, path: list[str | int], depth: int) -> None:
    match value:
        case None | bool():
            return
        case str():
            _check_text(value, path)
        case int():
            return
        case float():
            if not math.isfinite(value):
                _refuse(f"{value} is not a JSON number", path, "Use None, or a string.")
        case dict():
            _descend(value.items(), path, depth, _check_key)
        case list() | tuple():
            _descend(enumerate(value), path, depth, None)
        case bytes() | bytearray() | memoryview():
            _refuse("bytes are not JSON", path, "Decode them, or annotate the result as bytes.")
        case _:
            kind = type(value)
            name = kind.__qualname__ if kind.__module__ == "builtins" else _dotted(kind)
            _refuse(f"{name} is not JSON", path, "Return dicts, lists, strings, numbers.")


def _descend(
    items: Iterable[tuple[Any, object]],
    path: list[str | int],
    depth: int,
    check_key: Callable[[object, list[str | int]], None] | None,
) -> None:
    if depth >= MAX_DEPTH:
        _refuse(
            f"nested more than {MAX_DEPTH} levels deep, or a circle", path[:3], "Flatten the value."
        )
    for key, item in items:
        if check_key is not None:
            check_key(key, path)
        path.append(key)
        _check(item, path, depth + 1)
        path.pop()


def _check_key(key: object, path: list[str | int]) -> None:
    if not isinstance(key, str):
        _refuse(f"the key {key!r} is not a string", path, "JSON has string keys only: str(key).")
    _check_text(key, path)


def _check_text(text: str, path: list[str | int]) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        _refuse(
            f"text has a lone surrogate at character {error.start + 1}",
            path,
            "Encode it, e.g. with errors='replace'.",
        )


def _dotted(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def _refuse(problem: str, path: list[str | int], hint: str) -> NoReturn:
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    where = "$" + "".join(steps)
    raise ValueNotJsonError(
        problem, path=where.encode(errors="backslashreplace").decode(), hint=hint
    )


def _no_twins(pairs: list[tuple[str, Json]]) -> Json:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is too large a number")
    return number
