"""The operators: Python's meaning on JSON values, with a ceiling on what they make."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any

from indelible.expressions.limits import MAX_TEXT, Refusal, bounded, check_length, kind, weight

FAULTS: Mapping[type[Exception], str] = {
    ZeroDivisionError: "division by zero",
    OverflowError: "the number is too large",
    RecursionError: "the value is nested too deeply",
    MemoryError: "the result is too large",
}
"""What Python raises on JSON values, besides ``TypeError``, and what that means."""

SYMBOLS: Mapping[type[ast.AST], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.In: "in",
    ast.NotIn: "not in",
    ast.Not: "not",
    ast.USub: "-",
    ast.UAdd: "+",
    ast.Pow: "**",
    ast.LShift: "<<",
    ast.RShift: ">>",
    ast.BitOr: "|",
    ast.BitXor: "^",
    ast.BitAnd: "&",
    ast.Invert: "~",
    ast.MatMult: "@",
    ast.Is: "is",
    ast.IsNot: "is not",
}
"""How each operator of Python is written, ours or not."""


def _add(left: Any, right: Any) -> Any:
    if isinstance(left, str | list) and type(left) is type(right):
        check_length(left, len(left) + len(right))
    return left + right


def _multiply(left: Any, right: Any) -> Any:
    if isinstance(right, str | list):
        left, right = right, left
    if isinstance(left, str | list) and isinstance(right, int):
        times = max(right, 0)
        check_length(left, len(left) * times)
        # A short array of long strings, multiplied, would be a long text once it is written.
        if isinstance(left, list) and weight(left) * times > MAX_TEXT:
            raise Refusal(f"the array would hold more than {MAX_TEXT:,} characters")
    return left * right


def _remainder(left: Any, right: Any) -> Any:
    if isinstance(left, str):
        raise TypeError  # it would format the string
    return left % right


def _guarded(symbol: str, act: Callable[..., Any]) -> Callable[..., object]:
    def apply(*operands: object) -> object:
        try:
            return bounded(act(*operands))
        except TypeError:
            kinds = " and ".join(map(kind, operands))
            raise Refusal(f"`{symbol}` does not work on {kinds}") from None
        except tuple(FAULTS) as fault:
            raise Refusal(FAULTS[type(fault)]) from None

    return apply


OPERATORS: Mapping[type[ast.AST], Callable[..., object]] = {
    kind_of_operator: _guarded(SYMBOLS[kind_of_operator], act)
    for kind_of_operator, act in (
        (ast.Add, _add),
        (ast.Sub, operator.sub),
        (ast.Mult, _multiply),
        (ast.Div, operator.truediv),
        (ast.FloorDiv, operator.floordiv),
        (ast.Mod, _remainder),
        (ast.Eq, operator.eq),
        (ast.NotEq, operator.ne),
        (ast.Lt, operator.lt),
        (ast.LtE, operator.le),
        (ast.Gt, operator.gt),
        (ast.GtE, operator.ge),
        (ast.In, lambda item, container: item in container),
        (ast.NotIn, lambda item, container: item not in container),
        (ast.Not, operator.not_),
        (ast.USub, operator.neg),
        (ast.UAdd, operator.pos),
    )
}
"""The operators of our language."""
