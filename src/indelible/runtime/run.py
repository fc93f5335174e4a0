"""A run as Python code sees it: a snapshot of what its log said when it was read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Raw

from indelible import values
from indelible.engine.outputs import BlobsNeeded, output_of
from indelible.engine.state import NodeState, RunState
from indelible.errors import NotFoundError, UsageError
from indelible.events import BlobRef, NodeError, Sealed
from indelible.expressions import Missing
from indelible.runtime.log import open_log
from indelible.stores.port import IWorkflowStore
from indelible.values import Json


class NodeRun:
    """One node of a run.  ``attempt`` is 0 for a node that never started."""

    def __init__(self, run: Run, state: NodeState) -> None:
        self._run = run
        self._state = state
        self.id = state.id
        self.status = state.status.value
        self.attempt = state.attempt
        self.error: NodeError | None = state.error

    @property
    def output(self) -> Json:
        """The node's output, None if it has none; decoded from the log each time."""
        return self._run.output_of(self._state)

    def __repr__(self) -> str:
        return f"<NodeRun {self.id}: {self.status}>"


class Run:
    """One run.  Nothing in here changes when the run goes on; ``get_run`` gives a new one."""

    def __init__(self, store: IWorkflowStore, state: RunState) -> None:
        self._store = store
        self._state = state
        self.id = state.run_id
        self.status = state.status.value
        self.attempt = state.attempt
        self.error: NodeError | None = state.error

    @property
    def inputs(self) -> Json:
        return self.value(self._state.inputs)

    @property
    def outputs(self) -> Json:
        """The outputs that the workflow declares; None if it declares none or has not completed."""
        return self.value(self._state.outputs)

    @property
    def nodes(self) -> Mapping[str, NodeRun]:
        """Every node by its id, in definition order."""
        return {name: NodeRun(self, node) for name, node in self._state.nodes.items()}

    def node(self, node_id: str) -> NodeRun:
        """Raises ``NotFoundError`` if the workflow has no such node."""
        state = self._state.nodes.get(node_id)
        if state is None:
            raise NotFoundError(f"run {self.id} has no node {node_id!r}")
        return NodeRun(self, state)

    def events(self) -> Iterator[Sealed]:
        """The log itself, verified, as it is now."""
        return self._store.read(self.id)

    def output_of(self, node: NodeState) -> Json:
        """The output of a node, a container's put together from those inside it."""
        blobs: dict[str, bytes] = {}
        while True:
            try:
                return values.decode(output_of(node, blobs))
            except BlobsNeeded as needed:
                for ref in needed.refs:
                    blobs[ref.sha256] = self._store.get_blob(self.id, ref)
            except Missing:
                return None

    def value(self, kept: Raw | BlobRef | None) -> Json:
        """What a stored value is; blobs are loaded and checked."""
        if kept is None:
            return None
        raw = self._store.get_blob(self.id, kept) if isinstance(kept, BlobRef) else kept
        return values.decode(raw)

    def __repr__(self) -> str:
        return f"<Run {self.id}: {self.status}>"


def get_run(store: IWorkflowStore, run_id: str) -> Run:
    """The run as its log says now.  Raises ``NotFoundError`` if there is no such run."""
    if not hasattr(store, "read"):  # nobody is held to the types that a function names
        raise UsageError(
            f"{store!r} is no store", hint="Open it: get_run(open_store(URL), run_id)."
        )
    return Run(store, open_log(store, run_id).state)
