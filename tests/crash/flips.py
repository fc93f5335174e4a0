"""A stored log, damaged in every bit: verify notices, or nothing has changed for who reads it.

In this process, because a log of a few kilobytes has tens of thousands of bits.  Of the files of a
database every byte is damaged, each in one bit that the seed chooses.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from random import Random

from indelible import open_store
from indelible.cli.main import main as indelible
from indelible.errors import IndelibleError
from indelible.events import Sealed
from tests.crash.check import demand
from tests.crash.drive import RUN, URLS
from tests.crash.rows import Outcome
from tests.crash.sound import quietly, sound_run

TARGETS = {
    "files": (f"store/{RUN}/events.jsonl", f"store/{RUN}/head"),
    "sqlite": ("store/runs.db", "store/runs.db-wal", "store/runs.db.head"),
}
DETECTED = {8, 9}
"""Damaged, or not a store of ours at all: a database whose first page says another owner."""

Flip = tuple[str, int, int]
"""A file, a byte of it, and the bits to turn over in it."""


def flips(store: str, folder: Path, seed: int) -> Iterator[Flip]:
    random = Random(seed)
    for name in TARGETS[store]:
        for place in range((folder / name).stat().st_size):
            bits = range(8) if store == "files" else (random.randrange(8),)
            yield from ((name, place, 1 << bit) for bit in bits)


def events(url: str) -> list[Sealed] | None:
    """What a reader gets; None if it is refused."""
    opened = open_store(url)
    try:
        return list(opened.read(RUN))
    except IndelibleError:
        return None
    finally:
        opened.close()


class Bench:
    """One process's own copy of the sound run, in which it makes one flip at a time."""

    def __init__(self, folder: Path, store: str) -> None:
        self.url = URLS[store]
        self._shared = Path("store/runs.db-shm")
        shutil.copytree(folder, ".", dirs_exist_ok=True)
        self._sound = {name: Path(name).read_bytes() for name in TARGETS[store]}
        self._events = events(self.url)
        demand(self._events, "the sound log cannot be read")

    def wrong(self, flip: Flip) -> str:
        """What is wrong with how verify and readers take ``flip``; empty if nothing is."""
        name, place, bits = flip
        damaged = bytearray(self._sound[name])
        damaged[place] ^= bits
        Path(name).write_bytes(damaged)
        try:
            with quietly():
                code = indelible(["verify", RUN, "--store", self.url])
                found = code if code in DETECTED else (code, events(self.url) == self._events)
            if found not in (*DETECTED, (0, True)):
                return f"{name}, byte {place}, bits {bits:#x}: {found}"
            if Path(name).read_bytes() != damaged:
                return f"{name}, byte {place}: the evidence was touched"
            return ""
        finally:
            Path(name).write_bytes(self._sound[name])
            self._shared.unlink(missing_ok=True)


def wrongs(folder: Path, store: str, share: Sequence[Flip]) -> list[str]:
    """What goes wrong with ``share``, in a directory of its own.  Changes this process's."""
    with tempfile.TemporaryDirectory() as name:
        os.chdir(name)
        bench = Bench(folder, store)
        found = [bench.wrong(flip) for flip in share]
        os.chdir(folder)
    return [wrong for wrong in found if wrong]


def flip_all(store: str, *, seed: int, jobs: int, most: int = 0) -> Outcome:
    """Every flip, or ``most`` of them that the seed draws, in ``jobs`` processes."""
    with sound_run(store) as folder:
        todo = list(flips(store, folder, seed))
        if most:
            todo = Random(seed).sample(todo, most)
        shares = [todo[at :: jobs * 8] for at in range(jobs * 8)]
        with multiprocessing.get_context("spawn").Pool(jobs) as pool:
            found = pool.map(partial(wrongs, folder, store), shares, chunksize=1)
    said = [wrong for share in found for wrong in share]
    return Outcome(len(todo), len(said), "\n".join(said[:6]))
