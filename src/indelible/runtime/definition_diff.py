"""What is different between two versions of a node, in lines that a person can read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import unified_diff

import msgspec

from indelible import values
from indelible.definition.model import Node, Plugged

_ABSENT = object()


def node_diff(old: Node | None, new: Node | None) -> list[str]:
    """Field by field, the old value and then the new; texts of several lines as a unified diff."""
    if old is None or new is None:
        return ["it is gone" if new is None else "it is new"]
    before, after = _fields(old), _fields(new)
    return [
        line
        for name in {**before, **after}
        for line in _lines(name, before.get(name, _ABSENT), after.get(name, _ABSENT))
    ]


def _fields(node: Node) -> Mapping[str, object]:
    fields: dict[str, object] = msgspec.to_builtins(node)
    body = fields.pop("body")
    assert isinstance(body, dict)
    if isinstance(node.body, Plugged):
        written = {f"{node.body.name}.{name}": value for name, value in node.body.fields.items()}
        return {**fields, "kind": node.body.name, **written}
    return {**fields, **body}


def _lines(name: str, old: object, new: object) -> Iterator[str]:
    if old == new:
        return
    if isinstance(old, str) and isinstance(new, str) and "\n" in old + new:
        yield f"{name}:"
        lines = unified_diff(old.splitlines(), new.splitlines(), n=1, lineterm="")
        yield from (f"  {line}" for line in lines if not line.startswith(("---", "+++")))
        return
    yield f"{name}: {_shown(old)} -> {_shown(new)}"


def _shown(value: object) -> str:
    return "(not set)" if value is _ABSENT else values.encode(value).decode()
