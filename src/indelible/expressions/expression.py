"""One expression, parsed once and evaluated as often as needed."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec

from indelible.values import Json

if TYPE_CHECKING:
    import ast

ROOTS: Mapping[str, str] = {
    "inputs": "what the run was given",
    "nodes": "the output and status of nodes upstream",
    "item": "the current item; it exists inside a for_each",
    "index": "the number of the current instance; it exists inside a for_each or a loop",
    "previous": "the output of the iteration before; it exists inside a loop",
    "output": "the output of the iteration; it exists in a loop's until",
    "run": "run.id",
    "secrets": "secrets by name; they exist in env, with and prompts",
}
"""The names an expression can begin with, and what each one means."""


class Missing(Exception):  # noqa: N818 - a signal between a mapping and the evaluator, not a failure
    """Raised by a lazy mapping for a value that is not there; ``default`` gives its fallback then.

    Without a ``default`` around it, ``message`` and ``hint`` become an ``ExpressionError``.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class Reference(msgspec.Struct, frozen=True):
    """Something an expression reads: ``("nodes", "fetch", "output", "rows")``.

    The path goes as far as it is known without values: up to the first index that is a number or is
    computed.  ``column`` counts characters of the source, from 1.
    """

    path: tuple[str, ...]
    column: int

    @property
    def root(self) -> str:
        return self.path[0]


class Expression(msgspec.Struct, frozen=True, eq=False):
    """``references`` are in the order of the source, each as often as it stands there."""

    source: str
    references: tuple[Reference, ...]
    tree: Any  # an ast.expr; msgspec would have to import ast to say so

    def evaluate(self, names: Mapping[str, object]) -> Json:
        """The value, given the values of the roots: JSON data, or mappings that look up lazily.

        What comes out is JSON data and may share parts with what went in.  Raises
        ``ExpressionError``; what a lazy mapping raises, other than ``Missing`` and ``KeyError``,
        passes through.
        """
        from indelible.expressions.jail import evaluate

        tree: ast.expr = self.tree
        return evaluate(self.source, tree, names)


@lru_cache(maxsize=4096)
def parse_expression(source: str) -> Expression:
    """Raises ``ExpressionError`` for whatever is wrong with it regardless of values."""
    from indelible.expressions.grammar import parse

    tree, references = parse(source)
    return Expression(source, references, tree)
