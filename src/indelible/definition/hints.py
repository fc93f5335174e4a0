"""What a type hint says about the JSON of an input.  Only the Python door pays for ``inspect``."""

from __future__ import annotations

import sys
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from inspect import Signature, signature
from pathlib import PurePath
from types import NoneType, SimpleNamespace
from typing import Any
from uuid import UUID

import msgspec

from indelible.definition.model import InputType
from indelible.values import Json

UNKNOWN: object = object()
"""No hint, or one that names something that is not there at run time."""

JSON_TYPES: Sequence[tuple[tuple[type, ...], InputType]] = (
    ((bool,), InputType.BOOLEAN),
    ((int,), InputType.INTEGER),
    ((float,), InputType.NUMBER),
    ((str, bytes, bytearray, PurePath, Decimal, UUID), InputType.STRING),
    ((date, datetime, time, timedelta), InputType.STRING),
    ((Mapping, msgspec.Struct), InputType.OBJECT),
    ((Sequence, Set), InputType.ARRAY),
)
"""The first row with a base of the hint counts: bool is an int, str and bytes are sequences."""


def signature_of(function: Callable[..., Any]) -> Signature:
    """The signature, its annotations as written.

    Raises ``ValueError`` or ``TypeError`` for a callable that has none.
    """
    if sys.version_info >= (3, 14):
        from annotationlib import Format

        return signature(function, annotation_format=Format.FORWARDREF)
    return signature(function)


def resolve(annotation: object, names: dict[str, Any]) -> object:
    """The hint that ``annotation`` stands for, read among ``names``; else ``UNKNOWN``."""
    if annotation is Signature.empty:
        return UNKNOWN
    one = SimpleNamespace(__annotations__={"it": annotation})
    try:
        return typing.get_type_hints(one, globalns=names)["it"]
    except Exception:  # a hint can be any expression, and is allowed to be wrong
        return UNKNOWN


def input_type(hint: object, *, skip_none: bool = False) -> tuple[InputType, tuple[Json, ...]]:
    """The JSON type that a value for ``hint`` is written as, and the only values, if it lists them.

    A union has a type only if its members agree (with ``skip_none``, those that are not None); what
    nobody can know is ``any``.
    """
    if choices := _choices(hint):
        return _agreed(_of_class(type(choice)) for choice in choices), choices
    origin = typing.get_origin(hint)
    if origin is typing.Union or type(hint).__name__ == "UnionType":
        members = [each for each in typing.get_args(hint) if not (skip_none and each is NoneType)]
        return input_type(members[0]) if len(members) == 1 else (_agreed_on(members), ())
    for inside in ("__supertype__", "__value__"):  # of a NewType, of a type alias
        if hasattr(hint, inside) and not isinstance(hint, type):
            return input_type(getattr(hint, inside))
    return _of_class(origin or hint), ()


def _choices(hint: object) -> tuple[Json, ...]:
    found: tuple[Any, ...] = ()
    if typing.get_origin(hint) is typing.Literal:
        found = typing.get_args(hint)
    elif isinstance(hint, type) and issubclass(hint, Enum):
        found = tuple(member.value for member in hint)
    return found if all(isinstance(choice, str | int | float) for choice in found) else ()


def _of_class(kind: object) -> InputType:
    if not isinstance(kind, type):
        return InputType.ANY
    if hasattr(kind, "__dataclass_fields__") or typing.is_typeddict(kind):
        return InputType.OBJECT
    return next((found for kinds, found in JSON_TYPES if issubclass(kind, kinds)), InputType.ANY)


def _agreed_on(members: Iterable[object]) -> InputType:
    return _agreed(input_type(member)[0] for member in members)


def _agreed(types: Iterable[InputType]) -> InputType:
    found = set(types)
    return found.pop() if len(found) == 1 else InputType.ANY
