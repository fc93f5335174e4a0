"""Who, when, and under which name, where nobody handed it in."""

from __future__ import annotations

import os
from datetime import UTC, datetime


def now_utc() -> datetime:
    return datetime.now(UTC)


def this_user() -> str:
    """The person, as far as the machine knows: ``ann on build-7``."""
    name = os.environ.get("USER") or os.environ.get("LOGNAME") or f"uid {os.getuid()}"
    return f"{name} on {os.uname().nodename}"


def new_run_id() -> str:
    """An id that sorts by time: UUID version 7 (RFC 9562)."""
    import uuid

    if hasattr(uuid, "uuid7"):
        return str(uuid.uuid7())
    import uuid_utils

    return str(uuid_utils.uuid7())
