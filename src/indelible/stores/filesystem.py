"""Runs as directories: ``{root}/{run_id}/events.jsonl``, one event a line, readable by ``jq``.

    {root}/{run_id}/events.jsonl           the log
    {root}/{run_id}/head                   how far it is known to be durable; also the append lock
    {root}/{run_id}/driver.lock            the claim
    {root}/{run_id}/blobs/{sha256}         values over 64 KiB
    {root}/{run_id}/logs/                  what the nodes printed

A directory without one complete event is not a run: it is not listed, and may be taken over.
"""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

from indelible.errors import CorruptLogError, NotFoundError, StoreError, UsageError
from indelible.events import BlobRef, Sealed
from indelible.stores import disk
from indelible.stores.blobs import BlobFolder
from indelible.stores.codec import MAX_LINE, check_run_id, time_in
from indelible.stores.durability import FULL, Durability
from indelible.stores.head import Head, head_at
from indelible.stores.place import check_root
from indelible.stores.port import TornTailWarning
from indelible.stores.scan import Position, Scan, start_of
from indelible.stores.syncer import SYNC_INTERVAL, Syncer
from indelible.stores.writer import HEAD_NAME, LOCK_NAME, LOG_NAME, LogWriter, headless

FIRST_PAUSE, LONGEST_PAUSE = 0.005, 0.1
"""Seconds between two looks at a log that is waited for; they double from one to the other."""

GLANCE = 4096
"""Bytes of a log that are read to see when it began; most first events are no longer."""


