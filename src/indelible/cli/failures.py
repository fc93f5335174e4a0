"""How an error becomes words on stderr, a document on stdout, and an exit code."""

from __future__ import annotations

import re
import sys
from contextlib import suppress
from shlex import quote

import click

from indelible.cli.streams import put_json, say
from indelible.cli.text import visible
from indelible.errors import (
    DefinitionError,
    IndelibleError,
    InputError,
    ResultLostError,
    WaitingError,
)

BUG = "this is a bug in Indelible, not in what you did"
BUG_HINT = "Please report it with the lines above.  What was acknowledged is in the log."


_COMMAND = re.compile(
    r"indelible (?:approve|cancel|events|list|repair|resume|show|verify)\b(?: [^\s(),]+?)*"
    r"(?=[.,)]*(?:\s+[A-Z]|[),]|\s*$))",
    re.MULTILINE,
)
"""A command that a hint tells to type, up to the sentence's end."""


def report(error: Exception, *, as_json: bool, store: str | None = None) -> int:
    """Say what went wrong; with ``as_json`` also as a document.  Returns the exit code.

    ``store`` is what ``--store`` said; commands in hints need it too.
    """
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        say(error.format_message())
        return error.exit_code
    told = document(error)
    told["hint"] = as_typed(str(told["hint"]), store, run_id=str(told.get("run_id", "")))
    if not isinstance(error, IndelibleError | click.ClickException):
        sys.excepthook(type(error), error, error.__traceback__)
    for problem in problems(error):
        say(visible(problem) if isinstance(error, WaitingError) else f"error: {visible(problem)}")
    if told["hint"]:
        say(_indented(visible(str(told["hint"]))))
    if as_json:
        # Who cannot read the document has the words above.
        with suppress(OSError, ResultLostError):
            put_json({"error": told})
    code = told["exit_code"]
    return code if isinstance(code, int) else 1


def as_typed(hint: str, store: str | None, *, run_id: str = "") -> str:
    """``hint`` with its commands as they must be typed: for this ``store``, and where ``run_id``
    looks like an option, behind ``--``."""

    def typed(found: re.Match[str]) -> str:
        words = found[0].split(" ")
        more = [] if store is None else ["--store", quote(store)]
        if not run_id.startswith("-") or words[2:3] != [run_id]:
            return " ".join([*words, *more])
        options = next((n for n, word in enumerate(words) if word.startswith("--")), len(words))
        return " ".join([*words[:2], *words[options:], *more, "--", *words[2:options]])

    return _COMMAND.sub(typed, hint)


def document(error: Exception) -> dict[str, object]:
    """``type``, ``message``, ``hint``, ``exit_code``, and whatever else the error knows."""
    if isinstance(error, IndelibleError):
        parts = {name: part for name, part in vars(error).items() if name[0] != "_"}
        message = parts.pop("problem")
        code = error.exit_code
    elif isinstance(error, click.ClickException):
        message, code = _sentence(error.format_message()), 2
        parts = {"hint": _try_help(error)}
    else:
        message, code = f"{BUG}: {type(error).__name__}: {error}", 1
        parts = {"hint": BUG_HINT}
    return {"type": type(error).__name__, "message": message, "exit_code": code, **parts}


def problems(error: Exception) -> list[str]:
    """One text for each thing that is wrong."""
    match error:
        case DefinitionError():
            return [str(complaint) for complaint in error.complaints]
        case InputError():
            return list(error.problems)
        case _:
            return [str(document(error)["message"])]


def _try_help(error: click.ClickException) -> str:
    context = getattr(error, "ctx", None)
    return f"Try: {context.command_path} --help" if context is not None else ""


def _sentence(message: str) -> str:
    """Click's words, begun as ours begin."""
    return message[:1].lower() + message[1:] if message[1:2].islower() else message


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())
