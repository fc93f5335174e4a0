"""Where markers become values: at the start of an attempt, in the process that rendered them.

A vault serves one run.  It remembers every secret that any attempt of the run has used, so that
what one node knew is masked in the others too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from threading import Lock

from msgspec.structs import replace

from indelible import values
from indelible.executors.port import Attempt
from indelible.executors.redaction import Redactor
from indelible.secrets import SecretError, SecretSource, has_marker, names_in, reveal
from indelible.values import Json


class Vault:
    """Looks each secret up once, in ``source``.  May be used from any thread."""

    def __init__(self, source: SecretSource) -> None:
        self._source = source
        self._values: dict[str, str] = {}
        self._missing: dict[str, SecretError] = {}
        self._redactor = Redactor()
        self._lock = Lock()

    def redactor(self, attempt: Attempt) -> Redactor:
        """Masks what is known by now, with all that ``attempt`` may come to know of."""
        if not (attempt.secrets or attempt.env or attempt.arguments):
            return self._redactor
        names = {*attempt.secrets, *_names_of(attempt)}
        if not names:
            return self._redactor  # no lock that every node of every workflow would queue for
        with self._lock:
            wanted = names - self._values.keys()
            found = dict(self._found(wanted))
            if found:
                self._values |= found
                self._redactor = Redactor(self._values.values())
            return self._redactor

    def opened(self, attempt: Attempt) -> Attempt:
        """``attempt`` with values for markers, after ``redactor`` has seen it.

        Raises ``SecretError`` for a secret without a value.
        """
        if not attempt.env and not attempt.arguments:
            return attempt
        return replace(
            attempt,
            env={name: reveal(text, self._value) for name, text in attempt.env.items()},
            arguments={name: self._argument(raw) for name, raw in attempt.arguments.items()},
        )

    def _value(self, name: str) -> str:
        # Not looked up again: what has no mask yet must not be revealed.
        if name not in self._values:
            raise self._missing[name]
        return self._values[name]

    def _found(self, names: Iterable[str]) -> Iterable[tuple[str, str]]:
        for name in names:
            try:
                yield name, self._source.get(name)
            except SecretError as error:
                self._missing[name] = error  # fails the attempt that uses it, and no other

    def _argument(self, raw: bytes) -> bytes:
        if not has_marker(raw):
            return raw
        return values.encode(_each_text(values.decode(raw), lambda text: reveal(text, self._value)))


def _names_of(attempt: Attempt) -> Iterable[str]:
    for text in attempt.env.values():
        yield from names_in(text)
    for raw in attempt.arguments.values():
        if has_marker(raw):
            yield from names_in(raw.decode())


def _each_text(value: Json, change: Callable[[str], str]) -> Json:
    match value:
        case str():
            return change(value)
        case list():
            return [_each_text(item, change) for item in value]
        case dict():
            return {change(key): _each_text(item, change) for key, item in value.items()}
        case _:
            return value
