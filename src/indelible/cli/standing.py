"""How runs stand, for the verbs that look: who drives them, and what to type if nobody does."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from indelible.cli.options import again
from indelible.cli.text import run_argument_of
from indelible.projections.standing import Standing
from indelible.stores.port import IWorkflowStore

Found = TypeVar("Found")

RESUMABLE = frozenset({Standing.INTERRUPTED, Standing.WAITING, Standing.FAILED})
"""Of runs that nobody drives, those that a resume goes on with."""


def with_driver(store: IWorkflowStore, run_id: str, read: Callable[[], Found]) -> tuple[Found, str]:
    """What ``read`` gives, and who drives the run meanwhile; empty if nobody does.

    It is asked before and after: a drive that ends while the log is read was one when it began, and
    one that begins then explains what was read.
    """
    before = store.driver(run_id)
    found = read()
    return found, before or store.driver(run_id)


def way_on(run_id: str, status: Standing, driver: str, url: str | None) -> str:
    """The command that goes on with the run; empty if there is no need of it."""
    if driver or status not in RESUMABLE:
        return ""
    return again(f"indelible resume {run_argument_of(run_id)}", url)
