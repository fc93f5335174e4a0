"""From a decision to start a node to all that an executor needs for it."""

from __future__ import annotations

from indelible.definition.model import Composite
from indelible.definition.normal import encode_definition
from indelible.engine.actions import StartNode
from indelible.engine.state import NodeState
from indelible.engine.tree import around
from indelible.executors.port import Attempt
from indelible.plan import Plan
from indelible.runtime.log import Log
from indelible.secrets import mentioned_in


class Attempts:
    """Makes the attempts of one run."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._folder = log.store.folder(log.run_id)
        self._plan: Plan | None = None
        self._secrets: tuple[str, ...] = ()

    def of(self, start: StartNode) -> Attempt:
        """Everything that there is to know to make this attempt; nothing is looked up later."""
        state = self._log.state
        node = state.nodes[start.node_id]
        definition = state.plan.definition
        return Attempt(
            run_id=self._log.run_id,
            node=node.planned.node,
            path=node.id,
            number=start.attempt,
            idempotency_key=f"{self._log.run_id}/{node.id}/{node.resets}",
            files=self._folder,
            folder=(node.parent and _folder_of(node)) or definition.folder,
            arguments=start.arguments,
            env=start.env,
            agent=definition.agent,
            previous_error=node.error,
            secrets=self._mentioned(),
        )

    def _mentioned(self) -> tuple[str, ...]:
        """The secrets that the workflow uses anywhere; found once for each plan."""
        if self._plan is not self._log.plan:
            self._plan = self._log.plan
            self._secrets = mentioned_in(encode_definition(self._plan.definition).decode())
        return self._secrets


def _folder_of(node: NodeState) -> str:
    """The folder of the workflow file that the node stands in, if it is not the main one's."""
    bodies = (parent.node.body for parent in around(node))
    folders = (body.folder for body in bodies if isinstance(body, Composite))
    return next((folder for folder in folders if folder), "")
