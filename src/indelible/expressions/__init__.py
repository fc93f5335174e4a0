"""The expression language: ``when``, ``for_each``, ``until`` and what stands inside ``${{ }}``.

Pure and bounded: no clock, no randomness, no I/O, no attributes of Python objects, no ``eval``.
The syntax is Python's, cut down to JSON: names, ``a.b`` and ``a['b']`` (both look up a key),
``and or not in``, comparisons, ``+ - * / // %``, ``x if c else y``, lists, objects, literals, and
the functions of ``functions.py``.

Two steps.  Parsing checks everything that can be known without values and finds the references;
evaluating takes the values.  Neither raises anything but ``ExpressionError``, with one exception:
what a lazy mapping raises by itself passes through evaluate as it is.

    __init__, expression, template    what others use; light to import
    spelling, grammar                 loaded by the first expression that is parsed
    limits, operators, functions      what an expression can do, and how much of it
    jail                              loaded by the first evaluation: simpleeval, cut down
"""

from __future__ import annotations

from indelible.expressions.expression import (
    ROOTS,
    Expression,
    Missing,
    Reference,
    parse_expression,
)
from indelible.expressions.template import (
    Template,
    ValueTemplate,
    has_template,
    parse_template,
    parse_value,
)

__all__ = [
    "ROOTS",
    "Expression",
    "Missing",
    "Reference",
    "Template",
    "ValueTemplate",
    "has_template",
    "parse_expression",
    "parse_template",
    "parse_value",
]
