"""Which run is meant: a whole id, the beginning of one, or ``latest``."""

from __future__ import annotations

from indelible.errors import CorruptLogError, NotFoundError, StoreError, UsageError
from indelible.runtime.identity import LATEST
from indelible.stores.port import IWorkflowStore

MOST_LISTED = 10


def find_run(store: IWorkflowStore, text: str) -> str:
    """The id of the run that ``text`` names.

    A whole id wins over a prefix, and over the word ``latest``: the run that started last, of those
    that can be read.  Raises ``NotFoundError`` if there is none, ``UsageError`` if a prefix fits
    several or is no id.
    """
    if _exists(store, text):
        return text
    if text == LATEST:
        return _latest(store)
    known = sorted(store.runs())
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


def newest_first(store: IWorkflowStore) -> list[str]:
    """All runs, by when they started; those of which that is not known come last."""
    begun = sorted(((timestamp, name) for name, timestamp in store.begun()), reverse=True)
    return [name for _, name in begun]


def _exists(store: IWorkflowStore, text: str) -> bool:
    try:
        return next(iter(store.read(text)), None) is not None
    except CorruptLogError:
        return True  # whoever asked for it is to be told what is wrong with it


def _latest(store: IWorkflowStore) -> str:
    known = newest_first(store)
    if not known:
        raise NotFoundError("there are no runs yet", hint="Start one: indelible run FILE")
    # If none can be read, whoever asked is to be told why.
    return next((name for name in known if _is_readable(store, name)), known[0])


def _is_readable(store: IWorkflowStore, run_id: str) -> bool:
    """Whether its first event can be verified."""
    try:
        return next(iter(store.read(run_id)), None) is not None
    except (CorruptLogError, StoreError):
        return False


def _hint(text: str, known: list[str]) -> str:
    if not known:
        return "The store is empty; --store or $INDELIBLE_STORE names another."
    from indelible.definition.wording import did_you_mean

    return did_you_mean(text, known, what="See them all with indelible list. Some of them")
