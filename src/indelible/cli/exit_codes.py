"""What exit codes mean, and which of them a verb can end with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

MEANINGS: Mapping[int, str] = {
    0: "done; of a drive: the run completed",
    1: "the run failed",
    2: "usage: the command makes no sense as given",
    3: "the workflow or an input is wrong",
    4: "there is no such run, node or file",
    5: "only waiting is left",
    6: "the run was cancelled",
    7: "another process drives the run",
    8: "the log is damaged",
    9: "the store, or stdout, cannot be read or written",
    130: "interrupted; the run can be resumed",
}

_READING = (0, 2, 4, 8, 9, 130)
_WRITING = (0, 2, 4, 8, 9)
_DRIVING = (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 130)

OF_VERB: Mapping[str, tuple[int, ...]] = {
    "run": (0, 1, 2, 3, 4, 5, 6, 7, 9, 130),
    "resume": _DRIVING,
    "approve": _WRITING,
    "reject": _WRITING,
    "cancel": _WRITING,
    "fork": _DRIVING,
    "list": (0, 2, 9),
    "show": _READING,
    "explain": _READING,
    "diff": _READING,
    "events": _READING,
    "logs": _READING,
    "graph": (0, 2, 3, 4, 8, 9),
    "validate": (0, 2, 3, 4, 9),
    "verify": (0, 2, 4, 8, 9),
    "repair": (0, 2, 4, 7, 8, 9),
    "export": _WRITING,
    "import": (0, 2, 4, 8, 9),
    "copy": _WRITING,
    "schema": (0, 2, 9),
    "completion": (0, 2, 9),
}


def table(codes: Iterable[int] = MEANINGS) -> str:
    """One line a code, for a help text."""
    return "\nExit codes:\n" + "".join(f"{code:>5}  {MEANINGS[code]}\n" for code in codes)
