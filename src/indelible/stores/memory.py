"""The reference store: the fastest one, and the one that tests trust.  Gone with its process."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Condition

from indelible.errors import ConflictError, CorruptLogError, HeldError
from indelible.events import BlobRef, Sealed
from indelible.stores import blobs, chain
from indelible.stores.codec import check_run_id


class MemoryStore:
    """Keeps all eight promises of the port, except that nothing outlives the process."""

    def __init__(self) -> None:
        self._logs: dict[str, list[Sealed]] = {}
        self._blobs: dict[tuple[str, BlobRef], bytes] = {}
        self._held: set[str] = set()
        self._folder: Path | None = None
        self._grown = Condition()

    def append(self, run_id: str, events: Sequence[Sealed], *, expected: int) -> None:
        check_run_id(run_id)
        if not events:
            return
        with self._grown:
            log = self._logs.get(run_id, [])
            if len(log) != expected:
                raise ConflictError(run_id, expected=expected, found=len(log))
            end = chain.after(log[-1]) if log else chain.beginning(run_id)
            chain.check_next(events, run_id=run_id, end=end)
            self._logs.setdefault(run_id, log).extend(events)
            self._grown.notify_all()

    def read(self, run_id: str, *, after: int = 0) -> Iterator[Sealed]:
        check_run_id(run_id)
        # What is in here was verified on its way in, and cannot be changed since.
        return iter(self._logs.get(run_id, [])[after:])

    def runs(self) -> Iterable[str]:
        return tuple(self._logs)

    def begun(self) -> Iterable[tuple[str, str]]:
        return tuple((run_id, log[0].timestamp) for run_id, log in self._logs.items())

    @contextmanager
    def claim(self, run_id: str) -> Iterator[None]:
        check_run_id(run_id)
        with self._grown:
            if run_id in self._held:
                raise HeldError(run_id, _this_process())
            self._held.add(run_id)
        try:
            yield
        finally:
            self._held.discard(run_id)

    def driver(self, run_id: str) -> str:
        check_run_id(run_id)
        return _this_process() if run_id in self._held else ""

    def wait(self, run_id: str, *, after: int, timeout: float) -> bool:
        check_run_id(run_id)
        with self._grown:
            return self._grown.wait_for(lambda: len(self._logs.get(run_id, ())) > after, timeout)

    def put_blob(self, run_id: str, content: bytes) -> BlobRef:
        check_run_id(run_id)
        ref = blobs.ref_of(content)
        self._blobs[run_id, ref] = bytes(content)
        return ref

    def get_blob(self, run_id: str, ref: BlobRef) -> bytes:
        check_run_id(run_id)
        content = self._blobs.get((run_id, ref))
        if content is None:
            raise CorruptLogError(f"blob {ref.sha256} is missing", place=f"run {run_id}")
        return content

    def folder(self, run_id: str) -> Path:
        check_run_id(run_id)
        with self._grown:
            if self._folder is None:
                from tempfile import mkdtemp

                self._folder = Path(mkdtemp(prefix="indelible-"))
            return self._folder / run_id

    def close(self) -> None:
        with self._grown:
            folder, self._folder = self._folder, None
        if folder is not None:
            from shutil import rmtree

            rmtree(folder, ignore_errors=True)


def _this_process() -> str:
    return f"pid {os.getpid()}, this process"
