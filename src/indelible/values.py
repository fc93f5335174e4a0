"""JSON values, strictly: one way out, one way in.

What users hand over is written once, by ``encode``, and those bytes are what is hashed, stored and
read again by everybody.  Nothing is bent to fit on the way: NaN does not become null, a number as a
key does not become a string, of two equal keys none is lost.
"""

from __future__ import annotations

import json
import math
import re
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

SMALLEST, LARGEST = -(2**63), 2**64 - 1
"""The integers that a value may hold: beyond them, other readers of a log round in silence."""

_ENCODER = json.JSONEncoder(allow_nan=False, ensure_ascii=False, separators=(",", ":"))
_ATOM = re.compile(rb"null|true|false|0|[1-9][0-9]{0,17}")
_FLAT = bytes.maketrans(b"{}", b"[]")
_NO_MARKS = bytes(byte for byte in range(256) if byte not in b'[]{}"')


def encode(value: object) -> bytes:
    """The bytes of ``value`` as strict JSON, UTF-8, no spaces.

    Raises ``ValueNotJsonError`` with the path of the first part that JSON cannot hold: NaN and the
    infinities, integers of more than 64 bits, bytes, keys that are not strings, lone surrogates,
    circles, more than 100 levels.
    """
    if value is None:
        return b"null"  # what most nodes give
    _check(value, [], 0)
    return _ENCODER.encode(value).encode()


def decode(raw: bytes | msgspec.Raw) -> Json:
    """The value of ``raw``.  Raises ``ValueError`` for what ``encode`` would never have written.

    Only integers are read that are larger than those it writes, as nothing is lost by that here.
    """
    data = bytes(raw)
    value = _decoded(data)
    if b"\\ud" in data or b"\\uD" in data:
        _refuse_halves(value)
    check_levels(data, MAX_DEPTH)
    return value


def check_strict(raw: bytes | msgspec.Raw, *, levels: int = MAX_DEPTH) -> None:
    """Raise ``ValueError`` unless ``raw`` is JSON that could have been written.

    That is without doubled keys, NaN and lone surrogates, and with at most ``levels`` lists and
    objects inside each other.
    """
    data = bytes(raw)
    if _ATOM.fullmatch(data) is not None:
        return
    if not _is_unbent(data):
        _refuse_halves(_decoded(data))
    check_levels(data, levels)


def check_levels(raw: bytes, most: int) -> None:
    """Raise ``ValueError`` if ``raw``, which is JSON, is nested more than ``most`` levels deep."""
    # Brackets are counted first, because that costs nothing and nearly always answers.
    if raw.count(b"[") + raw.count(b"{") > most and _levels(raw) > most:
        raise ValueError(f"nested too deeply: more than {most} levels")


def is_plain(value: object) -> bool:
    """Whether ``value`` could come from JSON as it is, judged by its outermost type."""
    return value is None or isinstance(value, bool | int | float | str | list | dict)


def _is_unbent(data: bytes) -> bool:
    """Whether it comes out of msgspec as it went in.  Then it is strict, as far as keys go.

    A dict cannot hold a key twice, so equal bytes prove that no key was.  What is not equal may be
    strict all the same (another spelling of a number): the slow way tells, with better messages.
    """
    try:
        return msgspec.json.encode(msgspec.json.decode(data)) == data
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        return False


def _levels(raw: bytes) -> int:
    """How many lists and objects stand inside each other in ``raw``, which is JSON."""
    unescaped = raw.replace(b"\\\\", b"").replace(b'\\"', b"")
    # Most texts hold no bracket, and have vanished before those that do are cut out.
    marks = unescaped.translate(_FLAT, _NO_MARKS).replace(b'""', b"")
    rest, found = b"".join(marks.split(b'"')[::2]), 0
    while rest:  # each round takes away the innermost level
        rest, found = rest.replace(b"[]", b""), found + 1
    return found


def _refuse_halves(value: Json) -> None:
    """Raise ``ValueError`` for text with a lone surrogate, which no UTF-8 can hold."""
    try:
        _ENCODER.encode(value).encode()
    except UnicodeEncodeError:
        raise ValueError("text has a lone surrogate, which is half a character") from None


def _decoded(data: bytes) -> Json:
    try:
        value: Json = json.loads(
            data.decode(),
            object_pairs_hook=_no_twins,
            parse_constant=_refuse_constant,
            parse_float=_finite,
        )
    except RecursionError:
        raise ValueError("nested too deeply") from None
    return value


def _check(value: object, path: list[str | int], depth: int) -> None:
    match value:
        case None | bool():
            return
        case str():
            _check_text(value, path)
        case int():
            if not SMALLEST <= value <= LARGEST:
                _refuse("an integer of more than 64 bits", path, "Make it a string, or a float.")
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
