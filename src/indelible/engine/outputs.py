"""The output of a node as JSON bytes; a container's is put together from those inside it.

Nothing is decoded: the parts are the bytes that were logged, and an output that is made of others
stands in the log only in them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from msgspec import Raw

from indelible import values
from indelible.definition.model import Composite
from indelible.engine.state import NodeState
from indelible.engine.status import NodeStatus, Role
from indelible.events import BlobRef
from indelible.expressions import Missing

Blobs = Mapping[str, bytes]
"""Blobs that the shell has loaded, by hash."""

NOTHING = b"null"


class BlobsNeeded(Exception):  # noqa: N818 - a request to the shell, not an error
    """Values that are in blobs which have not been loaded yet."""

    def __init__(self, refs: Iterable[BlobRef]) -> None:
        self.refs = tuple(refs)
        super().__init__(f"{len(self.refs)} blobs")


def output_of(node: NodeState, blobs: Blobs) -> bytes:
    """The output of a node that completed.

    Raises ``Missing`` for one that did not, ``BlobsNeeded`` for all that has to be fetched first.
    """
    if node.status is not NodeStatus.SUCCESS:
        raise Missing(
            f"node {node.id} has no output: it is {node.status}",
            f"Ask nodes['{node.planned.id}'].status first, or give a value for this case: "
            f"default(nodes['{node.planned.id}'].output, …).",
        )
    return assembled(node, blobs)


def assembled(node: NodeState, blobs: Blobs) -> bytes:
    """The same of a node whose parts have all ended.  Raises ``BlobsNeeded``."""
    needed = [ref for ref in _blobs_of(node) if ref.sha256 not in blobs]
    if needed:
        raise BlobsNeeded(needed)
    return _assembled(node, blobs)


def bytes_of(kept: Raw | BlobRef, blobs: Blobs) -> bytes:
    """The bytes of a stored value.  Raises ``BlobsNeeded``."""
    if isinstance(kept, Raw):
        return bytes(kept)
    if kept.sha256 not in blobs:
        raise BlobsNeeded((kept,))
    return blobs[kept.sha256]


def sources_of(node: NodeState) -> list[NodeState]:
    """The nodes directly inside a container that its output is made of, in order.

    Of a map its instances, of a loop its last iteration, of a composite the node it ``returns``, or
    its leaves.
    """
    children = node.children or []
    match node.role:
        case Role.MAP:
            return children
        case Role.LOOP:
            return children[-1:]
    body = node.node.body
    if isinstance(body, Composite) and body.returns is not None:
        return [child for child in children if child.planned.id == body.returns]
    return [child for child in children if not child.planned.downstream]


def _assembled(node: NodeState, blobs: Blobs) -> bytes:
    if node.output is not None:
        return bytes_of(node.output, blobs)
    if not node.is_container:
        return NOTHING
    sources = sources_of(node)
    if node.role is Role.MAP:
        return b"[" + b",".join(_assembled_or_null(each, blobs) for each in sources) + b"]"
    if node.role is Role.LOOP or _returns_one(node):
        return _assembled_or_null(sources[0], blobs) if sources else NOTHING
    done = (each for each in sources if each.status is NodeStatus.SUCCESS)
    pairs = (values.encode(each.planned.id) + b":" + _assembled(each, blobs) for each in done)
    return b"{" + b",".join(pairs) + b"}"


def _assembled_or_null(node: NodeState, blobs: Blobs) -> bytes:
    return _assembled(node, blobs) if node.status is NodeStatus.SUCCESS else NOTHING


def _returns_one(node: NodeState) -> bool:
    return isinstance(node.node.body, Composite) and node.node.body.returns is not None


def _blobs_of(node: NodeState) -> Iterator[BlobRef]:
    if isinstance(node.output, BlobRef):
        yield node.output
    elif node.output is None and node.is_container:
        for each in sources_of(node):
            if each.status is NodeStatus.SUCCESS:
                yield from _blobs_of(each)
