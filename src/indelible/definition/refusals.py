"""Fields that all nodes have and that make no sense for some kinds, with what to do instead."""

from __future__ import annotations

from collections.abc import Mapping

Refusals = Mapping[str, str]
"""By the field's name in the model."""

_INSIDE = "Give it to the nodes inside, which do the work."
_ATTEMPTS = ("retry", "timeout", "grace", "on_interrupt", "max_interruptions")
_PLACE = ("cwd", "executor")

OF_BASH: Refusals = {
    "with_": 'Use `env`, and "$NAME" in the command.',
    "executor": "A command always runs in a process of its own.",
}

OF_SCRIPT: Refusals = {"executor": "A script always runs in a process of its own."}

OF_PROMPT: Refusals = {
    "executor": "An agent always runs in a process of its own.",
    "with_": "Write `${{ }}` in the prompt itself.",
}

OF_PLUGGED: Refusals = {
    "with_": "Write `${{ }}` in the fields of the kind itself.",
    "output": "Its output is what the kind gives.",
}

_OF_CONTAINERS: Refusals = dict.fromkeys((*_ATTEMPTS, *_PLACE), _INSIDE)

OF_NODES: Refusals = {
    **_OF_CONTAINERS,
    "env": _INSIDE,
    "with_": "The nodes inside see what it sees: inputs.NAME, and nodes.ID.output upstream of it.",
    "output": "Name the node inside whose output it has: `returns`.",
}

OF_WORKFLOW: Refusals = {
    **_OF_CONTAINERS,
    "env": "Hand it over as an input: `with`; and use `env` in that file.",
    "output": "Declare `outputs` in that file.",
}

_OF_WAITING: Refusals = {
    **dict.fromkeys((*_ATTEMPTS, *_PLACE, "env", "with_"), "Nothing runs here: leave it out."),
    "output_schema": "Check the value where it is used.",
}

OF_WAIT: Refusals = {**_OF_WAITING, "output": "A wait has no output: leave it out."}

OF_APPROVAL: Refusals = {
    **_OF_WAITING,
    "output": "Its output is the answer: leave it out.",
    "output_schema": "Describe what comes with the answer: approval: {…, answer_schema: …}.",
}
