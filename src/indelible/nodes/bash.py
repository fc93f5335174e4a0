"""Bash nodes: a command line, and what it printed is the output."""

from __future__ import annotations

from indelible.definition.model import Bash
from indelible.executors.attempt import Control
from indelible.executors.command import Command, run_command
from indelible.executors.port import Attempt
from indelible.nodes.printed import printed_output

STRICT = ("bash", "-e", "-o", "pipefail", "-c")


class BashKind:
    """Runs ``Bash`` bodies."""

    def run(self, attempt: Attempt, control: Control) -> bytes:
        """What the command printed: as text without its last newline, or parsed as JSON."""
        assert isinstance(attempt.body, Bash)
        command = Command(argv=[*STRICT, attempt.body.command], keeps_stdout=True)
        return printed_output(attempt.node, run_command(command, attempt, control), control)
