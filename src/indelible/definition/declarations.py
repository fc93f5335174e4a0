"""What authors in Python declare beside their functions: ``ink.Input(…)``, ``ink.Retry(…)`` ….

They are written like classes because that is how they read in a workflow; they make the model's own
structures out of the durations, classes and plain values that people write.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Literal

from indelible.definition import model
from indelible.definition.fields import INPUT_FIELDS, LOOP_FIELDS, RETRY_FIELDS
from indelible.definition.model import InputType
from indelible.definition.options import Duration, at_workflow, read_options
from indelible.definition.places import Place, Report
from indelible.definition.shapes import DURATION, Field
from indelible.errors import DefinitionError
from indelible.values import Json

InputTypeName = Literal["string", "integer", "number", "boolean", "array", "object", "any"]

NO_DEFAULT: Any = object()
"""Tells a default of None from none at all."""


def Retry(  # noqa: N802 - reads as the class it makes
    max_attempts: int = 3,
    *,
    delay: Duration = "1s",
    backoff: float = 2,
    max_delay: Duration = "5m",
    jitter: float = 0.1,
    on: Sequence[str | type[BaseException]] = (),
) -> model.Retry:
    """A policy of retries, for ``retry=``; the fields are LANGUAGE's.

    ``on`` takes exception classes and the names of error types.  Raises ``DefinitionError``, with
    file and line, for values that are none; ``build`` judges whether they make sense.
    """
    is_list = isinstance(on, Sequence) and not isinstance(on, str)
    names = [each.__name__ if isinstance(each, type) else each for each in on] if is_list else on
    waits = {"delay": delay, "backoff": backoff, "max_delay": max_delay, "jitter": jitter}
    return model.Retry(**_read(RETRY_FIELDS, {"max_attempts": max_attempts, "on": names, **waits}))


def Loop(until: str, max_iterations: int) -> model.Loop:  # noqa: N802 - reads as the class it makes
    """The node again and again until the expression ``until`` holds, for ``loop=``.

    Raises ``DefinitionError``, with file and line, for values that are none.
    """
    return model.Loop(**_read(LOOP_FIELDS, {"until": until, "max_iterations": max_iterations}))


def Input(  # noqa: N802 - reads as the class it makes
    type: InputType | InputTypeName = "string",
    *,
    required: bool = False,
    default: Json = NO_DEFAULT,
    enum: Sequence[Json] = (),
    description: str = "",
) -> model.Input:
    """An input of a workflow, for ``inputs=``; the fields are LANGUAGE's.

    Raises ``DefinitionError``, with file and line, for values that are none.
    """
    has_default = default is not NO_DEFAULT
    given = {"type": type, "required": required, "enum": enum, "description": description}
    fields = _read(INPUT_FIELDS, given | ({"default": default} if has_default else {}))
    return model.Input(has_default=has_default, **fields)


def caller() -> Place:
    """The line of the author's code that is being run: the innermost outside of this package."""
    package = __name__.partition(".")[0] + "."
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith(package):
        frame = frame.f_back
    return Place(frame.f_code.co_filename, frame.f_lineno)


def _read(fields: Sequence[Field], options: Mapping[str, object]) -> dict[str, Any]:
    place = caller()
    report = Report(lambda path, offset=0: place)
    table = {field.attribute: field for field in fields}
    ready = {
        name: value
        for name, value in options.items()
        if table[name].shape is DURATION and isinstance(value, timedelta)
    }
    others = {name: value for name, value in options.items() if name not in ready}
    found = read_options(others, table, at_workflow(report))
    if report.complaints:
        raise DefinitionError(report.complaints)
    return found | ready
