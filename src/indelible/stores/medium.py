"""What a store keeps its logs in, checked as a whole: for those that can be damaged as a whole."""

from __future__ import annotations

from typing import Protocol, runtime_checkable


@runtime_checkable
class Checkable(Protocol):
    """A store with more to check than its logs."""

    def check(self) -> None:
        """Raise ``CorruptLogError`` if what the logs are kept in is damaged, or not as made."""
        ...


def check_medium(store: object) -> None:
    """Check what ``store`` keeps its logs in, if there is anything to check.

    Raises ``CorruptLogError``, and ``StoreError`` if it cannot be read.
    """
    if isinstance(store, Checkable):
        store.check()
