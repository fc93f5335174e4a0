r"""Event to line and back: strict JSON, and a digest chain that any tool can check.

A line is

    {"run_id":"…","sequence":7,"event_type":"…","timestamp":"…","payload":{…},"digest":"…"}

and its digest is the SHA-256, in hex, of the digest before it (64 ASCII characters) followed by the
line up to its last ``,"digest":"``.  Before the first event stands the digest of
``indelible-1\0`` + run id, so a log moved under another id does not verify.  The payload is kept as
the very bytes that were hashed; nothing is ever encoded a second time.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec
from msgspec import Raw

from indelible import values
from indelible.errors import CorruptLogError, NewerLogError, StoreError, UsageError
from indelible.events import (
    EVENT_TYPES,
    FORMAT,
    TYPE_NAMES,
    Event,
    NodeCompleted,
    Sealed,
    WorkflowCompleted,
)

MAX_LINE = 16 * 1024 * 1024
"""The longest line, in bytes, that is written or read."""

MAX_DEFINITION_LEVELS = 250
"""Lists and objects inside each other in the payload that holds a definition."""

MAX_RUN_ID = 128

_RUN_ID = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}")
_TIME = rb"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z"
_MIDDLE = re.compile(b'","timestamp":"(' + _TIME + b')","payload":')
_HEADER = re.compile(
    rb'\{"run_id":"([A-Za-z0-9._-]{1,128})","sequence":([1-9][0-9]{0,15}),'
    rb'"event_type":"([a-z_]{1,64})","timestamp":"(' + _TIME + rb')","payload":'
)
_DIGEST = re.compile(rb',"digest":"([0-9a-f]{64})"\}')
_DIGEST_BYTES = len(',"digest":""}') + 64

# A value may be MAX_DEPTH deep, and stands that far inside its payload.
_LEVELS: Mapping[str, int] = {"workflow_started": MAX_DEFINITION_LEVELS}
_OTHER_LEVELS = values.MAX_DEPTH + 1

_KINDS: Mapping[bytes, str] = {name.encode(): name for name in EVENT_TYPES}
_encoder = msgspec.json.Encoder()
_decoders: Mapping[str, msgspec.json.Decoder[Event]] = {
    name: msgspec.json.Decoder(kind) for name, kind in EVENT_TYPES.items()
}


def check_run_id(run_id: str) -> str:
    """``run_id`` itself.  Raises ``UsageError`` for one that may not be a name on disk."""
    if not isinstance(run_id, str) or _RUN_ID.fullmatch(run_id) is None:
        text = str(run_id)
        shown = run_id if len(text) <= 40 else f"{text[:40]}… ({len(text)} characters)"
        raise UsageError(
            f"{shown!r} is not a run id",
            hint=f"A run id is 1 to {MAX_RUN_ID} of A-Z a-z 0-9 . _ - and begins with no dot.",
        )
    return run_id


def first_digest(run_id: str) -> str:
    """What the first event of ``run_id`` is chained to."""
    return hashlib.sha256(b"indelible-1\0" + run_id.encode()).hexdigest()


def format_time(moment: datetime) -> str:
    """RFC 3339, UTC, microseconds, ``Z``."""
    moment = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return moment.isoformat(timespec="microseconds")[:-6] + "Z"


def encode_payload(event: Event) -> bytes:
    return _encoder.encode(event)


def seal(event: Event, *, run_id: str, sequence: int, timestamp: str, previous: str) -> Sealed:
    """Put ``event`` into its envelope, chained to the digest ``previous``.

    Raises ``StoreError`` if the line would be longer than 16 MiB, or nested deeper than is read.
    """
    event_type = TYPE_NAMES[type(event)]
    payload = _encoder.encode(event)
    try:
        values.check_levels(payload, _LEVELS.get(event_type, _OTHER_LEVELS))
    except ValueError as error:
        raise StoreError(f"run {run_id}: a {event_type} event is {error}") from None
    body = _body(run_id, sequence, event_type, timestamp, payload)
    if len(body) + _DIGEST_BYTES > MAX_LINE:
        raise StoreError(
            f"run {run_id}: a {event_type} event of {len(body):,} bytes is over the limit of "
            f"{MAX_LINE:,}",
            hint="Shorten node ids, error messages or the list of nodes.",
        )
    return Sealed(run_id, sequence, event_type, timestamp, payload, _link(previous, body))


def line_of(event: Sealed) -> bytes:
    """The line as it stands in a file, without its newline."""
    body = _body(event.run_id, event.sequence, event.event_type, event.timestamp, event.payload)
    return b'%b,"digest":"%b"}' % (body, event.digest.encode())


def digest_of(event: Sealed, previous: str) -> str:
    """The digest that ``event`` must carry if it follows on ``previous``."""
    body = _body(event.run_id, event.sequence, event.event_type, event.timestamp, event.payload)
    return _link(previous, body)


def time_in(line: bytes) -> str:
    """The timestamp at the beginning of a line, as it stands there; empty if there is none."""
    header = _HEADER.match(line)
    return "" if header is None else header[4].decode()


def parse_line(line: bytes) -> Sealed | str:
    """The event on ``line`` (without its newline), or what is wrong with its form.

    The chain is checked apart from this, by ``follows``.
    """
    if len(line) > MAX_LINE:
        return f"a line of {len(line):,} bytes is over the limit of {MAX_LINE:,}"
    header = _HEADER.match(line)
    if header is None:
        return "not an event: the envelope does not parse"
    tail = _DIGEST.fullmatch(line, len(line) - _DIGEST_BYTES)
    if tail is None:
        return "not an event: no digest at its end"
    run_id, sequence, event_type, timestamp = header.groups()
    return Sealed(
        run_id.decode(),
        int(sequence),
        event_type.decode(),
        timestamp.decode(),
        line[header.end() : tail.start()],
        tail[1].decode(),
    )


def next_event(
    line: bytes, *, run_id: str, sequence: int, previous: str, timestamp: str
) -> Sealed | None:
    """The event on ``line`` (with its newline), if it is well formed and ``follows``; else None.

    The usual case of ``parse_line`` and ``follows`` in one step, for logs of a million lines: what
    must stand there is compared, nothing is searched for and nothing put together again.
    """
    head = f'{{"run_id":"{run_id}","sequence":{sequence + 1},"event_type":"'.encode()
    if not line.startswith(head):
        return None
    kind_end = line.find(b'"', len(head))
    kind = _KINDS.get(line[len(head) : kind_end])
    # Events of one append share their time, so most often it is the one before.
    middle = f'","timestamp":"{timestamp}","payload":'.encode()
    payload_at, time = kind_end + len(middle), timestamp
    if not line.startswith(middle, kind_end):
        found = _MIDDLE.match(line, kind_end)
        if found is None:
            return None
        payload_at, time = found.end(), found[1].decode()
    end = len(line) - _DIGEST_BYTES - 1
    if kind is None or time < timestamp or not payload_at <= end < MAX_LINE:
        return None
    digest = _link(previous, line[:end])
    if not line.endswith(f',"digest":"{digest}"}}\n'.encode()):
        return None
    return Sealed(run_id, sequence + 1, kind, time, line[payload_at:end], digest)


def follows(event: Sealed, *, run_id: str, sequence: int, previous: str, timestamp: str) -> str:
    """Why ``event`` is not the next one of its log; empty if it is.

    ``sequence``, ``previous`` and ``timestamp`` are those of the event before it (0, the first
    digest and an empty string before the first).
    """
    if event.run_id != run_id:
        return f"belongs to run {event.run_id}, not {run_id}"
    if event.sequence != sequence + 1:
        return f"has sequence {event.sequence} where {sequence + 1} must stand"
    if event.digest != digest_of(event, previous):
        return "its digest does not match: this line or one before it was changed"
    if event.event_type not in EVENT_TYPES:
        return f"{event.event_type!r} is not one of the eight event types"
    if event.timestamp < timestamp:
        return f"its time {event.timestamp} is before that of the event before it"
    return ""


def open_event(event: Sealed, *, place: str = "") -> Event:
    """The fact inside the envelope; its output, inputs, definition stay undecoded.

    Raises ``CorruptLogError`` for a payload that is not strict JSON of its type, and
    ``NewerLogError`` for a log of a later format.
    """
    try:
        return _opened(event, place)
    except (ValueError, RecursionError) as error:
        raise CorruptLogError(
            f"event {event.sequence} ({event.event_type}): {error}",
            place=place or f"run {event.run_id}",
        ) from error


def _opened(event: Sealed, place: str) -> Event:
    decoder = _decoders.get(event.event_type)
    if decoder is None:
        raise ValueError("not one of the eight event types")
    if event.event_type == "workflow_started":
        values.check_strict(event.payload, levels=MAX_DEFINITION_LEVELS)
        _check_start(event.payload, place or f"run {event.run_id}")
        return decoder.decode(event.payload)
    return _strictly(decoder, event.payload)


def _strictly(decoder: msgspec.json.Decoder[Event], payload: bytes) -> Event:
    """The fact in ``payload``.  Raises ``ValueError`` for what is not strict JSON of its type."""
    try:
        fact = decoder.decode(payload)
        if _encoder.encode(fact) == payload:
            # As we write it, so only a value that was taken over as it stood is to be looked at.
            match fact:
                case NodeCompleted(output=Raw() as value):
                    values.check_strict(value)
                case WorkflowCompleted(outputs=Raw() as value):
                    values.check_strict(value)
            return fact
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        pass  # what is wrong with it as JSON comes first
    values.check_strict(payload, levels=_OTHER_LEVELS)
    return decoder.decode(payload)


def envelope_of(event: Sealed) -> dict[str, object]:
    """The whole event as plain data, for ``--json``; the payload as the bytes that were hashed."""
    return {
        "run_id": event.run_id,
        "sequence": event.sequence,
        "event_type": event.event_type,
        "timestamp": event.timestamp,
        "payload": Raw(event.payload),
        "digest": event.digest,
    }


class _Start(msgspec.Struct):
    format: int
    inputs: Raw = Raw()


def _check_start(payload: bytes, place: str) -> None:
    found = msgspec.json.decode(payload, type=_Start)
    if found.format > FORMAT:
        raise NewerLogError(place, found=found.format, known=FORMAT)
    values.check_levels(bytes(found.inputs), values.MAX_DEPTH)


def _body(run_id: str, sequence: int, event_type: str, timestamp: str, payload: bytes) -> bytes:
    return (
        f'{{"run_id":"{run_id}","sequence":{sequence},"event_type":"{event_type}",'
        f'"timestamp":"{timestamp}","payload":'
    ).encode() + payload


def _link(previous: str, body: bytes) -> str:
    return hashlib.sha256(previous.encode() + body).hexdigest()
