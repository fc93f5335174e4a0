"""The logger that ``context().logger`` is.  A module of its own, so that ``logging`` loads late."""

from __future__ import annotations

import logging
from collections.abc import Callable

Write = Callable[[bytes, str], object]
"""Takes bytes and the name of the stream they belong to."""

FORMAT = "%(asctime)s %(levelname)s %(message)s"


def node_logger(node_id: str, write: Write) -> logging.Logger:
    """A logger that nobody else knows: not in the registry, so it ends with its attempt."""
    logger = logging.Logger(f"indelible.node.{node_id}", logging.INFO)
    handler = _Handler(write)
    handler.setFormatter(logging.Formatter(FORMAT))
    logger.addHandler(handler)
    return logger


class _Handler(logging.Handler):
    def __init__(self, write: Write) -> None:
        super().__init__()
        self._write = write

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self.format(record) + "\n"
            self._write(line.encode(errors="backslashreplace"), "stderr")
        except Exception:
            self.handleError(record)
