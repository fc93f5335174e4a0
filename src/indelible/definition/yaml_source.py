"""YAML as plain data that remembers where everything stood.

Only the parser's events are used, never its loader: no tags, no anchors, no aliases, no merge keys,
no doubled keys, one document, and nothing is built that the text does not spell out.  What is deep
or large is refused before it costs anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NoReturn

import msgspec
import yaml

from indelible.definition.places import Path, Place, Report
from indelible.definition.wording import describe, shortened
from indelible.definition.yaml_scalars import plain_value
from indelible.errors import Complaint, DefinitionError
from indelible.values import Json

LARGEST = 1024 * 1024
"""Bytes of one file."""
DEEPEST = 50
"""Lists and mappings inside each other."""

NO_KEY = -1
"""Stands in a path for what belongs to no key: the key itself, the value of a doubled one."""

# Without libyaml the parser in Python gives the same events, only slower.
_PARSER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# What YAML 1.1 forbids.  The other way round, as what it allows, it takes ten times as long to
# compile, and so a twentieth of a short run.
_FORBIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufeff\ufffe\uffff]"
)
_HINTS = {
    "mapping values are not allowed": 'A text with ": " in it needs quotes, or | and a new line.',
    "expected ',' or '}'": 'Inside { } a text with { or } in it needs quotes: "${{ … }}".',
    "expected ',' or ']'": "Inside [ ] a text with [ or ] in it needs quotes.",
    "cannot start any token": "Indent with spaces, not tabs; a text that begins with @ ` % "
    "or a tab needs quotes.",
    "expected <block end>": "Check the indentation: keys of one mapping begin in one column.",
    "expected key": "Check the indentation: keys of one mapping begin in one column.",
    "could not find expected ':'": "A key is followed by a colon and a space.",
}


class Source(msgspec.Struct, frozen=True):
    """``data`` and, for every path in it, where its value and its key begin (from 0)."""

    file: str
    lines: list[str]
    data: Json
    values: dict[Path, tuple[int, int]]
    keys: dict[Path, tuple[int, int]]

    def locate(self, path: Path, offset: int = 0) -> Place:
        """The ``Locate`` of this file; an offset into folded or escaped text is left out."""
        found = self.values.get(path)
        if found is None:
            # Of what is written short (`for_each: …` for its items) the text stands right above.
            above = offset if path and isinstance(self._at(path[:-1]), str) else 0
            return self.locate(path[:-1], above) if path else Place(self.file)
        if offset:
            found = _inside(self.lines, *found, self._text(path), offset)
        return Place(self.file, found[0] + 1, found[1] + 1)

    def locate_key(self, path: Path, offset: int = 0) -> Place:
        """Where the key of ``path`` stands; of what has none, where its value does."""
        found = self.keys.get(path)
        if found is None:
            return self.locate(path, offset)
        return Place(self.file, found[0] + 1, found[1] + 1 + offset)

    def _text(self, path: Path) -> str:
        value = self._at(path)
        return value if isinstance(value, str) else ""

    def _at(self, path: Path) -> Json:
        value: Any = self.data
        for step in path if path in self.values else ():
            value = value[step]
        found: Json = value
        return found


def read_yaml(raw: bytes, file: str) -> tuple[Source, list[Complaint]]:
    """The data in ``raw``, and complaints that leave it readable (a doubled key, a tag…).

    Raises ``DefinitionError`` for what cannot be read on: too large, too deep, not UTF-8, not YAML,
    empty, several documents.
    """
    if len(raw) > LARGEST:
        _stop(
            Place(file),
            f"the file is larger than {LARGEST:,} bytes, the most this reads",
            "Keep data in files of its own and let nodes read them.",
        )
    text = _checked_text(raw, file)
    source = Source(file, text.splitlines(), None, {}, {})
    reader = _Reader(source)
    try:
        data = reader.document(_events(text))
    except yaml.YAMLError as error:
        _stop_at_syntax(error, file)
    return msgspec.structs.replace(source, data=data), reader.report.complaints


class _Reader:
    """One pass over the events; recursion is bounded by ``DEEPEST``."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.report = Report()
        self.events: Iterator[Any] = iter(())

    def document(self, events: Iterator[Any]) -> Json:
        self.events = events
        next(events)  # the stream begins
        first = next(events)
        if isinstance(first, yaml.StreamEndEvent):
            _stop(Place(self.source.file, 1, 1), "the file is empty", "It needs at least `nodes:`.")
        data = self.value(next(events), ())
        next(events)  # the document ends
        if not isinstance(more := next(events), yaml.StreamEndEvent):
            _stop(self.place(more), "a second document begins here", "One file, one workflow.")
        return data

    def value(self, event: Any, path: Path) -> Json:
        self.source.values[path] = (event.start_mark.line, event.start_mark.column)
        if isinstance(event, yaml.AliasEvent):
            self.refuse(event, f"aliases (*{event.anchor}) are not supported", "Write it out.")
            return None
        if event.anchor is not None:
            self.refuse(event, f"anchors (&{event.anchor}) are not supported", "Leave it out.")
        if event.tag is not None:
            tag = event.tag.replace("tag:yaml.org,2002:", "!!")
            self.refuse(event, f"tags ({tag}) are not supported", "Leave it out.")
        if isinstance(event, yaml.ScalarEvent):
            return self.scalar(event)
        if len(path) >= DEEPEST:
            _stop(self.place(event), f"nested more than {DEEPEST} levels deep", "Flatten it.")
        if isinstance(event, yaml.SequenceStartEvent):
            return self.sequence(path)
        return self.mapping(path)

    def scalar(self, event: Any) -> Json:
        text: str = event.value
        if "\0" in text:
            self.refuse(event, "a text cannot contain the character NUL", "Leave it out.")
        if not event.implicit[0]:
            return text
        try:
            return plain_value(text)
        except ValueError as error:
            self.refuse(event, str(error), "")
            return None

    def sequence(self, path: Path) -> Json:
        found: list[Json] = []
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            found.append(self.value(event, (*path, len(found))))
        return found

    def mapping(self, path: Path) -> Json:
        found: dict[str, Json] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            key = self.key(event, path)
            if key in found:
                first = self.source.locate_key((*path, key)).line
                self.refuse(
                    event,
                    f"the key {shortened(key)} stands twice in this mapping",
                    f"The first is in line {first}; keep one of them.",
                )
                self.value(next(self.events), (*path, NO_KEY))
                continue
            self.source.keys[*path, key] = (event.start_mark.line, event.start_mark.column)
            found[key] = self.value(next(self.events), (*path, key))
        return found

    def key(self, event: Any, path: Path) -> str:
        key = self.value(event, (*path, NO_KEY))
        if event.__class__ is yaml.ScalarEvent and key == "<<" and event.implicit[0]:
            self.refuse(event, "merge keys (<<) are not supported", "Write the keys out.")
        if isinstance(key, str):
            return key
        self.refuse(event, f"a key must be text, not {describe(key)}", "Put the key in quotes.")
        return str(getattr(event, "value", ""))

    def refuse(self, event: Any, message: str, hint: str) -> None:
        self.report.add(self.place(event), message, hint=hint)

    def place(self, event: Any) -> Place:
        return Place(self.source.file, event.start_mark.line + 1, event.start_mark.column + 1)


