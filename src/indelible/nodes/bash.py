"""Bash nodes: a command line, and what it printed is the output."""

from __future__ import annotations

from indelible import values
from indelible.definition.model import Bash, OutputFormat
from indelible.errors import ValueNotJsonError
from indelible.executors.attempt import Control
from indelible.executors.command import Command, run_command
from indelible.executors.failures import failure
from indelible.executors.port import Attempt

STRICT = ("bash", "-e", "-o", "pipefail", "-c")

SHOWN = 200
"""Characters of an output that did not parse which the failure shows."""


class BashKind:
    """Runs ``Bash`` bodies."""

    def run(self, attempt: Attempt, control: Control) -> bytes:
        """What the command printed: as text without its last newline, or parsed as JSON."""
        assert isinstance(attempt.body, Bash)
        command = Command(argv=[*STRICT, attempt.body.command], keeps_stdout=True)
        stdout = run_command(command, attempt, control)
        if attempt.node.output is OutputFormat.JSON:
            return _as_json(bytes(stdout))
        return _as_text(stdout)


def _as_text(stdout: bytearray) -> bytes:
    if stdout.endswith(b"\n"):
        del stdout[-1:]
    text = stdout.decode(errors="replace")
    stdout.clear()  # a hundred megabytes are held three times at most
    return values.encode(text)


def _as_json(stdout: bytes) -> bytes:
    try:
        return values.encode(values.decode(stdout))
    except (ValueError, ValueNotJsonError) as error:
        shown = stdout[: 4 * SHOWN].decode(errors="replace")[:SHOWN]
        printed = f"it began with: {shown!r}" if shown.strip() else "nothing was printed"
        raise failure("OutputError", f"stdout is not JSON: {error}; {printed}") from None
