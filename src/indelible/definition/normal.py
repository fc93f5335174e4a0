"""A definition as the bytes that the log keeps, and their digest.

The same definition always gives the same bytes, and those bytes give it back.
"""

from __future__ import annotations

import hashlib

import msgspec

from indelible.definition.model import Definition

_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Definition)


def encode_definition(definition: Definition) -> bytes:
    """JSON in the model's field order; fields at their default are left out."""
    return _ENCODER.encode(definition)


def decode_definition(raw: bytes | msgspec.Raw) -> Definition:
    """The definition ``raw`` was made from.  Fields this version does not know are ignored.

    Raises ``ValueError``, saying where, for what is not a definition.
    """
    try:
        return _DECODER.decode(raw)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise ValueError(f"not a definition: {error}") from None


def digest_of(raw: bytes) -> str:
    """SHA-256 of an encoded definition, in hex."""
    return hashlib.sha256(raw).hexdigest()
