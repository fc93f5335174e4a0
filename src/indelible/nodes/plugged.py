"""Nodes of kinds that other packages add: in a thread, on the loop thread, or in a process."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import msgspec

from indelible import values
from indelible.definition.model import Plugged
from indelible.definition.plugged import PluggedKind, load_kind
from indelible.definition.shapes import UnfitError
from indelible.executors.attempt import Context, Control, Work, context
from indelible.executors.failures import failure
from indelible.executors.port import Attempt
from indelible.nodes.edge import Edge
from indelible.nodes.isolated import needs_process, run_isolated


class Loaded(msgspec.Struct, frozen=True):
    """A kind, and how its function is called."""

    kind: PluggedKind
    edge: Edge

    def call(self, node_id: str, body: Plugged, filled: Mapping[str, bytes]) -> Work:
        """Call it; ``filled`` are the fields with templates, as JSON."""
        given = {**body.fields, **{name: values.decode(raw) for name, raw in filled.items()}}
        return self.edge.begin(node_id, partial(self._run, context(), given))

    def _run(self, running: Context, given: object) -> object:
        try:
            # In here and not before: what is filled in may be wrong, and is the node's failure.
            fields = msgspec.convert(given, self.kind.fields, strict=True)
        except msgspec.ValidationError as error:
            raise failure("TypeError", f"fields of {self.kind.name}: {error}") from None
        return self.kind.run(running, fields)


def load(body: Plugged) -> Loaded:
    """The kind of ``body``.  Raises ``AttemptFailedError``, an ImportError, if it is not there."""
    try:
        kind = load_kind(body.name)
    except UnfitError as error:
        raise failure("ImportError", f"`{body.name}` {error.problem}") from error
    return Loaded(kind, Edge(kind.run))


class PluggedNodes:
    """Runs ``Plugged`` bodies."""

    def __init__(self) -> None:
        self._loaded: dict[str, Loaded] = {}

    def run(self, attempt: Attempt, control: Control) -> Work:
        """What the kind's function gives, as JSON; a coroutine for an ``async def``."""
        body = attempt.body
        assert isinstance(body, Plugged)
        loaded = self._loaded.get(body.name)
        if loaded is None:
            loaded = self._loaded[body.name] = load(body)
        # A thread cannot be stopped.
        is_limited = attempt.node.timeout is not None and not loaded.edge.is_async
        if is_limited or needs_process(attempt):
            return run_isolated(attempt, control)
        return loaded.call(attempt.node_id, body, attempt.arguments)
