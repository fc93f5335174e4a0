"""Whether a place is one where a log is safe: nobody else writes there, and locks hold.

Asked once, before anything is written.  Readers do not ask: reading harms nobody.
"""

from __future__ import annotations

import os
import re
import stat
import warnings
from pathlib import Path

from indelible.errors import StoreError

MOUNTS = Path("/proc/self/mountinfo")
"""Which file system is mounted where.  Linux has it; elsewhere no network is recognised."""

_NETWORK = re.compile(
    r"nfs4?|cifs|smb3?|smbfs|9p|afs|ceph|glusterfs|lustre|ncpfs|vboxsf|prl_fs|vmhgfs|fuse(\..*)?"
)
_OCTAL = re.compile(r"\\([0-7]{3})")


class NetworkStoreWarning(UserWarning):
    """A store lies on a file system that other hosts may reach, and whose locks may not."""


def check_root(root: Path) -> None:
    """Raise ``StoreError`` unless the directory ``root`` is ours and only we may write there.

    Whoever else may could put links in the place of our files.  Warns of a network.
    """
    found = os.stat(root)
    _refuse_foreign(root, found)
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise StoreError(
            f"{root}: others may write there (mode {stat.S_IMODE(found.st_mode):04o})",
            hint=f"Make it private: chmod go-w {root}",
        )
    warn_of_network(root)


def check_beside(file: Path) -> None:
    """Raise ``StoreError`` if just anybody may put files beside ``file``, or it is not ours.

    The folder may belong to a group or to somebody else: it is a folder for other things too, and
    its owner is trusted.  Warns of a network.
    """
    mode = os.stat(file.parent).st_mode
    if mode & stat.S_IWOTH:
        raise StoreError(
            f"{file.parent}: everybody may write there (mode {stat.S_IMODE(mode):04o})",
            hint="Put the database into a folder of its own: mkdir -m 700 FOLDER",
        )
    if file.exists():
        found = file.stat()
        _refuse_foreign(file, found)
        if found.st_nlink > 1:
            raise StoreError(
                f"{file}: has a second name, a hard link; SQLite loses data that way",
                hint="Put a copy of it in its place.",
            )
    warn_of_network(file.parent)


def warn_of_network(directory: Path, mounts: Path = MOUNTS) -> None:
    """Warn with ``NetworkStoreWarning`` if ``directory`` is known to be on a network."""
    kind = _file_system(os.path.realpath(directory), mounts)
    if _NETWORK.fullmatch(kind):
        warnings.warn(
            f"{directory} is on a network file system ({kind}): only one host may use this store, "
            "and a power cut elsewhere can take what was acknowledged. Prefer a local disk.",
            NetworkStoreWarning,
            stacklevel=2,
        )


def _refuse_foreign(path: Path, found: os.stat_result) -> None:
    if found.st_uid != os.geteuid():
        raise StoreError(
            f"{path}: belongs to user {found.st_uid}, and this is user {os.geteuid()}",
            hint="Run workflows as the user that the store belongs to, or choose another store.",
        )


def _file_system(path: str, mounts: Path) -> str:
    """The kind of file system that ``path`` is on; empty if that is unknown."""
    try:
        lines = mounts.read_text(errors="surrogateescape").splitlines()
    except OSError:
        return ""
    # `36 35 98:0 /root /mnt/point options… - kind source options`; the last of one place counts.
    best, kind = "", ""
    for line in lines:
        before, _, after = line.partition(" - ")
        point = _OCTAL.sub(lambda found: chr(int(found[1], 8)), before.split(" ")[4])
        is_above = path == point or path.startswith(point.rstrip("/") + "/")
        if is_above and len(point) >= len(best):
            best, kind = point, after.split(" ")[0]
    return kind
