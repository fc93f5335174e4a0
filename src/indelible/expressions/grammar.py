"""From text to a checked syntax tree and its references.  What is not listed here is refused."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from indelible.expressions import spelling
from indelible.expressions.expression import ROOTS, Reference
from indelible.expressions.functions import FUNCTIONS
from indelible.expressions.limits import (
    MAX_DEPTH,
    MAX_PARTS,
    Refusal,
    bounded,
    closest,
    complaint,
)
from indelible.expressions.operators import OPERATORS, SYMBOLS

LITERALS: Mapping[str, object] = {"true": True, "false": False, "null": None}
"""JSON's names for what Python writes True, False and None; both are understood."""

TOO_LARGE = "Compute it in a node."

_REFUSED: Mapping[str, tuple[str, str]] = {
    "Tuple": ("a tuple", "Write a list: [a, b]."),
    "Set": ("a set", "Write a list: [a, b]."),
    "Slice": ("a slice", ""),
    "Lambda": ("a lambda", ""),
    "ListComp": ("a comprehension", "Compute it in a node, or use for_each."),
    "SetComp": ("a comprehension", "Compute it in a node, or use for_each."),
    "DictComp": ("a comprehension", "Compute it in a node, or use for_each."),
    "GeneratorExp": ("a comprehension", "Compute it in a node, or use for_each."),
    "JoinedStr": ("an f-string", "Join with +, e.g. 'day ' + inputs.day."),
    "NamedExpr": ("an assignment", ""),
    "Starred": ("a star", "Join lists with +."),
}
"""Python's constructs that people may try, in words; the rest go by Python's name."""

Path = tuple[str, ...]
Parts = tuple[tuple[ast.expr, Path], ...]


def parse(source: str) -> tuple[ast.expr, tuple[Reference, ...]]:
    """Raises ``ExpressionError``, with the column where one place is to blame."""
    try:
        text = spelling.checked(source)
        tree = _python_tree(text)
        references = tuple(sorted(_references(source, tree), key=lambda found: found.column))
    except Refusal as refusal:
        place = spelling.column(source, refusal.at)
        raise complaint(source, refusal.problem, column=place, hint=refusal.hint) from None
    return tree, references


def _python_tree(text: str) -> ast.expr:
    try:
        return ast.parse(text, mode="eval").body
    except SyntaxError as error:
        problem = error.msg.partition(" (detected at")[0].partition(". Perhaps")[0]
        # The parser gives 0, or a place behind the text, for what is missing at the end.
        start = min((error.offset or len(text) + 1) - 1, len(text))
        raise Refusal(problem, at=spelling.byte_offset(text, start)) from None
    except (RecursionError, MemoryError):
        raise Refusal("nested too deeply", hint=TOO_LARGE) from None
    except ValueError:  # NUL characters, lone surrogates, integers of thousands of digits
        raise Refusal("it holds characters that cannot be read") from None


def _references(source: str, tree: ast.expr) -> Iterator[Reference]:
    """Check every part of the tree, and give every name with the keys that are looked up in it."""
    rest: list[tuple[ast.AST, Path, int]] = [(tree, (), 1)]
    count = 0
    while rest:
        part, path, depth = rest.pop()
        count += 1
        if depth > MAX_DEPTH:
            raise _refusal(part, f"nested more than {MAX_DEPTH} levels deep", TOO_LARGE)
        if count > MAX_PARTS:
            raise _refusal(part, f"more than {MAX_PARTS:,} parts", TOO_LARGE)
        rule = RULES.get(type(part), _refuse)
        rest.extend((inner, below, depth + 1) for inner, below in rule(part, path))
        if isinstance(part, ast.Name) and part.id in ROOTS:
            yield Reference((part.id, *path), spelling.column(source, part.col_offset))


def _refusal(part: Any, problem: str, hint: str = "") -> Refusal:
    return Refusal(problem, hint=hint, at=getattr(part, "col_offset", None))


def _refuse(part: Any, path: Path) -> Parts:
    name = type(part).__name__
    problem, hint = _REFUSED.get(name, (f"Python's {name}", ""))
    raise _refusal(part, f"{problem} is not part of the language", hint)