def _events(text: str) -> Iterator[Any]:
    events: Iterator[Any] = yaml.parse(text, Loader=_PARSER)
    return events


def _checked_text(raw: bytes, file: str) -> str:
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8-sig", errors="replace")
        _stop(_end_of(before, file), "this is not UTF-8", "Save the file as UTF-8.")
    if bad := _FORBIDDEN.search(text):
        _stop(
            _end_of(text[: bad.start()], file),
            f"the character U+{ord(bad[0]):04X} is not allowed in YAML",
            'Leave it out, or write it in double quotes as an escape such as "\\t".',
        )
    return text


def _end_of(before: str, file: str) -> Place:
    lines = (before + "x").splitlines()
    return Place(file, len(lines), len(lines[-1]))


def _inside(lines: list[str], line: int, column: int, text: str, offset: int) -> tuple[int, int]:
    """Where character ``offset`` of a scalar stands, if it is written as it reads."""
    written = lines[line][column:]
    quote = written[:1] in ("'", '"')
    if written.startswith(text[: offset + 1], quote):
        return line, column + quote + offset
    before = text[:offset].split("\n")
    row = line + len(before)
    content = text.split("\n")[len(before) - 1]
    if written.startswith("|") and row < len(lines) and lines[row].endswith(content):
        return row, len(lines[row]) - len(content) + len(before[-1])
    return line, column


def _stop_at_syntax(error: yaml.YAMLError, file: str) -> NoReturn:
    problem = getattr(error, "problem", None) or str(error)
    mark = getattr(error, "problem_mark", None)
    place = Place(file, mark.line + 1, mark.column + 1) if mark else Place(file)
    hint = next((hint for part, hint in _HINTS.items() if part in problem), "")
    _stop(place, f"this is not YAML: {problem}", hint)


def _stop(place: Place, message: str, hint: str) -> NoReturn:
    report = Report()
    report.add(place, message, hint=hint)
    raise DefinitionError(report.complaints)
