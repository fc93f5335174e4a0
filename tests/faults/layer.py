"""The file layer under a store, in which any call may fail, and what of it a power cut leaves.

The layer is the module ``os`` itself: every call that changes something below one directory is
counted, may go wrong, and is followed through a model of the disk.  The model is the harshest that
POSIX allows: bytes are on the disk once their file was synced, names once their directory was, and
after a sync that failed the pages count as clean, though the disk does not have them.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

WRITING = os.O_CREAT | os.O_WRONLY | os.O_RDWR
SYNCS = ("fsync", "fdatasync")
CHANGING = ("open", "mkdir", "rename", "unlink", "write", "pwrite", "ftruncate", *SYNCS)

Fault = Callable[[str, "Call"], object]
"""What happens instead of a call: given its name and the call itself.  It may raise."""

Call = Callable[..., Any]


class KilledError(BaseException):
    """The process is gone; nothing after this call happens."""


def failing(number: int) -> Fault:
    """The call fails with ``number`` and does nothing."""

    def fail(name: str, call: Call) -> object:
        raise OSError(number, os.strerror(number))

    return fail


def short(name: str, call: Call) -> object:
    """A write transfers half of what it should, and says so.  Other calls are as ever."""
    return call(share=0.5)


def killed(name: str, call: Call) -> object:
    raise KilledError


def killed_after(name: str, call: Call) -> object:
    call()
    raise KilledError


def torn(name: str, call: Call) -> object:
    call(share=0.5)
    raise KilledError


class Layer:
    """Counts the calls below ``root``, lets ``fault`` take the place of call ``at``, and models.

    ``hit`` says which call that was.  With ``is_lasting`` all later calls go wrong in the same way,
    as on a disk that stays full.  A killed process makes no more calls at all.
    """

    def __init__(
        self, root: Path, fault: Fault | None = None, *, at: int = 0, is_lasting: bool = False
    ) -> None:
        self.calls: list[str] = []
        self.hit = ""
        self._root = os.path.realpath(root)
        self._fault = fault
        self._at = at
        self._is_lasting = is_lasting
        self._is_dead = False
        self._real = {name: getattr(os, name) for name in CHANGING}
        self._disk = Model(self._root)

    @property
    def is_reached(self) -> bool:
        return bool(self.hit)

    @contextmanager
    def installed(self) -> Iterator[Layer]:
        with pytest.MonkeyPatch.context() as patch:
            for name in CHANGING:
                patch.setattr(os, name, self._counted(name))
            yield self
        if self._is_dead:
            self._release_locks()

    def left_by_a_power_cut(self, folder: Path) -> Path:
        """Lay out in ``folder`` what the disk has for certain; gives what stands for ``root``."""
        folder.mkdir()
        self._disk.lay_out(self._root, folder)
        return folder

    def _release_locks(self) -> None:
        """What the system does when a process dies."""
        for number in os.listdir("/proc/self/fd"):
            with suppress(OSError):
                if self._is_ours(os.readlink(f"/proc/self/fd/{number}")):
                    fcntl.flock(int(number), fcntl.LOCK_UN)

    def _counted(self, name: str) -> Call:
        def counted(*arguments: Any, **options: Any) -> object:
            path = self._path_of(name, arguments)
            if path is None:
                return self._real[name](*arguments, **options)
            if self._is_dead:  # what follows is our own tidying up, and changes nothing
                raise OSError(errno.EIO, "this process is dead")
            self.calls.append(f"{name} {os.path.relpath(path, self._root)}")
            call = self._modelled(name, path, arguments, options)
            number = len(self.calls)
            is_hit = number == self._at or (self._is_lasting and number > self._at)
            if self._fault is None or not is_hit:
                return call()
            self.hit = self.hit or self.calls[-1]
            return self._go_wrong(self._fault, name, path, call)

        return counted

    def _go_wrong(self, fault: Fault, name: str, path: str, call: Call) -> object:
        try:
            return fault(name, call)
        except KilledError:
            self._is_dead = True
            raise
        except OSError:
            if name in SYNCS:
                self._disk.forget(path)
            raise

    def _modelled(
        self, name: str, path: str, arguments: tuple[Any, ...], options: dict[str, Any]
    ) -> Call:
        def call(share: float = 1) -> Any:
            given = arguments
            if name in {"write", "pwrite"} and share < 1:
                data = bytes(given[1])
                given = (given[0], data[: max(1, int(len(data) * share))], *given[2:])
            before = os.path.getsize(path) if os.path.isfile(path) else 0
            result = self._real[name](*given, **options)
            if name == "write":
                self._disk.wrote(path, before, result)
            elif name == "pwrite":
                self._disk.wrote(path, given[2], result)
            elif name == "ftruncate":
                self._disk.cut(path)
            elif name in SYNCS:
                self._disk.synced(path)
            return result

        return call

    def _path_of(self, name: str, arguments: tuple[Any, ...]) -> str | None:
        """The file below the root that the call would change; None if there is none."""
        first = arguments[0]
        if name == "open" and not arguments[1] & WRITING:
            return None
        if isinstance(first, int):
            with suppress(OSError):
                first = os.readlink(f"/proc/self/fd/{first}")
        path = os.path.abspath(str(first))
        return path if self._is_ours(path) else None

    def _is_ours(self, path: str) -> bool:
        return path == self._root or path.startswith(self._root + os.sep)


class Model:
    """What of a directory is on the disk: bytes by file, names by directory."""

    def __init__(self, root: str) -> None:
        self._names: dict[str, set[str]] = {}
        self._bytes: dict[int, bytearray] = {}
        self._dirty: dict[int, list[tuple[int, int]]] = {}
        self._root = root

    def wrote(self, path: str, offset: int, length: int) -> None:
        self._dirty.setdefault(os.stat(path).st_ino, []).append((offset, length))

    def cut(self, path: str) -> None:
        self.wrote(path, os.path.getsize(path), -1)

    def forget(self, path: str) -> None:
        """A sync failed: its pages are clean now, and were never written."""
        self._dirty.pop(os.stat(path).st_ino, None)

    def synced(self, path: str) -> None:
        if os.path.isdir(path):
            self._names[path] = set(os.listdir(path))
            return
        inode = os.stat(path).st_ino
        content = Path(path).read_bytes()
        kept = self._bytes.setdefault(inode, bytearray())
        for offset, length in self._dirty.pop(inode, []):
            if length < 0:
                del kept[offset:]
                continue
            kept.extend(bytes(max(0, offset + length - len(kept))))
            kept[offset : offset + length] = content[offset : offset + length]

    def lay_out(self, path: str, folder: Path) -> None:
        for name in self._names.get(path, ()):
            inner = os.path.join(path, name)
            if os.path.isdir(inner):
                (folder / name).mkdir(mode=0o700)
                self.lay_out(inner, folder / name)
            elif os.path.exists(inner):
                file = folder / name
                file.write_bytes(self._bytes.get(os.stat(inner).st_ino, b""))
                file.chmod(0o600)


ERRORS = {
    "EIO": failing(errno.EIO),
    "ENOSPC": failing(errno.ENOSPC),
    "EROFS": failing(errno.EROFS),
    "EMFILE": failing(errno.EMFILE),
    "short": short,
}
DEATHS = {"killed": killed, "killed after": killed_after, "torn": torn}
