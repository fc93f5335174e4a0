"""How a failure of an attempt becomes an error in the log: named, redacted, bounded, valid UTF-8.

Bounded comes last: half a secret is no longer found, and is still half a secret too much.
"""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType

from msgspec.structs import replace

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
        NodeError(type=type, message=valid_text(message), exit_code=exit_code)
    )


def error_of(exception: BaseException) -> NodeError:
    """What there is to say about an exception that left a node, at whatever length."""
    if isinstance(exception, AttemptFailedError):
        return exception.error
    kind = type(exception)
    return NodeError(
        type=valid_text(kind.__name__),
        message=valid_text(_message(exception)),
        traceback=_traceback(exception),
        bases=tuple(valid_text(base.__name__) for base in kind.__mro__[1:-1]),
    )


def publishable(error: NodeError, redact: Callable[[str], str]) -> NodeError:
    """``error`` as the log may keep it."""
    trace = None if error.traceback is None else redact(error.traceback)
    if trace is not None and len(trace) > MAX_TRACEBACK:
        trace = "…" + trace[-MAX_TRACEBACK:]
    return replace(
        error,
        type=redact(error.type),
        message=bounded(redact(error.message), MAX_MESSAGE),
        traceback=trace,
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
    return valid_text(text)


def _is_ours(frame: TracebackType) -> bool:
    return str(frame.tb_frame.f_globals.get("__name__", "")).startswith(_OURS)