def _constant(part: ast.Constant, path: Path) -> Parts:
    if not isinstance(part.value, str | int | float | None):
        raise _refusal(part, f"{type(part.value).__name__} is not JSON")
    try:
        bounded(part.value)
        str(part.value).encode()
    except Refusal as refusal:
        raise _refusal(part, refusal.problem) from None
    except UnicodeEncodeError:
        raise _refusal(part, "half of a surrogate pair is not a character") from None
    return ()


def _name(part: ast.Name, path: Path) -> Parts:
    if part.id in ROOTS or part.id in LITERALS:
        return ()
    if part.id in FUNCTIONS:
        raise _refusal(
            part, f"{part.id} is a function", f"Call it: {FUNCTIONS[part.id].signature}."
        )
    raise _refusal(
        part,
        f"unknown name {part.id!r}",
        f"{closest(part.id, ROOTS)}Known names: {', '.join(ROOTS)}.",
    )


def _attribute(part: ast.Attribute, path: Path) -> Parts:
    if part.attr.startswith("__") and part.attr.endswith("__"):
        raise _refusal(
            part, f"{part.attr} is not part of the language", "A dot looks up a key of an object."
        )
    return ((part.value, (part.attr, *path)),)


def _subscript(part: ast.Subscript, path: Path) -> Parts:
    match part.slice:
        case ast.Constant(value=str(key)):
            return ((part.value, (key, *path)),)
        case index:
            return ((part.value, ()), (index, ()))


def _call(part: ast.Call, path: Path) -> Parts:
    if not isinstance(part.func, ast.Name):
        method = getattr(part.func, "attr", "")
        hint = f"It is written {FUNCTIONS[method].signature}." if method in FUNCTIONS else ""
        raise _refusal(part, "only functions can be called, not methods or values", hint)
    name = part.func.id
    if name not in FUNCTIONS:
        hint = f"{closest(name, FUNCTIONS)}Known functions: {', '.join(FUNCTIONS)}."
        raise _refusal(part, f"unknown function {name!r}", hint)
    function = FUNCTIONS[name]
    if part.keywords or not function.accepts(len(part.args)):
        found = "named arguments" if part.keywords else f"{len(part.args)} arguments"
        hint = f"It is written {function.signature}."
        raise _refusal(part, f"{name}() does not take {found}", hint)
    return _plain(part.args)


def _operation(part: ast.BinOp | ast.UnaryOp | ast.Compare, path: Path) -> Parts:
    operators = part.ops if isinstance(part, ast.Compare) else (part.op,)
    for operator in operators:
        if type(operator) not in OPERATORS:
            hint = "Write == or !=." if isinstance(operator, ast.Is | ast.IsNot) else ""
            symbol = SYMBOLS[type(operator)]
            raise _refusal(part, f"`{symbol}` is not an operator of the language", hint)
    return _children(part, path)


def _object(part: ast.Dict, path: Path) -> Parts:
    keys = [key for key in part.keys if key is not None]
    if len(keys) < len(part.values):
        raise _refusal(part, "`**` in an object is not part of the language")
    return _plain([*keys, *part.values])


def _children(part: ast.AST, path: Path) -> Parts:
    return _plain(inner for inner in ast.iter_child_nodes(part) if isinstance(inner, ast.expr))


def _plain(parts: Iterable[ast.expr]) -> Parts:
    return tuple((part, ()) for part in parts)


RULES: Mapping[type[ast.AST], Callable[[Any, Path], Parts]] = {
    ast.Constant: _constant,
    ast.Name: _name,
    ast.Attribute: _attribute,
    ast.Subscript: _subscript,
    ast.Call: _call,
    ast.UnaryOp: _operation,
    ast.BinOp: _operation,
    ast.Compare: _operation,
    ast.BoolOp: _children,
    ast.IfExp: _children,
    ast.List: _children,
    ast.Dict: _object,
}
"""The whole syntax.  A rule checks a part of the tree and gives the parts below it, each with the
keys that are looked up in its value."""
