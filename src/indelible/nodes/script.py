"""Script nodes: inline Python, in a process of its own."""

from __future__ import annotations

from indelible.executors.attempt import Control
from indelible.executors.port import Attempt
from indelible.nodes.isolated import run_isolated


class ScriptKind:
    """Runs ``Script`` bodies: arguments are variables, the variable ``output`` is the result."""

    def run(self, attempt: Attempt, control: Control) -> bytes:
        """What the script left in ``output``; null if nothing."""
        return run_isolated(attempt, control)
