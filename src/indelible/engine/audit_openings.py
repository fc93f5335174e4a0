"""How an attempt of the run began, held against what a start, a resume or a fork writes.

Part of the audit.  What somebody asked for (``--from``) follows from what the event says was reset
because of it; everything else follows from the state before it.
"""

from __future__ import annotations

from indelible import values
from indelible.definition.inputs import bind_inputs
from indelible.definition.model import Definition
from indelible.definition.normal import decode_definition, digest_of, encode_definition
from indelible.engine.audit_events import Misfit
from indelible.engine.audit_turns import Moment
from indelible.engine.fold import stored
from indelible.engine.outputs import Blobs, bytes_of
from indelible.engine.resume import Resumption, resumption
from indelible.engine.state import RunState
from indelible.errors import DefinitionError, InputError
from indelible.events import NodeCompleted, NodeFailed, NodeSkipped, NodeStarted, WorkflowStarted
from indelible.plan import Plan, make_plan
from indelible.version import __version__

NodeEvent = NodeStarted | NodeCompleted | NodeFailed | NodeSkipped


def plan_in(event: WorkflowStarted, blobs: Blobs) -> Plan | None:
    """The plan of the definition that the run has from here on; None if it stays as it is.

    Raises ``Misfit`` if it is none, or has another digest; ``BlobsNeeded`` if it is beside the log.
    """
    kept = stored(event.definition, event.definition_blob)
    if kept is None:
        return None
    recorded = bytes_of(kept, blobs)
    if event.definition_digest != digest_of(recorded):
        raise Misfit("its definition_digest is that of another definition")
    try:
        return make_plan(decode_definition(recorded))
    except (ValueError, DefinitionError) as error:
        raise Misfit(f"it holds no definition: {error}") from None


def check_opening(event: WorkflowStarted, plan: Plan, moment: Moment, blobs: Blobs) -> None:
    """What any opening says of the definition that the run goes on with.  Raises ``Misfit``."""
    definition = plan.definition
    # Another version may have written the same definition in other bytes.
    if event.engine == __version__ and event.definition_digest not in _digests(event, definition):
        raise Misfit("its definition_digest is that of another definition")
    if event.workflow != definition.name:
        raise Misfit(f"it names the workflow {event.workflow}, which is {definition.name}")
    if (definition.timeout is None or event.forked_from) and event.deadline is not None:
        raise Misfit("it has a deadline, but there is no timeout")
    if definition.timeout is not None and event.forked_from is None:
        latest = moment.at + definition.timeout
        if event.deadline is None or event.deadline > latest:
            raise Misfit(f"its deadline is not {definition.timeout} after it")
        if moment.is_exact and event.deadline != latest:
            raise Misfit(f"its deadline is not {definition.timeout} after it")
    kept = stored(event.inputs, event.inputs_blob)
    if kept is not None:
        _check_inputs(definition, bytes_of(kept, blobs))


def check_resume(state: RunState, event: WorkflowStarted, plan: Plan | None) -> None:
    """What a resume takes up again.  Raises ``Misfit``.

    ``plan`` is the one that it brings, None if the definition stays.
    """
    if event.forked_from is not None:
        raise Misfit("only the first event of a run says that it was forked")
    replaced: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    if plan is not None:
        replaced, changed = _differences(state, plan.definition)
    if set(event.changed) != set(changed):
        raise Misfit(f"it lists {_listed(event.changed)} as changed, not {_listed(changed)}")
    unknown = [name for name in event.reset_explicitly if name not in state.nodes]
    if unknown:
        raise Misfit(f"it resets {unknown[0]}, which is not a node")
    again = resumption(state, event.reset_explicitly, replaced)
    for field in Resumption.__struct_fields__:
        found, wanted = set(getattr(event, field)), set(getattr(again, field))
        if found != wanted:
            raise Misfit(f"it lists {_listed(found)} as {field}, not {_listed(wanted)}")


def check_taken_over(event: NodeEvent) -> None:
    """What a fork took over: final outcomes, of first attempts.  Raises ``Misfit``.

    Whether they follow from each other is not looked at: a node may have been made again after one
    that depends on it.
    """
    if not isinstance(event, NodeSkipped) and event.attempt != 1:
        raise Misfit(f"a fork takes over attempt {event.attempt} of {event.node_id}, not 1")
    if isinstance(event, NodeFailed) and event.retry_at is not None:
        raise Misfit(f"a fork takes over a failure of {event.node_id} that was not final")


def _digests(event: WorkflowStarted, definition: Definition) -> tuple[str, ...]:
    """What the digest of the definition may be; that of one in the event is checked already."""
    if stored(event.definition, event.definition_blob) is not None:
        return (event.definition_digest,)
    return (digest_of(encode_definition(definition)),)


def _check_inputs(definition: Definition, raw: bytes) -> None:
    given = values.decode(raw)
    try:
        bound = bind_inputs(definition.inputs, given) if isinstance(given, dict) else None
    except InputError as error:
        raise Misfit(f"its inputs do not fit: {error.problem}") from None
    if bound is None or bound != given:
        raise Misfit("its inputs are not those that the workflow declares")


def _differences(
    state: RunState, definition: Definition
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Nodes that had begun and differ or are gone, and nodes that differ or are new."""
    old = {node.id: node for node in state.plan.definition.nodes}
    new = {node.id: node for node in definition.nodes}
    differing = (name for name, node in old.items() if new.get(name) != node)
    replaced = tuple(name for name in differing if state.nodes[name].is_begun)
    return replaced, tuple(name for name, node in new.items() if old.get(name) != node)


def _listed(names: object) -> str:
    assert isinstance(names, set | tuple)
    return ", ".join(sorted(names)) or "none"