class FilesystemStore:
    """The default store.  ``root`` is made when the first run is.  Keeps ``IWorkflowStore``."""

    def __init__(self, root: Path | str, *, durability: Durability = FULL) -> None:
        self.root = Path(os.path.abspath(root))
        if self.root.exists() and not self.root.is_dir():
            raise StoreError(
                f"{self.root}: not a directory",
                hint="A store is a directory; for SQLite write sqlite:///path/to/file.db",
            )
        self._durability = durability
        self._syncer = Syncer(durability.interval or SYNC_INTERVAL)
        self._writers: dict[str, LogWriter] = {}
        self._last_read: dict[str, Position] = {}
        self._lock = Lock()
        self._is_checked = False
        self._is_placed = False

    def append(self, run_id: str, events: Sequence[Sealed], *, expected: int) -> None:
        writer = self._writers.get(run_id)
        if writer is None or not events:
            folder = self._folder_of(run_id)
            if not events:
                return
            writer = self._open_writer(run_id, folder)
        writer.append(events, expected)

    def read(self, run_id: str, *, after: int = 0) -> Iterator[Sealed]:
        return self._read(run_id, self._folder_of(run_id), after)

    def runs(self) -> Iterator[str]:
        return (run_id for run_id, _ in self.begun())

    def begun(self) -> Iterator[tuple[str, str]]:
        try:
            names = sorted(os.listdir(self.root))
        except FileNotFoundError:
            return
        except OSError as error:
            raise disk.explained(error, self.root, "list") from error
        for name in names:
            first = self._glance(name)
            if b"\n" in first or self._is_run(name):
                yield name, time_in(first)

    @contextmanager
    def claim(self, run_id: str) -> Iterator[None]:
        folder = self._folder_of(run_id)
        self._make(folder)
        with disk.Claim(folder / LOCK_NAME, run_id):
            self._close_writer(run_id)
            self._open_writer(run_id, folder)
            try:
                yield
            finally:
                self._close_writer(run_id)

    def driver(self, run_id: str) -> str:
        return disk.driver_at(self._folder_of(run_id) / LOCK_NAME)

    def wait(self, run_id: str, *, after: int, timeout: float) -> bool:
        folder = self._folder_of(run_id)
        deadline = time.monotonic() + timeout
        pause = FIRST_PAUSE
        while True:
            if next(self._scan(run_id, folder, after, is_waiting=True), None) is not None:
                return True
            rest = deadline - time.monotonic()
            if rest <= 0:
                return False
            time.sleep(min(pause, rest))
            pause = min(pause * 2, LONGEST_PAUSE)

    def put_blob(self, run_id: str, content: bytes) -> BlobRef:
        return BlobFolder(self._folder_of(run_id) / "blobs").put(content)

    def get_blob(self, run_id: str, ref: BlobRef) -> bytes:
        return BlobFolder(self._folder_of(run_id) / "blobs").get(ref)

    def folder(self, run_id: str) -> Path:
        return disk.check_directory(self._folder_of(run_id) / "logs")

    def rebuild_head(self, run_id: str) -> int:
        """Accept a log whose head is gone, after checking its chain; see ``stores/repair.py``."""
        from indelible.stores.repair import rebuild_head

        folder = self._folder_of(run_id)
        if not (folder / LOG_NAME).exists():
            raise NotFoundError(f"there is no run {run_id}", hint="See them all: indelible list")
        return rebuild_head(folder, run_id)

    def close(self) -> None:
        for run_id in tuple(self._writers):
            self._close_writer(run_id)
        self._syncer.close()

    def _folder_of(self, run_id: str) -> Path:
        """The directory of a run, which must be one: no link is followed out of the store."""
        return disk.check_directory(self.root / check_run_id(run_id))

    def _make(self, folder: Path) -> None:
        """Make the run's directory; opening its writer makes the names durable."""
        with disk.explain(folder, "create"):
            if not self.root.exists():
                disk.make_directory(self.root)
            if not self._is_checked:
                check_root(self.root)
                self._is_checked = True
            folder.mkdir(mode=0o700, exist_ok=True)

    def _open_writer(self, run_id: str, folder: Path) -> LogWriter:
        # Not under the lock: it syncs, and the writers of other runs need not wait for that.
        self._make(folder)
        above = (self.root,) if self._is_placed else (self.root, self.root.parent)
        writer = LogWriter(folder, run_id, above, self._syncer, self._durability)
        self._is_placed = True
        with self._lock:
            first = self._writers.setdefault(run_id, writer)
        if first is not writer:
            writer.close()
        return first

    def _close_writer(self, run_id: str) -> None:
        with self._lock:
            writer = self._writers.pop(run_id, None)
        if writer is not None:
            writer.close()

    def _read(self, run_id: str, folder: Path, after: int) -> Iterator[Sealed]:
        return self._scan(run_id, folder, after, is_waiting=False)

    def _scan(self, run_id: str, folder: Path, after: int, *, is_waiting: bool) -> Iterator[Sealed]:
        path = folder / LOG_NAME
        with disk.explain(folder / HEAD_NAME, "read"):
            head = _head_of(folder)
        with disk.explain(path, "read"):
            try:
                fd = disk.open_private(path, os.O_RDONLY)
            except FileNotFoundError:
                if head is not None and head.sequence:
                    raise CorruptLogError("the log is gone", place=str(path)) from None
                return
            with os.fdopen(fd, "rb") as file:
                start = self._start(run_id, after)
                head = head or _late_head(path, run_id, fd)
                scan = Scan(file, run_id, start, head, place=str(path))
                yield from (event for event in scan if event.sequence > after)
        self._last_read[run_id] = scan.end
        if scan.is_torn:
            if not is_waiting:
                warnings.warn(_torn(path, scan), TornTailWarning, stacklevel=3)
        elif scan.tail or scan.is_short:
            raise scan.damage()

    def _start(self, run_id: str, after: int) -> Position:
        """Where to begin reading: at a place known from before, else at the first byte."""
        writer = self._writers.get(run_id)
        known = (writer and writer.position, self._last_read.get(run_id))
        return next((at for at in known if at and at.sequence == after), start_of(run_id))

    def _glance(self, name: str) -> bytes:
        """How the log of ``name`` begins; empty if that is no run, or cannot be read."""
        try:
            # Of many runs, pathlib would take longer for the names than the disk for the files.
            fd = disk.open_private(f"{self.root}/{check_run_id(name)}/{LOG_NAME}", os.O_RDONLY)
        except (UsageError, OSError):
            return b""
        try:
            return os.read(fd, GLANCE)
        except OSError:
            return b""
        finally:
            os.close(fd)

    def _is_run(self, name: str) -> bool:
        try:
            check_run_id(name)
            fd = disk.open_private(self.root / name / LOG_NAME, os.O_RDONLY)
        except UsageError:
            return False
        except OSError:
            return self._has_had_events(name)
        with os.fdopen(fd, "rb") as file:
            if file.readline(MAX_LINE + 1).endswith(b"\n"):
                return True
        return self._has_had_events(name)

    def _has_had_events(self, name: str) -> bool:
        """Whether the head knows of events: then a log without any is damaged, not absent."""
        try:
            head = _head_of(self.root / name)
        except OSError:
            return False
        return head is not None and head.sequence > 0


def _head_of(folder: Path) -> Head | None:
    try:
        return head_at(folder / HEAD_NAME)
    except FileNotFoundError:
        return None


def _late_head(path: Path, run_id: str, fd: int) -> Head:
    """The head of a log that had none when we looked: its run may have begun since."""
    if os.fstat(fd).st_size == 0:
        return Head(0, run_id, 0, 0, start_of(run_id).digest)
    # It is written before the first event is, so by now it is there, or it is lost.
    head = _head_of(path.parent)
    if head is None:
        raise headless(path, run_id)
    return head


def _torn(path: Path, scan: Scan) -> str:
    return (
        f"{path}: the last {len(scan.tail)} bytes are an append that was cut short; "
        "it was never acknowledged and is left out"
    )
