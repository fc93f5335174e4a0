"""Who, when, and under which name, where nobody handed it in."""

from __future__ import annotations

import os
from datetime import UTC, datetime

from indelible.errors import UsageError
from indelible.stores.codec import check_run_id

LATEST = "latest"
"""What the command line calls the run that started last."""


def now_utc() -> datetime:
    return datetime.now(UTC)


def this_user() -> str:
    """The person, as far as the machine knows: ``ann on build-7``."""
    name = os.environ.get("USER") or os.environ.get("LOGNAME") or f"uid {os.getuid()}"
    return f"{name} on {os.uname().nodename}"


def id_of_new_run(given: str | None) -> str:
    """``given``, or one of our own for None.  Raises ``UsageError`` for what can be none."""
    if given is None:
        return new_run_id()
    if given == LATEST:
        raise UsageError(
            f"no run can be called {LATEST!r}",
            hint="On the command line it stands for the run that started last.",
        )
    return check_run_id(given)


def new_run_id() -> str:
    """An id that sorts by time: UUID version 7 (RFC 9562)."""
    import uuid

    if hasattr(uuid, "uuid7"):
        return str(uuid.uuid7())
    import uuid_utils

    return str(uuid_utils.uuid7())
