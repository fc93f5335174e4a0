"""A definition as the bytes that the log keeps, and their digest.

The same definition always gives the same bytes, and those bytes give it back.
"""

from __future__ import annotations

import hashlib

import msgspec

from indelible.definition.model import Definition
from indelible.errors import Complaint, DefinitionError
from indelible.values import check_levels

MAX_LEVELS = 249
"""Lists and objects inside each other in a definition; the payload around it is one more."""

_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Definition)


def encode_definition(definition: Definition) -> bytes:
    """JSON in the model's field order; fields at their default are left out.

    Raises ``DefinitionError`` for one that is nested deeper than a log is read.
    """
    try:
        raw = _ENCODER.encode(definition)
        check_levels(raw, MAX_LEVELS)
    except (ValueError, RecursionError):
        message = f"nested too deeply: more than {MAX_LEVELS} levels"
        hint = "Flatten it: a file or a node inside another one counts three levels."
        raise DefinitionError([Complaint(message=message, hint=hint)]) from None
    return raw


def decode_definition(raw: bytes | msgspec.Raw) -> Definition:
    """The definition ``raw`` was made from.  Fields this version does not know are ignored.

    Raises ``ValueError``, saying where, for what is not a definition.
    """
    try:
        return _DECODER.decode(raw)
    except (ValueError, RecursionError) as error:  # also text that is not UTF-8
        raise ValueError(f"not a definition: {error}") from None


def digest_of(raw: bytes) -> str:
    """SHA-256 of an encoded definition, in hex."""
    return hashlib.sha256(raw).hexdigest()
