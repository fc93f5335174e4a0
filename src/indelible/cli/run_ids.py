"""Which run is meant: a whole id, the beginning of one, or ``latest``."""

from __future__ import annotations

from indelible.errors import CorruptLogError, NotFoundError, UsageError
from indelible.runtime.identity import LATEST
from indelible.stores.port import IWorkflowStore

MOST_LISTED = 10


def find_run(store: IWorkflowStore, text: str) -> str:
    """The id of the run that ``text`` names.

    A whole id wins over a prefix, and over the word ``latest``: the run that started last.  Raises
    ``NotFoundError`` if there is none, ``UsageError`` if a prefix fits several or is no id.
    """
    if _exists(store, text):
        return text
    known = sorted(store.runs())
    if text == LATEST:
        return _latest(store, known)
    fitting = [name for name in known if name.startswith(text)]
    if len(fitting) == 1:
        return fitting[0]
    if not fitting:
        raise NotFoundError(f"there is no run {text}", hint=_hint(text, known))
    listed = fitting[:MOST_LISTED]
    more = len(fitting) - len(listed)
    raise UsageError(
        f"{text} is the beginning of {len(fitting)} runs",
        hint="Which one?\n" + "\n".join(listed) + (f"\nand {more} more" if more else ""),
    )


def started_at(store: IWorkflowStore, run_id: str) -> str:
    """The timestamp of the first event, which sorts as text; empty if it cannot be read."""
    try:
        first = next(iter(store.read(run_id)), None)
    except CorruptLogError:
        return ""
    return "" if first is None else first.timestamp


def _exists(store: IWorkflowStore, text: str) -> bool:
    try:
        return next(iter(store.read(text)), None) is not None
    except CorruptLogError:
        return True  # whoever asked for it is to be told what is wrong with it


def _latest(store: IWorkflowStore, known: list[str]) -> str:
    if not known:
        raise NotFoundError("there are no runs yet", hint="Start one: indelible run FILE")
    return max(known, key=lambda name: (started_at(store, name), name))


def _hint(text: str, known: list[str]) -> str:
    if not known:
        return "The store is empty; --store or $INDELIBLE_STORE names another."
    from indelible.definition.wording import did_you_mean

    return did_you_mean(text, known, what="See them all with indelible list. Some of them")
