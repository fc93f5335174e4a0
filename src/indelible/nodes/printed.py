"""What a command printed, as the output of its node."""

from __future__ import annotations

from indelible import values
from indelible.definition.model import Node, OutputFormat
from indelible.errors import ValueNotJsonError
from indelible.executors.attempt import Control
from indelible.executors.failures import failure

SHOWN = 200
"""Characters of an output that did not parse which the failure shows."""


def printed_output(node: Node, stdout: bytearray, control: Control) -> bytes:
    """``stdout`` as text without its last newline; parsed, if the node says JSON or has a schema.

    Empties ``stdout``.  Raises ``AttemptFailedError``, an OutputError, for what is not JSON.
    """
    if node.output is OutputFormat.JSON or node.output_schema is not None:
        return _as_json(bytes(stdout), control)
    return _as_text(stdout)


def _as_text(stdout: bytearray) -> bytes:
    if stdout.endswith(b"\n"):
        del stdout[-1:]
    text = stdout.decode(errors="replace")
    stdout.clear()  # a hundred megabytes are held three times at most
    return values.encode(text)


def _as_json(stdout: bytes, control: Control) -> bytes:
    try:
        return values.encode(values.decode(stdout))
    except (ValueError, ValueNotJsonError) as error:
        # Masked before it is cut, for half a secret would no longer be found.
        shown = control.redactor.data(stdout)[: 4 * SHOWN].decode(errors="replace")[:SHOWN]
        printed = f"it began with: {shown!r}" if shown.strip() else "nothing was printed"
        raise failure("OutputError", f"stdout is not JSON: {error}; {printed}") from None
