"""``indelible resume --due``: every run for which something has come."""

from __future__ import annotations

from indelible.cli.options import opened
from indelible.cli.streams import put, put_json, say
from indelible.cli.text import one_line
from indelible.engine.status import RunStatus
from indelible.runtime.due import DueRun, resume_due

ERROR = "error"
"""The status of a run that could not be resumed."""


def resume_all(store: str | None, *, as_json: bool) -> int:
    """Resume them and say what was done; 1 if one of them failed or could not be resumed."""
    with opened(store) as log_store:
        done = resume_due(log_store)
    if as_json:
        put_json({"runs": done})
    elif not done:
        say("no run is due")
    else:
        for each in done:
            put(_line(each))
    return int(any(each.status in {RunStatus.FAILED, ERROR} for each in done))


def _line(done: DueRun) -> str:
    why = f" ({one_line(done.why)})" if done.why else ""
    said = f": {one_line(done.error)}" if done.error else ""
    return f"{done.run_id}: {done.status}{why}{said}"
