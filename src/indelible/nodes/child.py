"""What a process for Python nodes starts with.  Executed by path; it cannot import ours yet."""

from __future__ import annotations

import json
import sys


def main(request_fd: int, reply_fd: int) -> None:
    """Read the driver's import path and the request, then let ``answer`` do the work."""
    with open(request_fd, "rb") as request:
        sys.path[:] = json.loads(request.readline())
        from indelible.nodes.answer import answer

        answer(request.read(), reply_fd)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
