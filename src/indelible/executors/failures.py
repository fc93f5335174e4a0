"""How a failure of an attempt becomes an error in the log: named, bounded, valid UTF-8."""

from __future__ import annotations

from types import TracebackType

from indelible.errors import IndelibleError
from indelible.events import NodeError

MAX_MESSAGE = 16 * 1024
"""Characters of a message that the log keeps, from its start."""

MAX_TRACEBACK = 32 * 1024
"""Characters of a traceback that the log keeps, from its end, where the cause is."""

_OURS = (__name__.partition(".")[0] + ".executors.", __name__.partition(".")[0] + ".nodes.")


class AttemptFailedError(Exception):
    """Raised by a node kind: the attempt failed, and ``error`` is what the log shall say."""

    def __init__(self, error: NodeError) -> None:
        super().__init__(f"{error.type}: {error.message}")
        self.error = error


def failure(type: str, message: str, *, exit_code: int | None = None) -> AttemptFailedError:
    """A failure that is not a Python exception of the node's own: ExitCode, Timeout, …"""
    return AttemptFailedError(
        NodeError(type=type, message=bounded(message, MAX_MESSAGE), exit_code=exit_code)
    )


def error_of(exception: BaseException) -> NodeError:
    """What the log says about an exception that left a node."""
    if isinstance(exception, AttemptFailedError):
        return exception.error
    kind = type(exception)
    return NodeError(
        type=valid_text(kind.__name__),
        message=bounded(_message(exception), MAX_MESSAGE),
        traceback=_traceback(exception),
        bases=tuple(valid_text(base.__name__) for base in kind.__mro__[1:-1]),
    )


def bounded(text: str, limit: int) -> str:
    """The start of ``text``, valid UTF-8, with a word about what was left out."""
    if len(text) > limit:
        text = f"{text[:limit]}… ({len(text) - limit} more characters)"
    return valid_text(text)


def valid_text(text: str) -> str:
    """``text`` with lone surrogates spelled out, so that any store can keep it."""
    return text.encode(errors="backslashreplace").decode()


def _message(exception: BaseException) -> str:
    try:
        return str(exception) or type(exception).__name__
    except Exception as broken:
        return f"(its message cannot be read: {type(broken).__name__})"


def _traceback(exception: BaseException) -> str | None:
    """The traceback from the first frame that is the author's; None if there is no such frame."""
    frames = exception.__traceback__
    while frames is not None and _is_ours(frames):
        frames = frames.tb_next
    if frames is None or isinstance(exception, IndelibleError):
        return None
    import traceback

    text = "".join(traceback.format_exception(type(exception), exception, frames)).rstrip("\n")
    if len(text) > MAX_TRACEBACK:
        text = "…" + text[-MAX_TRACEBACK:]
    return valid_text(text)


def _is_ours(frame: TracebackType) -> bool:
    return str(frame.tb_frame.f_globals.get("__name__", "")).startswith(_OURS)
