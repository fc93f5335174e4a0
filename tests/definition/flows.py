"""Workflows made in Python for tests, and looks into what became of them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest

from indelible.definition.decorators import WorkflowBuilder
from indelible.definition.model import Definition, Node, Python
from indelible.errors import DefinitionError


def new_flow() -> WorkflowBuilder:
    return WorkflowBuilder("etl")


def node_of(definition: Definition, name: str) -> Node:
    return next(node for node in definition.nodes if node.id == name)


def parameters_of(definition: Definition, name: str) -> dict[str, str]:
    body = node_of(definition, name).body
    assert isinstance(body, Python)
    return dict(body.parameters)


def complaints_of(flow: WorkflowBuilder) -> str:
    with pytest.raises(DefinitionError) as caught:
        flow.build()
    return str(caught.value)


def line_of(function: Callable[..., Any]) -> str:
    return f"{function.__code__.co_filename}:{function.__code__.co_firstlineno}: "


def takes(*names: str) -> Callable[[], None]:
    """A function whose parameters have these names."""

    def function() -> None: ...

    kinds = [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY) for name in names]
    function.__signature__ = inspect.Signature(kinds)  # type: ignore[attr-defined]
    return function
