"""How a drive ended: the document, the words, the exit code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from msgspec import Raw

from indelible.cli.options import again
from indelible.cli.progress import Progress
from indelible.cli.streams import put_json, put_line, say
from indelible.cli.text import run_argument_of, span, tally, visible
from indelible.engine.state import NodeState, RunState
from indelible.engine.status import RunStatus
from indelible.events import BlobRef
from indelible.executors.files import log_path
from indelible.stores.port import IWorkflowStore

EXIT_CODES: Mapping[RunStatus, int] = {
    RunStatus.COMPLETED: 0,
    RunStatus.FAILED: 1,
    RunStatus.CANCELLED: 6,
}

MOST_TOLD = 10
"""Failed nodes that are told one by one."""

LONGEST_MESSAGE = 2000
"""Characters of a failure's message; ``show`` has all of it."""


def finish(
    store: IWorkflowStore, state: RunState, progress: Progress, *, url: str | None, as_json: bool
) -> int:
    """Outputs on stdout, the story on stderr; the exit code."""
    say(_headline(state, progress))
    for node in _failed(state)[:MOST_TOLD]:
        _tell(store, state, node)
    rest = len(state.failed) - MOST_TOLD
    if rest > 0:
        say(f"  and {rest} more")
    if state.status is RunStatus.FAILED:
        say(f"Go on: {again(f'indelible resume {run_argument_of(state.run_id)}', url)}")
    outputs = loaded(store, state.run_id, state.outputs)
    if as_json:
        put_json({**document(state), "outputs": outputs})
    elif outputs is not None:
        put_line(bytes(outputs))
    return EXIT_CODES[state.status]


def document(state: RunState) -> dict[str, object]:
    """The run as data, without its outputs."""
    return {
        "run_id": state.run_id,
        "workflow": state.plan.definition.name,
        "status": state.status.value,
        "attempt": state.attempt,
        "nodes": Counter(node.status.value for node in state.nodes.values()),
        "failed": [
            {"node_id": node.id, "attempt": node.attempt, "error": node.error}
            for node in _failed(state)
        ],
        "error": state.error,
    }


def loaded(store: IWorkflowStore, run_id: str, kept: Raw | BlobRef | None) -> Raw | None:
    """The JSON of a value, wherever it is kept."""
    return Raw(store.get_blob(run_id, kept)) if isinstance(kept, BlobRef) else kept


def _failed(state: RunState) -> list[NodeState]:
    return [state.nodes[name] for name in state.failed]


def _headline(state: RunState, progress: Progress) -> str:
    nodes = Counter(node.status.value for node in state.nodes.values())
    if progress.began is None or progress.ended is None:
        return f"run {state.run_id} has {state.status.value} already; nothing is left to do"
    seconds = (progress.ended - progress.began).total_seconds()
    said = f"{state.status.value}: {tally(nodes)} in {span(seconds)}"
    error = state.error
    # That nodes failed is told node by node; anything else that ended the run is told here.
    if error is not None and not state.failed:
        said += f"\n  {visible(f'{error.type}: {error.message}')}"
    return said


def _tell(store: IWorkflowStore, state: RunState, node: NodeState) -> None:
    error = node.error
    if error is None:
        return
    message = error.message
    if len(message) > LONGEST_MESSAGE:
        message = message[:LONGEST_MESSAGE] + "…"
    lines = visible(f"{node.id}: {error.type}: {message.strip()}").splitlines()
    say("\n".join(["  " + lines[0], *(f"      {line}" for line in lines[1:])]))
    path = log_path(store.folder(state.run_id), node.id, node.attempt)
    if path.exists():
        say(f"      log: {path}")
