"""Reads ``indelible.toml``.  Loaded only where there is one."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import msgspec

from indelible.errors import UsageError
from indelible.runtime.config import Configuration
from indelible.stores.durability import Durability, parse_durability

Reading = Callable[[Any, Path], Any]
"""Makes of a value what it means; ``TypeError`` says what it should be.  Gets the file's folder."""


def read_configuration(file: Path) -> Configuration:
    """What ``file`` says.  Raises ``UsageError`` that names the file and the key."""
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{file}: {error}", hint="It is to be a TOML file.") from None
    fields: dict[str, Any] = {}
    for key, value in _flat(content):
        if key not in KEYS:
            raise _unknown(file, key)
        name, reading = KEYS[key]
        try:
            fields[name] = reading(value, file.parent)
        except TypeError as error:
            raise UsageError(f"{file}: {key} must be {error}", hint=EXAMPLE) from None
    return msgspec.structs.replace(Configuration(), **fields)


def _flat(content: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Each value with its whole key; only known tables are looked into."""
    found: list[tuple[str, Any]] = []
    for key, value in content.items():
        if key in TABLES and isinstance(value, dict):
            found += [(f"{key}.{inner}", each) for inner, each in value.items()]
        else:
            found.append((key, value))
    return found


def _unknown(file: Path, key: str) -> UsageError:
    close = get_close_matches(key, KEYS, n=1)
    known = f"Did you mean {close[0]}?" if close else f"There are: {', '.join(KEYS)}."
    return UsageError(f"{file}: unknown key {key}", hint=known)


def _command(value: Any, folder: Path) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or not all(isinstance(w, str) for w in value):
        raise TypeError('a list of words, such as ["my-agent", "--stdin"]')
    return tuple(value)


def _path(value: Any, folder: Path) -> Path:
    return folder / Path(_text(value, folder)).expanduser()


def _text(value: Any, folder: Path) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError("a text")
    return value


def _durability(value: Any, folder: Path) -> Durability:
    try:
        return parse_durability(_text(value, folder))
    except ValueError as error:
        raise TypeError(f"one of the durabilities: {error}") from None


KEYS: Mapping[str, tuple[str, Reading]] = {
    "agent.command": ("agent", _command),
    "durability": ("durability", _durability),
    "secrets.file": ("secrets_file", _path),
    "store": ("store", _text),
}
TABLES = frozenset(key.partition(".")[0] for key in KEYS if "." in key)

EXAMPLE = 'For example: store = "sqlite:///runs.db", then [agent], then command = ["my-agent"]'
