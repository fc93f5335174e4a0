"""A finished run to damage."""

from __future__ import annotations

import io
import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path

from indelible import open_store
from tests.crash import drive
from tests.crash.check import demand
from tests.crash.drive import URLS


@contextmanager
def sound_run(store: str) -> Iterator[Path]:
    """A folder with a finished run, its files as a crash would have left them."""
    here = Path.cwd()
    with tempfile.TemporaryDirectory() as made, tempfile.TemporaryDirectory() as kept:
        try:
            # SQLite removes the -wal file with the last connection, so one is held open.
            with (
                quietly(),
                closing(open_store(URLS[store].replace("store", f"{made}/store"))) as beside,
                beside.claim("another"),
            ):
                demand(drive.main([made, store]) == 0, "the run under test does not complete")
                shutil.copytree(made, kept, dirs_exist_ok=True)
            Path(kept, "store/runs.db-shm").unlink(missing_ok=True)
            yield Path(kept)
        finally:
            os.chdir(here)


@contextmanager
def quietly() -> Iterator[None]:
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
