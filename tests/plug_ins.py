"""Packages that add kinds of nodes, as an installer leaves them: a module beside its metadata."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

SHELF = '''
"""A kind of node for tests: what it is given, it gives back."""

from __future__ import annotations

import asyncio
import os
from typing import Annotated, Any, Literal

import msgspec

import indelible as ink


class Box(msgspec.Struct):
    size: int = 1


class Shelf(msgspec.Struct, rename={"from_": "from"}):
    label: Annotated[str, msgspec.Meta(description="What it says.")]
    height: Annotated[int, msgspec.Meta(ge=1)] = 1
    items: list[int | str] = []
    mode: Literal["open", "closed"] = "open"
    box: Box | None = None
    boxes: dict[str, Box] = {}
    from_: str = ""
    anything: Any = None

    def __post_init__(self) -> None:
        if self.mode == "closed" and self.items:
            raise ValueError("a closed shelf takes no items")


def run(context: ink.Context, shelf: Shelf) -> Any:
    context.logger.info("attempt %d of %s", context.attempt, context.idempotency_key)
    if shelf.label == "break":
        raise LookupError(f"broken with {shelf.items}")
    if shelf.label == "for ever":
        while True:
            pass
    if shelf.label == "odd":
        return object()
    return [shelf.label, shelf.height, shelf.items, shelf.anything, os.getpid()]


async def run_async(context: ink.Context, shelf: Shelf) -> Any:
    await asyncio.sleep(1000 if shelf.label == "for ever" else 0)
    return run(context, shelf)


FILLED = ("label", "height", "items", "anything")
SHELF = ink.NodeKind(
    name="shelf", fields=Shelf, run=run, templates=FILLED, description="For things."
)
SOON = ink.NodeKind(name="soon", fields=Shelf, run=run_async, templates=FILLED)
'''


def add_package(
    folder: Path, name: str, kinds: Mapping[str, str], *, version: str = "1.0", **modules: str
) -> None:
    """The package ``name`` in ``folder``: its ``modules``, and its entry points for ``kinds``."""
    for module, source in modules.items():
        (folder / f"{module}.py").write_text(source)
    metadata = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    lines = [f"{kind} = {target}\n" for kind, target in kinds.items()]
    (metadata / "entry_points.txt").write_text("".join(["[indelible.nodes]\n", *lines]))


def add_shelf(folder: Path) -> None:
    """The package ``acme-shelves`` with the kinds ``shelf`` and, async, ``soon``."""
    kinds = {"shelf": "acme_shelves:SHELF", "soon": "acme_shelves:SOON"}
    add_package(folder, "acme-shelves", kinds, acme_shelves=SHELF)


@contextmanager
def importable(folder: Path) -> Iterator[Path]:
    """Inside, what is in ``folder`` is installed."""
    modules, path, writes_none = set(sys.modules), [*sys.path], sys.dont_write_bytecode
    sys.path.insert(0, str(folder))
    sys.dont_write_bytecode = True
    try:
        yield folder
    finally:
        sys.path[:] = path
        sys.dont_write_bytecode = writes_none
        for name in set(sys.modules) - modules:
            if (getattr(sys.modules[name], "__file__", None) or "").startswith(str(folder)):
                del sys.modules[name]
