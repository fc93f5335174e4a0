"""Each event has its section: every field of its payload with a type, and a real line."""

from __future__ import annotations

import msgspec
import pytest

from indelible.events import EVENT_TYPES, Sealed
from indelible.stores.codec import line_of, open_event, parse_line
from tests.docs.blocks import blocks_of
from tests.docs.places import page, rows, sections


def section_of(name: str) -> str:
    return sections(sections(page("events.md"), 2)["The eight"], 3)[name]


def test_there_are_eight_sections() -> None:
    assert list(sections(sections(page("events.md"), 2)["The eight"], 3)) == list(EVENT_TYPES)


@pytest.mark.parametrize("name", EVENT_TYPES)
def test_a_section_has_every_field_and_says_which_may_be_missing(name: str) -> None:
    table = rows(section_of(name))
    fields = msgspec.structs.fields(EVENT_TYPES[name])
    assert list(table) == [field.encode_name for field in fields]
    for field in fields:
        kind, meaning = table[field.encode_name]
        assert kind.endswith(", if any") is not field.required, field.encode_name
        assert meaning


@pytest.mark.parametrize("name", EVENT_TYPES)
def test_a_section_has_a_line_as_it_stands_in_a_log(name: str) -> None:
    (block,) = [each for each in blocks_of(section_of(name)) if each.language == "json"]
    line = block.text.strip().encode()
    sealed = parse_line(line)
    assert isinstance(sealed, Sealed), sealed
    assert sealed.event_type == name
    assert line_of(sealed) == line
    assert isinstance(open_event(sealed), EVENT_TYPES[name])
