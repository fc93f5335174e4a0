"""Every line and payload that no version of ours has written is refused, and says why."""

from __future__ import annotations

from contextlib import suppress

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indelible import events
from indelible.errors import CorruptLogError, NewerLogError, StoreError
from indelible.events import Sealed
from indelible.stores import codec
from indelible.testing.logs import some_log

STARTED = b'{"node_id":"a","attempt":1}'
GOOD = codec.line_of(some_log("golden", 1)[0])
BAD_FORMS = {
    "blank": b"",
    "spaces": b"   ",
    "a carriage return": GOOD + b"\r",
    "a space at its end": GOOD + b" ",
    "a space at its beginning": b" " + GOOD,
    "spaces inside the envelope": GOOD.replace(b',"sequence"', b', "sequence"', 1),
    "another order of keys": b'{"sequence":1,"run_id":"golden"}',
    "text after the object": GOOD + b" x",
    "two objects": GOOD + GOOD[:-1],
    "a byte order mark": b"\xef\xbb\xbf" + GOOD,
    "UTF-16": GOOD.decode().encode("utf-16"),
    "NUL bytes": b"\0" * 512,
    "a NUL in its name": GOOD.replace(b"golden", b"gol\0en", 1),
    "invalid UTF-8 in its name": GOOD.replace(b"golden", b"gol\xffen", 1),
    "a path as its name": GOOD.replace(b"golden", b"../gol", 1),
    "sequence 0": GOOD.replace(b':1,"event', b':0,"event', 1),
    "sequence 01": GOOD.replace(b':1,"event', b':01,"event', 1),
    "sequence 1.0": GOOD.replace(b':1,"event', b':1.0,"event', 1),
    "sequence of 5,000 digits": GOOD.replace(b':1,"event', b":" + b"9" * 5000 + b',"event', 1),
    "time without a zone": GOOD.replace(b"000000Z", b"000000", 1),
    "time in another zone": GOOD.replace(b"000000Z", b"000000+01:00", 1),
    "time without microseconds": GOOD.replace(b".000000Z", b"Z", 1),
    "no digest": GOOD.rpartition(b',"digest"')[0] + b"}",
    "a digest in capitals": GOOD[:-66] + GOOD[-66:-2].upper() + GOOD[-2:],
    "a short digest": GOOD[:-3] + GOOD[-2:],
    "a line cut in the middle": GOOD[:100],
}


@pytest.mark.parametrize("line", BAD_FORMS.values(), ids=BAD_FORMS.keys())
def test_a_line_of_another_form_is_not_an_event(line: bytes) -> None:
    found = codec.parse_line(line)
    assert isinstance(found, str)
    assert found.startswith("not an event: ")


def test_a_line_over_the_limit_is_refused_unread() -> None:
    found = codec.parse_line(b"{" * (codec.MAX_LINE + 1))
    assert found == "a line of 16,777,217 bytes is over the limit of 16,777,216"


BAD_PAYLOADS = {
    "a doubled key": (b'{"node_id":"a","node_id":"b","attempt":1}', "a key stands twice"),
    "a doubled key deep inside": (
        b'{"node_id":"a","attempt":1,"new":[{"k":1,"k":1}]}',
        "a key stands twice",
    ),
    "NaN": (b'{"node_id":"a","attempt":1,"new":NaN}', "NaN is not a JSON number"),
    "Infinity": (b'{"node_id":"a","attempt":1,"new":-Infinity}', "-Infinity is not a JSON"),
    "1e400": (b'{"node_id":"a","attempt":1,"new":1e400}', "1e400 is too large"),
    "5,000 digits": (b'{"node_id":"a","attempt":' + b"9" * 5000 + b"}", "limit"),
    "a lone surrogate": (b'{"node_id":"\\ud800","attempt":1}', "lone surrogate"),
    "a surrogate in UTF-8": (b'{"node_id":"\xed\xa0\x80","attempt":1}', "decode byte 0xed"),
    "invalid UTF-8": (b'{"node_id":"\xff","attempt":1}', "decode byte 0xff"),
    "a byte order mark": (b"\xef\xbb\xbf" + STARTED, "BOM"),
    "UTF-16": (STARTED.decode().encode("utf-16"), "decode byte 0xff"),
    "100,000 levels": (
        b'{"node_id":"a","attempt":1,"new":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        "nested too deeply",
    ),
    "102 levels": (
        b'{"node_id":"a","attempt":1,"new":' + b"[" * 101 + b"]" * 101 + b"}",
        "101 lev",
    ),
    "a NUL": (b'{"node_id":"\0","attempt":1}', "control character"),
    "a tab inside a string": (b'{"node_id":"a\tb","attempt":1}', "control character"),
    "nothing": (b"", "Expecting value"),
    "text after the object": (STARTED + b" x", "Extra data"),
    "two objects": (STARTED + b",{}", "Extra data"),
    "a list": (b"[]", "Expected `object`, got `array`"),
    "null": (b"null", "Expected `object`, got `null`"),
    "a field too few": (b'{"node_id":"a"}', "missing required field `attempt`"),
    "a field of another type": (b'{"node_id":1,"attempt":1}', r"Expected `str`.*node_id"),
}


