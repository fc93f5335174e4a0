"""A log that is appended in two drives, and what must be left of it whatever goes wrong."""

from __future__ import annotations

from contextlib import suppress

from indelible.errors import StoreError
from indelible.stores.port import IWorkflowStore
from indelible.testing.logs import some_log
from tests.faults.layer import KilledError

RUN = "r1"
LOG = some_log(RUN, 7)
DRIVES = (((0, 2), (2, 3)), ((3, 7),))
"""Two claims, and what is appended under each."""


class Trial:
    """What was acknowledged, and what went wrong."""

    def __init__(self) -> None:
        self.acknowledged = 0
        self.error: BaseException | None = None

    def write(self, store: IWorkflowStore) -> None:
        """Append the log until something goes wrong, and close the store."""
        try:
            for batches in DRIVES:
                with store.claim(RUN):
                    for first, last in batches:
                        store.append(RUN, LOG[first:last], expected=first)
                        self.acknowledged = last
        except (StoreError, KilledError) as error:
            self.error = error
        finally:
            with suppress(StoreError, KilledError):
                store.close()

    def assert_kept(self, store: IWorkflowStore) -> None:
        """All that was acknowledged is there, nothing was invented, and the log can go on."""
        with store.claim(RUN):
            found = tuple(store.read(RUN))
            assert len(found) >= self.acknowledged
            assert found == LOG[: len(found)]
            store.append(RUN, LOG[len(found) :], expected=len(found))
            assert tuple(store.read(RUN)) == LOG
        store.close()

    @property
    def is_whole(self) -> bool:
        return self.acknowledged == len(LOG)
