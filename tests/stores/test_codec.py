"""The lines of a log: what stands in them, and that every other line is refused."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from indelible import events
from indelible.errors import StoreError, UsageError
from indelible.events import Sealed
from indelible.stores import codec
from indelible.testing import strategies
from indelible.testing.logs import sealed_log
from indelible.testing.store_cases import NOT_RUN_IDS, resealed

GOLDEN_EVENTS = (
    events.WorkflowStarted(
        format=1,
        workflow="w",
        attempt=1,
        definition_digest="0" * 64,
        engine="0.1.0",
        inputs=Raw(b'{"a":1}'),
    ),
    events.NodeStarted(node_id="n", attempt=1),
    events.NodeCompleted(
        node_id="n", attempt=1, duration=0.25, output=Raw('{"é":[1.0,null]}'.encode())
    ),
    events.WorkflowFailed(
        error=events.NodeError(type="X", message="m"), failed=("n",), failed_count=1
    ),
)
GOLDEN_LINES = (
    (
        '{"run_id":"golden","sequence":1,"event_type":"workflow_started","timestamp":"2026-11'
        '-23T02:37:01.000000Z","payload":{"format":1,"workflow":"w","attempt":1,"definition_d'
        'igest":"0000000000000000000000000000000000000000000000000000000000000000","engine":"'
        '0.1.0","inputs":{"a":1}},"digest":"ee6ccd7d934ea76dbad9701a5e95689c8d4659c6b9f73ac6b'
        'fbc32d6640b754e"}'
    ),
    (
        '{"run_id":"golden","sequence":2,"event_type":"node_started","timestamp":"2026-11-23T'
        '02:37:02.000000Z","payload":{"node_id":"n","attempt":1},"digest":"4b550eec58a52a822f'
        'f815039b3d8501d1516fb1f18c337ec3812c2a9657fd52"}'
    ),
    (
        '{"run_id":"golden","sequence":3,"event_type":"node_completed","timestamp":"2026-11-2'
        '3T02:37:03.000000Z","payload":{"node_id":"n","attempt":1,"duration":0.25,"output":{"'
        'é":[1.0,null]}},"digest":"413d00931ddc8f2d3eb5b6d1c68b9d33b3a50f411b9fccd46968ac9f7f'
        '02ad3e"}'
    ),
    (
        '{"run_id":"golden","sequence":4,"event_type":"workflow_failed","timestamp":"2026-11-'
        '23T02:37:04.000000Z","payload":{"error":{"type":"X","message":"m"},"failed":["n"],"f'
        'ailed_count":1},"digest":"928189d7eb23510dd7036fc051f0e923b973936cce6408bf888a2477ce'
        '4dd6a3"}'
    ),
)


def test_the_lines_of_a_log_never_change() -> None:
    lines = [codec.line_of(event).decode() for event in sealed_log("golden", GOLDEN_EVENTS)]
    assert tuple(lines) == GOLDEN_LINES


def test_lines_written_long_ago_are_read_for_ever() -> None:
    read = [parsed(line.encode()) for line in GOLDEN_LINES]
    assert tuple(codec.open_event(event) for event in read) == GOLDEN_EVENTS


def test_every_line_is_plain_json_with_its_keys_in_order() -> None:
    for number, line in enumerate(GOLDEN_LINES, start=1):
        fields = json.loads(line)
        assert list(fields) == [
            *("run_id", "sequence", "event_type", "timestamp", "payload", "digest")
        ]
        assert (fields["run_id"], fields["sequence"]) == ("golden", number)


def test_the_chain_can_be_checked_by_hand() -> None:
    previous = hashlib.sha256(b"indelible-1\0golden").hexdigest()
    for line in GOLDEN_LINES:
        body, _, rest = line.rpartition(',"digest":"')
        previous = hashlib.sha256((previous + body).encode()).hexdigest()
        assert rest == previous + '"}'


@given(strategies.events, strategies.run_ids, st.integers(1, 10**9), strategies.digests)
def test_what_goes_into_a_line_comes_out(
    event: events.Event, run_id: str, sequence: int, previous: str
) -> None:
    sealed = codec.seal(
        event,
        run_id=run_id,
        sequence=sequence,
        timestamp="2026-11-23T02:37:01.000000Z",
        previous=previous,
    )
    line = codec.line_of(sealed)
    assert b"\n" not in line
    assert codec.parse_line(line) == sealed
    assert codec.open_event(sealed) == event
    assert codec.digest_of(sealed, previous) == sealed.digest
    assert msgspec.json.encode(codec.envelope_of(sealed)) == line


@given(strategies.moments)
def test_a_time_has_one_spelling(moment: datetime) -> None:
    written = codec.format_time(moment)
    assert len(written) == 27
    assert datetime.fromisoformat(written) == moment


@given(st.data())
def test_one_changed_byte_breaks_the_line_or_its_chain(data: st.DataObject) -> None:
    line = bytearray(GOLDEN_LINES[0].encode())
    place = data.draw(st.integers(0, len(line) - 1))
    line[place] ^= data.draw(st.integers(1, 255))
    found = codec.parse_line(bytes(line))
    assert isinstance(found, str) or follows(found) != ""


def test_an_event_over_the_limit_is_never_written() -> None:
    event = events.WorkflowCancelled(reason="x" * codec.MAX_LINE, by="me")
    with pytest.raises(StoreError, match=r"run r: a workflow_cancelled event of 16,7.* limit of"):
        codec.seal(event, run_id="r", sequence=1, timestamp="", previous="")


WRONG_NEXT = {
    "another run": ({"run_id": "other"}, "belongs to run other, not golden"),
    "a gap": ({"sequence": 3}, "has sequence 3 where 2 must stand"),
    "a second copy": ({"sequence": 1}, "has sequence 1 where 2 must stand"),
    "a changed payload": ({"payload": b"{}"}, "its digest does not match"),
    "a changed time": ({"timestamp": "2026-11-23T02:37:09.000000Z"}, "its digest does not match"),
    "a changed type": ({"event_type": "node_failed"}, "its digest does not match"),
}


@pytest.mark.parametrize(("fields", "said"), WRONG_NEXT.values(), ids=WRONG_NEXT.keys())
def test_an_event_that_is_not_the_next_one_is_told_apart(
    fields: dict[str, object], said: str
) -> None:
    first, second = (parsed(line.encode()) for line in GOLDEN_LINES[:2])
    assert follows(second, first) == ""
    changed: Sealed = msgspec.structs.replace(second, **fields)
    assert follows(changed, first).startswith(said)


def test_a_ninth_type_and_a_time_that_runs_backwards_are_refused_even_if_chained() -> None:
    first, second = (parsed(line.encode()) for line in GOLDEN_LINES[:2])
    ninth = resealed(second, event_type="node_paused", previous=first.digest)
    assert follows(ninth, first) == "'node_paused' is not one of the eight event types"
    early = resealed(second, timestamp="1970-01-01T00:00:00.000000Z", previous=first.digest)
    assert "is before that of the event before it" in follows(early, first)


def test_the_times_of_two_events_may_be_equal() -> None:
    first, second = (parsed(line.encode()) for line in GOLDEN_LINES[:2])
    same = resealed(second, timestamp=first.timestamp, previous=first.digest)
    assert follows(same, first) == ""


def test_a_log_moved_under_another_name_does_not_verify() -> None:
    moved: Sealed = msgspec.structs.replace(parsed(GOLDEN_LINES[0].encode()), run_id="other")
    assert "digest" in codec.follows(
        moved,
        run_id="other",
        sequence=0,
        previous=codec.first_digest("other"),
        timestamp="",
    )


@pytest.mark.parametrize("run_id", NOT_RUN_IDS)
def test_what_is_no_run_id_is_refused_with_the_rule(run_id: str) -> None:
    with pytest.raises(UsageError, match="is not a run id") as caught:
        codec.check_run_id(run_id)
    assert "1 to 128 of A-Z a-z 0-9 . _ -" in caught.value.hint
    assert len(caught.value.problem) < 100


@given(strategies.run_ids)
def test_a_run_id_is_itself(run_id: str) -> None:
    assert codec.check_run_id(run_id) is run_id


def parsed(line: bytes) -> Sealed:
    found = codec.parse_line(line)
    assert isinstance(found, Sealed), found
    return found


def follows(event: Sealed, before: Sealed | None = None) -> str:
    return codec.follows(
        event,
        run_id="golden",
        sequence=before.sequence if before else 0,
        previous=before.digest if before else codec.first_digest("golden"),
        timestamp=before.timestamp if before else "",
    )
