"""The evaluator: simpleeval with everything taken out that JSON does not need.

Its own way to read attributes, to index and to call is replaced: a dot looks up the key of an
object and nothing else, and only the functions of our table can be called.  Its defaults (random
numbers, Python's types, its check of every item of every value) are never set up.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any, NoReturn

from simpleeval import EvalWithCompoundTypes  # type: ignore[import-untyped]

from indelible import values
from indelible.errors import ExpressionError
from indelible.expressions import spelling
from indelible.expressions.expression import ROOTS, Missing
from indelible.expressions.functions import call
from indelible.expressions.grammar import LITERALS
from indelible.expressions.limits import MAX_NAMED, Refusal, complaint, kind, printable, shown
from indelible.expressions.operators import OPERATORS
from indelible.values import Json


class AbsentError(ExpressionError):
    """A value that is not there: the only failure that ``default`` forgives."""


def evaluate(source: str, tree: ast.expr, names: Mapping[str, object]) -> Json:
    """The value of a tree that ``grammar.parse`` has checked.  Raises ``ExpressionError``."""
    try:
        value: Json = Jail(source, names).value_of(tree)
    except RecursionError:
        raise complaint(source, "nested too deeply") from None
    return value


class Jail(EvalWithCompoundTypes):  # type: ignore[misc]  # simpleeval has no types
    """One evaluation.  A mapping that looks up lazily can be looked into, but is no value."""

    def __init__(self, source: str, names: Mapping[str, object]) -> None:
        # Not super().__init__: it sets up what we do not want, and is not safe with threads.
        self.expr = source
        self.names = names
        self.operators = OPERATORS
        self.nodes = HANDLERS

    def value_of(self, part: ast.expr) -> Any:
        """JSON data, or ``ExpressionError`` that points at ``part``."""
        found = self._find(part)
        if not values.is_plain(found):
            problem = f"{self._written(part)} is not a value by itself"
            self._fail(part, Refusal(problem, hint="Go on with a dot and a key."))
        return found

    _eval = value_of  # what simpleeval calls for every operand

    def _find(self, part: ast.expr) -> object:
        try:
            return HANDLERS[type(part)](self, part)
        except Refusal as refusal:
            self._fail(part, refusal)

    def _fail(self, part: ast.expr, refusal: Refusal) -> NoReturn:
        place = spelling.column(self.expr, part.col_offset)
        error = AbsentError if refusal.is_absent else ExpressionError
        raise complaint(
            self.expr, refusal.problem, column=place, hint=refusal.hint, error=error
        ) from None

    def _written(self, part: ast.expr) -> str:
        text = self.expr.strip().encode(errors="surrogatepass")
        return shown(text[part.col_offset : part.end_col_offset].decode(errors="replace"))

    def _eval_name(self, part: ast.Name) -> object:
        if part.id in LITERALS:
            return LITERALS[part.id]
        try:
            return self.names[part.id]
        except Missing as missing:
            raise _absent(missing) from None
        except KeyError:
            problem = f"{part.id} has no value here"
            raise Refusal(problem, hint=f"It is {ROOTS[part.id]}.", is_absent=True) from None

    def _eval_attribute(self, part: ast.Attribute) -> object:
        return self._look_up(part.value, part.attr)

    def _eval_subscript(self, part: ast.Subscript) -> object:
        return self._look_up(part.value, self.value_of(part.slice))

    def _look_up(self, within: ast.expr, key: object) -> object:
        container = self._find(within)
        match container, key:
            case Mapping(), str():
                return self._value_at(within, container, key)
            case ((list() | str()), int()):
                return self._item_at(within, container, key)
            case None, _:
                raise Refusal(f"{self._written(within)} is null", is_absent=True)
            case ((Mapping() | list() | str()), _):
                wanted = "a string" if isinstance(container, Mapping) else "an integer"
                name = self._written(within)
                raise Refusal(f"{name} is indexed by {wanted}, not by {kind(key)}")
        raise Refusal(f"{self._written(within)} is {kind(container)} and has no parts")

    def _value_at(self, within: ast.expr, container: Mapping[str, object], key: str) -> object:
        try:
            return container[key]
        except Missing as missing:
            raise _absent(missing) from None
        except KeyError:
            hint = f"Keys there: {_some_keys(container)}."
            name = self._written(within)
            raise Refusal(f"{name} has no key {key[:60]!r}", hint=hint, is_absent=True) from None

    def _item_at(self, within: ast.expr, container: list[object] | str, index: int) -> object:
        try:
            return container[index]
        except IndexError:
            length = len(container)
            hint = f"It has {length}, counted from 0." if length else "It is empty."
            name = self._written(within)
            raise Refusal(f"{name} has no item {index}", hint=hint, is_absent=True) from None

    def _eval_call(self, part: ast.Call) -> object:
        name = part.func.id  # type: ignore[attr-defined]  # the grammar lets only names through
        if name == "default":
            value, fallback = part.args
            try:
                return self.value_of(value)
            except AbsentError:
                return self.value_of(fallback)
        return call(name, [self.value_of(argument) for argument in part.args])

    def _eval_dict(self, part: ast.Dict) -> object:
        result: dict[str, object] = {}
        for key_part, value_part in zip(part.keys, part.values, strict=True):
            key = self.value_of(key_part) if key_part is not None else None
            if not isinstance(key, str):
                raise Refusal(f"the key of an object is a string, not {kind(key)}")
            result[key] = self.value_of(value_part)
        return result


HANDLERS: Mapping[type[ast.AST], Callable[[Jail, Any], object]] = {
    ast.Constant: lambda jail, part: part.value,
    ast.Name: Jail._eval_name,
    ast.Attribute: Jail._eval_attribute,
    ast.Subscript: Jail._eval_subscript,
    ast.Call: Jail._eval_call,
    ast.UnaryOp: Jail._eval_unaryop,
    ast.BinOp: Jail._eval_binop,
    ast.Compare: Jail._eval_compare,
    ast.BoolOp: Jail._eval_boolop,
    ast.IfExp: Jail._eval_ifexp,
    ast.List: Jail._eval_list,
    ast.Dict: Jail._eval_dict,
}
"""The same rows as the grammar's rules."""


def _absent(missing: Missing) -> Refusal:
    return Refusal(missing.message, hint=missing.hint, is_absent=True)


def _some_keys(container: Mapping[str, object]) -> str:
    named = [printable(str(key))[:60] for key in islice(container, MAX_NAMED)]
    more = len(container) - len(named)
    return (", ".join(named) or "none") + (f" and {more} more" if more > 0 else "")
