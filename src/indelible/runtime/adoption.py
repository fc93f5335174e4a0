"""Going on under another definition: what may differ, what is begun anew for it, what is refused.

What has been done stands, so a node that completed, or a composite that has started, must be what
it was, unless it is reset in the same breath.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from msgspec import Raw

from indelible import values
from indelible.definition.callables import source_digest
from indelible.definition.inputs import bind_inputs
from indelible.definition.model import Definition, Node, Python
from indelible.definition.normal import encode_definition
from indelible.engine.resume import resumption
from indelible.engine.state import NodeState, RunState
from indelible.engine.status import NodeStatus
from indelible.errors import Complaint, DefinitionError
from indelible.events import BlobRef
from indelible.runtime.config import Function
from indelible.runtime.definition_diff import node_diff
from indelible.runtime.log import Log
from indelible.runtime.payloads import keep

_STANDS = frozenset({NodeStatus.SUCCESS, NodeStatus.ALLOWED})


class Adoption(msgspec.Struct, frozen=True):
    """What ``workflow_started`` says of it.

    ``changed`` are the nodes that differ or are new; ``replaced`` those of the run that began as
    something else, and begin anew.
    """

    definition: Raw | BlobRef | None = None
    inputs: Raw | BlobRef | None = None
    changed: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()


NOTHING = Adoption()


def adopt(log: Log, state: RunState, definition: Definition, from_nodes: Sequence[str]) -> Adoption:
    """What has to be recorded for the run to go on under ``definition``; nothing if it is the same.

    Raises ``DefinitionError`` with the difference of each node that stands in the way, and
    ``InputError`` if the inputs of the run do not fit it.
    """
    before = state.plan.definition
    recorded = encode_definition(definition)
    if recorded == encode_definition(before):
        return NOTHING
    old = {node.id: node for node in before.nodes}
    new = {node.id: node for node in definition.nodes}
    differing = [name for name, node in old.items() if new.get(name) != node]
    reset = frozenset(resumption(state, from_nodes).reset)
    stuck = [name for name in differing if name not in reset and _stands(state.nodes[name])]
    if stuck:
        raise DefinitionError([_complaint(state, old[name], new.get(name)) for name in stuck])
    return Adoption(
        definition=keep(log.store, log.run_id, recorded),
        inputs=_rebound(log, state, definition),
        changed=tuple(name for name, node in new.items() if old.get(name) != node),
        replaced=tuple(name for name in differing if state.nodes[name].is_begun),
    )


def with_live_sources(state: RunState, functions: Mapping[str, Function]) -> Definition | None:
    """The definition with the source digests of ``functions``; None if it says so already.

    Nodes that completed keep the digest of the source that they completed with.
    """
    definition = state.plan.definition
    nodes = tuple(_sourced(state, node, functions) for node in definition.nodes)
    if nodes == definition.nodes:
        return None
    return msgspec.structs.replace(definition, nodes=nodes)


def _sourced(state: RunState, node: Node, functions: Mapping[str, Function]) -> Node:
    body, function = node.body, functions.get(node.id)
    if not isinstance(body, Python) or function is None or _stands(state.nodes[node.id]):
        return node
    digest = source_digest(function)
    if digest == body.source_digest:
        return node
    return msgspec.structs.replace(node, body=msgspec.structs.replace(body, source_digest=digest))


def _stands(node: NodeState) -> bool:
    """Whether the node has to stay what it is: it has completed, or something in it may have."""
    return node.status in _STANDS or node.children is not None


def _complaint(state: RunState, old: Node, new: Node | None) -> Complaint:
    status = state.nodes[old.id].status.value
    said = "".join(f"\n    {line}" for line in node_diff(old, new))
    return Complaint(
        message=f"it differs, but is {status} in run {state.run_id}:{said}",
        node=old.id,
        hint=f"Begin it anew: indelible resume {state.run_id} --from {old.id} --definition FILE",
    )


def _rebound(log: Log, state: RunState, definition: Definition) -> Raw | BlobRef | None:
    """The inputs of the run as the definition declares them; None if they stay as they are."""
    given = _inputs(log, state)
    declared = {name: value for name, value in given.items() if name in definition.inputs}
    bound = bind_inputs(definition.inputs, declared)
    return None if bound == given else keep(log.store, log.run_id, values.encode(bound))


def _inputs(log: Log, state: RunState) -> dict[str, values.Json]:
    kept = state.inputs
    raw = log.store.get_blob(log.run_id, kept) if isinstance(kept, BlobRef) else kept
    found = {} if raw is None else values.decode(raw)
    assert isinstance(found, dict)
    return found
