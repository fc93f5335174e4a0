"""JSON Schema, for outputs of nodes and answers of people: whether a schema makes sense, and
whether a value fits it.

What is understood is draft 2019-09 without ``UNSUPPORTED``, which are refused rather than ignored:
a rule that nobody checks is worse than none.  A schema refers to itself only; nothing is fetched.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any

from indelible import values
from indelible.values import Json

if TYPE_CHECKING:
    from fastjsonschema import JsonSchemaValueException

Check = Callable[[Json], object]
"""Raises ``JsonSchemaValueException`` for a value that does not fit."""

SHOWN = 80
"""Characters of a value that a problem shows."""

UNSUPPORTED = (
    *("$anchor", "$dynamicRef", "$recursiveRef", "dependentRequired", "dependentSchemas"),
    *("maxContains", "minContains", "prefixItems", "unevaluatedItems", "unevaluatedProperties"),
)

TYPES = ("array", "boolean", "integer", "null", "number", "object", "string")

_SCHEMA: Json = {"$ref": "#"}
_SCHEMAS: Json = {"type": "array", "minItems": 1, "items": _SCHEMA}
_NAMED: dict[str, Json] = {"type": "object", "additionalProperties": _SCHEMA}
_COUNT: Json = {"type": "integer", "minimum": 0}
_NUMBER: Json = {"type": "number"}
_STRINGS: Json = {"type": "array", "items": {"type": "string"}}

# Which keywords want what; the first thing is what a keyword's value must be.
_ROWS: tuple[tuple[Json, str], ...] = (
    (_SCHEMA, "additionalItems additionalProperties contains else if not propertyNames then"),
    (_SCHEMAS, "allOf anyOf oneOf"),
    (_NAMED, "$defs definitions properties"),
    ({**_NAMED, "propertyNames": {"format": "regex"}}, "patternProperties"),
    (_COUNT, "maxItems maxLength maxProperties minItems minLength minProperties"),
    (_NUMBER, "exclusiveMaximum exclusiveMinimum maximum minimum"),
    ({"type": "number", "exclusiveMinimum": 0}, "multipleOf"),
    ({"type": "boolean"}, "uniqueItems"),
    ({"type": "array", "minItems": 1}, "enum"),
    ({"type": "string"}, "format"),
    ({"type": "string", "format": "regex"}, "pattern"),
    ({"type": "string", "pattern": "^#"}, "$ref"),
    (_STRINGS, "required"),
    ({"if": {"type": "array"}, "then": _SCHEMAS, "else": _SCHEMA}, "items"),
    ({"additionalProperties": {"if": {"type": "array"}, "else": _SCHEMA}}, "dependencies"),
    (
        {
            "if": {"type": "array"},
            "then": {"minItems": 1, "items": {"enum": list(TYPES)}},
            "else": {"enum": list(TYPES)},
        },
        "type",
    ),
    (False, " ".join(UNSUPPORTED)),
)

SCHEMA_OF_SCHEMAS: Json = {
    "type": ["object", "boolean"],
    "properties": {word: rule for rule, words in _ROWS for word in words.split()},
}


def check_schema(schema: Json) -> str:
    """What is wrong with ``schema`` itself, as ``path: problem``; empty if nothing is."""
    problem = validate(SCHEMA_OF_SCHEMAS, schema)
    if problem:
        return problem.replace("must not be there, but is", "is a keyword that is not supported:")
    try:
        _compiled(values.encode(schema))
    except Exception as error:  # the compiler trips in many ways over what it did not expect
        return f"$: {str(error).lower()}"
    return ""


def validate(schema: Json, value: Json) -> str:
    """Where ``value`` misses ``schema``, as ``path: problem``; empty if it fits.

    ``schema`` has passed ``check_schema``.
    """
    return _misfit(_compiled(values.encode(schema)), value)


def _misfit(check: Check, value: Json) -> str:
    from fastjsonschema import JsonSchemaValueException

    try:
        check(value)
    except JsonSchemaValueException as error:
        return _said(error)
    except RecursionError:
        return "$: the schema refers to itself without end"
    return ""


def _said(error: JsonSchemaValueException) -> str:
    path = error.name or "$"
    return f"{path}: {error.message.removeprefix(path).strip()}, but is {_shown(error.value)}"


def _shown(value: Json) -> str:
    # Piece by piece, as the value may be large and only its beginning is wanted.
    pieces = json.JSONEncoder(ensure_ascii=False).iterencode(value)
    text = "".join(islice(pieces, SHOWN))
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


@lru_cache(maxsize=256)
def _compiled(schema: bytes) -> Check:
    """A function made of the schema; from bytes, as the compiler writes into what it reads."""
    import fastjsonschema

    definition: Any = values.decode(schema)
    if isinstance(definition, dict):
        # Where it was published and for which draft makes no difference here.
        definition = {k: v for k, v in definition.items() if k not in {"$id", "$schema"}}
    check = fastjsonschema.compile(definition, handlers=_Nowhere(), use_default=False)
    return lambda value: check(value, name_prefix="$")


class _Nowhere(dict[str, Any]):
    """The only handler of addresses, for every scheme: left alone, the compiler would fetch them,
    files of this machine included."""

    def __contains__(self, scheme: object) -> bool:
        return True

    def __missing__(self, scheme: str) -> Callable[[str], Any]:
        return _refuse


def _refuse(address: str) -> Any:
    raise ValueError(f"it refers to {address}; a schema can refer to its own parts only (#/…)")
