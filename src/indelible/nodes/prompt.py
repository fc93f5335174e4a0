"""Prompt nodes: an agent is any command that reads a prompt on stdin and answers on stdout."""

from __future__ import annotations

from collections.abc import Sequence

from indelible import values
from indelible.definition.model import Prompt
from indelible.engine.render import PROMPT
from indelible.executors.attempt import Control
from indelible.executors.command import Command, run_command
from indelible.executors.failures import failure
from indelible.executors.port import Attempt
from indelible.nodes.printed import printed_output

CORRECTABLE = frozenset({"OutputError", "SchemaMismatch"})
"""Failures that are about the answer, and not about the agent that gave it."""

CORRECTION = """{prompt}

=== YOUR LAST ANSWER WAS NOT ACCEPTED ===
{problem}
{wanted}Answer the whole prompt above again, without this mistake.
=== END ==="""

WANTED = "The answer is to be nothing but JSON that fits this JSON Schema: {schema}\n"


class PromptKind:
    """Runs ``Prompt`` bodies.  ``agent`` is the command where neither node nor workflow has one."""

    def __init__(self, agent: Sequence[str] = ()) -> None:
        self._agent = tuple(agent)

    def run(self, attempt: Attempt, control: Control) -> bytes:
        """The agent's answer: text, or parsed if the node says JSON or has a schema.

        Raises ``AttemptFailedError``: what ``run_command`` raises, an OutputError for no answer, a
        SpawnError if there is no agent.
        """
        command = Command(
            argv=self._command_of(attempt), stdin=prompt_of(attempt).encode(), keeps_stdout=True
        )
        stdout = run_command(command, attempt, control)
        if not stdout.strip():
            raise failure("OutputError", f"the agent {command.argv[0]} printed nothing")
        return printed_output(attempt.node, stdout, control)

    def _command_of(self, attempt: Attempt) -> Sequence[str]:
        assert isinstance(attempt.body, Prompt)
        command = attempt.body.command or attempt.agent or self._agent
        if not command:
            raise failure(
                "SpawnError",
                "no agent command: set `agent: {command: [...]}` in the node or at the top of the "
                "workflow, or `command` under [agent] in indelible.toml",
            )
        return command


def prompt_of(attempt: Attempt) -> str:
    """The text for the agent; after an answer that was not accepted, with the reason."""
    prompt = str(values.decode(attempt.arguments[PROMPT]))
    error, schema = attempt.previous_error, attempt.node.output_schema
    if error is None or error.type not in CORRECTABLE:
        return prompt
    wanted = "" if schema is None else WANTED.format(schema=values.encode(schema).decode())
    return CORRECTION.format(prompt=prompt, problem=error.message, wanted=wanted)
