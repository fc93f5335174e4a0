"""Masks secrets in whatever leaves a node, in every form that one usually takes on its way out.

All occurrences are masked, also those that overlap, so the result does not depend on the order of
the secrets, and a stream gives the same bytes however it is cut into pieces.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from json import dumps

from indelible import values
from indelible.executors.failures import failure
from indelible.secrets import MIN_LENGTH
from indelible.values import Json

MASK = "***"
_MASK = MASK.encode()


class Redactor:
    """Knows some secrets.  One that knows none changes nothing and costs nothing."""

    __slots__ = ("_forms", "_longest")

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._forms = sorted({form for secret in secrets for form in forms_of(secret)})
        self._longest = max(map(len, self._forms), default=0)

    @property
    def is_idle(self) -> bool:
        """Whether it knows no secret."""
        return not self._forms

    def text(self, text: str) -> str:
        """``text`` without secrets."""
        if self.is_idle:
            return text
        raw = text.encode(errors="surrogatepass")
        clean = self.data(raw)
        return text if clean is raw else clean.decode(errors="surrogatepass")

    def data(self, data: bytes) -> bytes:
        """``data`` without secrets; itself if there are none in it."""
        if not self._occurs_in(data):
            return data
        stream = self.stream()
        return stream.feed(data) + stream.finish()

    def output(self, raw: bytes) -> bytes:
        """``raw``, strict JSON, as strict JSON without secrets.

        Raises ``AttemptFailedError`` if a secret is spread over more than one string or number.
        """
        if not self._forms or not self._occurs_in(raw):
            return raw
        clean = values.encode(self._value(values.decode(raw)))
        if self._occurs_in(clean):
            raise failure(
                "OutputError",
                "the output holds a secret in a form that cannot be masked; "
                "do not let it leave the node",
            )
        return clean

    def stream(self) -> RedactedStream:
        """A new stream, to be masked piece by piece."""
        return RedactedStream(self)

    def occurrences(self, data: bytes) -> list[tuple[int, int]]:
        """Start and end of every form, wherever it stands in ``data``, in order."""
        return sorted(
            (start, start + len(form)) for form in self._forms for start in _places(form, data)
        )

    def decided(self, data: bytes) -> int:
        """The place in ``data`` before which nothing that follows can change what is a secret."""
        for start in range(max(0, len(data) - self._longest + 1), len(data)):
            if self._is_beginning(data[start:]):
                return start
        return len(data)

    def _occurs_in(self, data: bytes) -> bool:
        # Form by form: ten times as fast as one regular expression for all of them.
        return any(form in data for form in self._forms)

    def _is_beginning(self, tail: bytes) -> bool:
        place = bisect_left(self._forms, tail)
        after = self._forms[place : place + 2]  # the first may be the tail itself
        return any(len(form) > len(tail) and form.startswith(tail) for form in after)

    def _value(self, value: Json) -> Json:
        match value:
            case str():
                return self.text(value)
            case list():
                return [self._value(item) for item in value]
            case dict():
                return self._object(value)
            case None | bool():
                return value
        text = values.encode(value).decode()
        return value if self.text(text) == text else MASK

    def _object(self, value: dict[str, Json]) -> Json:
        clean: dict[str, Json] = {}
        for key, item in value.items():
            name = self.text(key)
            while name in clean:  # two secrets as keys: none is lost
                name += MASK
            clean[name] = self._value(item)
        return clean


class RedactedStream:
    """Bytes in, bytes without secrets out.  Only what may be the start of a secret is held back."""

    __slots__ = ("_masked", "_redactor", "_rest")

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._rest = b""
        self._masked = 0  # bytes at the start of the rest that a mask stands for already

    def feed(self, data: bytes) -> bytes:
        """What can be shown by now."""
        data = self._rest + data
        return self._release(data, self._redactor.decided(data))

    def finish(self) -> bytes:
        """The rest; nothing follows."""
        return self._release(self._rest, len(self._rest))

    def _release(self, data: bytes, end: int) -> bytes:
        shown: list[bytes] = []
        place = self._masked
        for start, stop in self._redactor.occurrences(data):
            if start >= end:
                break
            if start >= place:
                shown += (data[place:start], _MASK)
            place = max(place, stop)
        shown.append(data[place:end])
        self._rest = data[end:]
        self._masked = max(0, place - end)
        return b"".join(shown)


def _places(form: bytes, data: bytes) -> Iterator[int]:
    place = data.find(form)
    while place >= 0:
        yield place
        place = data.find(form, place + 1)


def forms_of(secret: str) -> Iterator[bytes]:
    """The secret, and each long line of it, as programs write it: raw, escaped, encoded."""
    for part in {secret, secret.strip(), *secret.splitlines()}:
        if len(part) >= MIN_LENGTH:
            forms = {form.encode() for form in _written(part)} | set(_encoded(part.encode()))
            # Once more, as any of them may stand in a string inside of JSON.
            yield from forms | {_escaped(form.decode()).encode() for form in forms}


def _written(part: str) -> Iterator[str]:
    from urllib.parse import quote, quote_plus  # for runs that have secrets only

    yield from (part, repr(part)[1:-1])
    for escaped in (_escaped(part), dumps(part)[1:-1]):
        yield from (escaped, escaped.replace("/", "\\/"))
    for url in (quote(part), quote(part, safe=""), quote_plus(part)):
        yield url
        yield re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), url)


def _escaped(text: str) -> str:
    return dumps(text, ensure_ascii=False)[1:-1]


def _encoded(raw: bytes) -> Iterator[bytes]:
    """Hexadecimal, and base64 at each of the three places that a text can have in a longer one."""
    from base64 import b64encode, urlsafe_b64encode

    yield from (raw.hex().encode(), raw.hex().upper().encode())
    for encode in (b64encode, urlsafe_b64encode):
        for before in range(3):
            code = encode(bytes(before) + raw)
            # Characters that also depend on what stands before or behind are not compared.
            first, last = -(-before * 8 // 6), (before + len(raw)) * 8 // 6
            yield code[first:last]
