"""Secrets by name: what stands for one until its node starts, and where its value is found.

Whoever renders ``${{ secrets.NAME }}`` puts ``marker(NAME)`` there; whoever starts the node puts
the value in its place with ``reveal``.  In between, and in every log, there is only the marker.

A marker holds a word that this process drew at its start and tells nobody.  So no input, output or
answer can contain one, and no text from outside can talk a node into revealing a secret.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from indelible.errors import IndelibleError

MIN_LENGTH = 8
"""Characters of the shortest secret that can be masked without masking everything else."""

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

_WORD = os.urandom(12).hex()
_MARKER = re.compile(f"\ue000secret:{_WORD}:({NAME.pattern})\ue001")

_MENTION = re.compile(rf"\bsecrets\.({NAME.pattern})")


class SecretError(IndelibleError):
    """A secret cannot be had or cannot be kept.  Never says a value."""

    def __init__(self, name: str, problem: str, *, hint: str = "") -> None:
        super().__init__(f"secret {name} {problem}", hint=hint)
        self.name = name


class SecretSource(Protocol):
    """Where values of secrets come from."""

    def get(self, name: str) -> str:
        """The value.  Raises ``SecretError`` that names the places looked at, never a value."""
        ...


def marker(name: str) -> str:
    """What stands for the secret ``name``, which matches ``NAME``, in this process."""
    return f"\ue000secret:{_WORD}:{name}\ue001"


def has_marker(raw: str | bytes) -> bool:
    """Whether ``raw``, a text or JSON, may hold a marker, whole or not."""
    return _WORD in raw if isinstance(raw, str) else _WORD.encode() in raw


def names_in(text: str) -> tuple[str, ...]:
    """The secrets that ``text`` holds markers of, in order, each once."""
    return tuple(dict.fromkeys(_MARKER.findall(text)))


def mentioned_in(definition: str) -> tuple[str, ...]:
    """The secrets that a definition may use, in order, each once.

    From its mere text, so rather one too many: whoever masks them is not harmed by that.
    """
    if "secrets" not in definition:
        return ()
    return tuple(dict.fromkeys(_MENTION.findall(definition)))


def reveal(text: str, lookup: Callable[[str], str]) -> str:
    """``text`` with ``lookup(NAME)`` in the place of each marker.

    Raises ``SecretError`` for a marker that an expression has cut or bent.
    """
    if _WORD in _MARKER.sub("", text).lower():
        raise SecretError(
            "(unknown)",
            "was changed by an expression before its value was known",
            hint="Use `${{ secrets.NAME }}` as it is, and change the value inside the node.",
        )
    return _MARKER.sub(lambda found: lookup(found[1]), text)


class Secrets:
    """The usual source: the environment first, then ``file`` if there is one.

    The file has lines ``NAME=value`` (``#`` begins a comment line) or is one JSON object with
    strings.  It is read when first needed.
    """

    def __init__(
        self, file: Path | None = None, environment: Mapping[str, str] = os.environ
    ) -> None:
        self._file = file
        self._environment = environment
        self._from_file: Mapping[str, str] | None = None

    def get(self, name: str) -> str:
        """The value.  Raises ``SecretError`` if there is none, or one too short to be masked."""
        value = self._environment.get(name)
        if value is None:
            value = self._read(name).get(name)
        if not value:
            raise SecretError(name, "is not set", hint=self._places(name))
        if len(value) < MIN_LENGTH:
            raise SecretError(
                name,
                f"is shorter than {MIN_LENGTH} characters",
                hint="So short a value cannot be masked in logs. Use a longer one.",
            )
        try:
            value.encode()
        except UnicodeEncodeError:
            raise SecretError(name, "is not valid UTF-8", hint="Encode it, e.g. base64.") from None
        return value

    def _places(self, name: str) -> str:
        looked = f"Looked at the environment variable {name} and "
        if self._file is None:
            return f"{looked}no file: `secrets.file` in indelible.toml names none."
        return f"{looked}in {self._file}."

    def _read(self, name: str) -> Mapping[str, str]:
        if self._from_file is None:
            self._from_file = {} if self._file is None else _read_file(self._file, name)
        return self._from_file


def _read_file(file: Path, name: str) -> Mapping[str, str]:
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        problem = getattr(error, "strerror", None) or "it is not UTF-8"
        raise SecretError(
            name, f"cannot be looked up in {file}: {problem}", hint="See `secrets.file`."
        ) from None
    try:
        return _parse_json(text) if text.lstrip().startswith("{") else _parse_lines(text)
    except ValueError as error:
        # ``from None``: what a parser complains about may be a value.
        raise SecretError(
            name,
            f"cannot be looked up in {file}: {error}",
            hint='Write lines NAME=value, or one JSON object {"NAME": "value"}.',
        ) from None


def _parse_json(text: str) -> Mapping[str, str]:
    try:
        found = json.loads(text)
    except ValueError as error:
        line = getattr(error, "lineno", 1)
        raise ValueError(f"line {line} is not JSON") from None
    wrong = [key for key, value in found.items() if not isinstance(value, str)]
    if wrong:
        raise ValueError(f"the value of {wrong[0]} is not a string")
    return dict(found)


def _parse_lines(text: str) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        content = line.strip()
        if not content or content.startswith("#"):
            continue
        name, equals, value = content.removeprefix("export ").partition("=")
        if not equals or not NAME.fullmatch(name.strip()):
            raise ValueError(f"line {number} is not NAME=value")
        found[name.strip()] = _unquoted(value.strip())
    return found


def _unquoted(value: str) -> str:
    is_quoted = len(value) >= 2 and value[0] == value[-1] and value[0] in "'\""
    return value[1:-1] if is_quoted else value
