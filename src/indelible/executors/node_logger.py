"""The logger that ``context().logger`` is.  A module of its own, so that ``logging`` loads late."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from indelible.executors.attempt import Sink

FORMAT = "%(asctime)s %(levelname)s %(message)s"


def node_logger(node_id: str, sink: Sink) -> logging.Logger:
    """A logger that nobody else knows: not in the registry, so it ends with its attempt."""
    logger = logging.Logger(f"indelible.node.{node_id}", logging.INFO)
    handler = _SinkHandler(sink)
    handler.setFormatter(logging.Formatter(FORMAT))
    logger.addHandler(handler)
    return logger


class _SinkHandler(logging.Handler):
    def __init__(self, sink: Sink) -> None:
        super().__init__()
        self._sink = sink

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self.format(record) + "\n"
            self._sink.write(line.encode(errors="backslashreplace"), "stderr")
        except Exception:
            self.handleError(record)
