"""The end of a copy of a process that a node made with ``os.fork()`` and let run on.

A program that forks goes on twice, and ours would give two answers.  The copy ends as the program
of its author would have ended: with the exit code that its exception means.
"""

from __future__ import annotations

import os
import sys
import traceback
from contextlib import suppress
from io import TextIOWrapper
from typing import NoReturn


def leave() -> NoReturn:
    """End this process now, with the exception that is on its way, if there is one, told."""
    error = sys.exc_info()[1]
    code = 0
    if isinstance(error, SystemExit):
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
    elif error is not None:
        code = 1
        traceback.print_exc()
    for stream in (sys.stdout, sys.stderr):
        # In a driver they are others, which may hold what the driver will write itself.
        if isinstance(stream, TextIOWrapper):
            with suppress(OSError, ValueError):
                stream.flush()
    os._exit(code)