@pytest.mark.parametrize(("payload", "said"), BAD_PAYLOADS.values(), ids=BAD_PAYLOADS.keys())
def test_a_payload_that_is_not_strict_json_of_its_type_is_corruption(
    payload: bytes, said: str
) -> None:
    with pytest.raises(CorruptLogError, match=said) as caught:
        codec.open_event(started(payload), place="run r in log")
    assert caught.value.problem.startswith("run r in log: event 1 (node_started): ")
    assert caught.value.exit_code == 8


START = (
    b'{"format":1,"workflow":"w","attempt":1,"definition_digest":"0","engine":"e","inputs":%b,'
    b'"definition":%b}'
)


@pytest.mark.parametrize(
    ("inputs", "definition", "is_read"),
    [(100, 249, True), (101, 0, False), (0, 250, False), (900, 0, False), (0, 900, False)],
)
def test_inputs_and_definitions_are_read_as_deep_as_they_are_written(
    inputs: int, definition: int, is_read: bool
) -> None:
    payload = START % (nested(inputs), nested(definition))
    if is_read:
        codec.open_event(started(payload, event_type="workflow_started"))
        return
    with pytest.raises(CorruptLogError, match="nested too deeply"):
        codec.open_event(started(payload, event_type="workflow_started"))


@pytest.mark.parametrize(("levels", "is_written"), [(100, True), (101, False), (900, False)])
def test_what_is_written_can_be_read_and_nothing_deeper_is(levels: int, is_written: bool) -> None:
    event = events.NodeCompleted(
        node_id="a", attempt=1, duration=0.0, output=msgspec.Raw(nested(levels))
    )
    if is_written:
        sealed = first(event)
        assert codec.open_event(sealed) == event
        return
    with pytest.raises(StoreError, match="run r: a node_completed event is nested too deeply"):
        first(event)
    with pytest.raises(CorruptLogError, match="nested too deeply"):
        codec.open_event(started(codec.encode_payload(event), event_type="node_completed"))


def first(event: events.Event) -> Sealed:
    return codec.seal(
        event, run_id="r", sequence=1, timestamp="2026-11-23T02:37:01.000000Z", previous="0" * 64
    )


def nested(levels: int) -> bytes:
    return b"[" * levels + b'"[{\\"["' + b"]" * levels


def test_a_field_that_a_later_version_added_is_ignored() -> None:
    later = started(b'{"node_id":"a","added":{"later":[1.0e1]},"attempt":1}')
    assert codec.open_event(later) == events.NodeStarted(node_id="a", attempt=1)


def test_a_log_of_a_later_format_says_so() -> None:
    newer = started(b'{"format":2,"unheard":"of"}', event_type="workflow_started")
    with pytest.raises(NewerLogError, match=r"written in format 2; .* up to 1") as caught:
        codec.open_event(newer)
    assert "pip install --upgrade" in caught.value.hint
    assert caught.value.exit_code == 9


@given(st.binary(max_size=600))
def test_no_bytes_make_the_reader_fail_otherwise(line: bytes) -> None:
    assert isinstance(codec.parse_line(line), str)


@given(st.sampled_from(sorted(events.EVENT_TYPES)), st.binary(max_size=60))
def test_no_payload_makes_the_reader_fail_otherwise(event_type: str, payload: bytes) -> None:
    with suppress(CorruptLogError, NewerLogError):
        codec.open_event(started(payload, event_type=event_type))


def started(payload: bytes, event_type: str = "node_started") -> Sealed:
    return Sealed("r", 1, event_type, "2026-11-23T02:37:01.000000Z", payload, "0" * 64)
