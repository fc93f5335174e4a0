"""Every call of the filesystem store on its disk goes wrong once; nothing acknowledged is lost."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from indelible.errors import StoreError
from indelible.stores.filesystem import FilesystemStore
from tests.faults.layer import DEATHS, ERRORS, SYNCS, Fault, Layer, failing
from tests.faults.logs import LOG, RUN, Trial

PLACE = Path("a", "b", "runs")
"""Where the store is; nothing of it is there before the first claim."""


class FileTrial(Trial):
    """On a disk below a layer."""

    def __init__(self, folder: Path, layer: Layer) -> None:
        super().__init__()
        self.layer = layer
        self._folder = folder

    def run(self) -> None:
        with self.layer.installed():
            self.write(self.reopened())

    def reopened(self) -> FilesystemStore:
        return FilesystemStore(self._folder / "disk" / PLACE)

    def after_a_power_cut(self) -> FilesystemStore:
        left = self.layer.left_by_a_power_cut(self._folder / "left")
        return FilesystemStore(left / PLACE)


def trials(folder: Path, fault: Fault, *, is_lasting: bool = False) -> Iterator[FileTrial]:
    """One for each call that an undisturbed store makes, with the fault at that call."""
    at = 0
    while True:
        at += 1
        work = folder / str(at)
        (work / "disk").mkdir(parents=True)
        trial = FileTrial(work, Layer(work / "disk", fault, at=at, is_lasting=is_lasting))
        trial.run()
        if not trial.layer.is_reached:
            assert trial.is_whole
            assert at > 30
            return
        yield trial
        shutil.rmtree(work)


@pytest.mark.parametrize("kind", [*ERRORS, *DEATHS])
def test_whatever_call_goes_wrong_nothing_acknowledged_is_lost(tmp_path: Path, kind: str) -> None:
    for trial in trials(tmp_path, {**ERRORS, **DEATHS}[kind]):
        trial.assert_kept(trial.reopened())


@pytest.mark.parametrize("kind", ["EIO", "ENOSPC", "EROFS", "EMFILE"])
def test_whatever_call_fails_the_error_names_the_file(tmp_path: Path, kind: str) -> None:
    for trial in trials(tmp_path, ERRORS[kind]):
        if trial.error is None:
            assert trial.is_whole, trial.layer.hit
            continue
        assert isinstance(trial.error, StoreError), trial.layer.hit
        assert str(tmp_path) in str(trial.error)
        assert trial.error.exit_code == 9
        assert trial.error.hint


def test_a_disk_that_stays_full_leaves_a_readable_log_that_goes_on_when_there_is_room(
    tmp_path: Path,
) -> None:
    for trial in trials(tmp_path, failing(errno.ENOSPC), is_lasting=True):
        assert trial.error is not None or trial.is_whole, trial.layer.hit
        assert len(list(trial.reopened().read(RUN))) >= trial.acknowledged
        trial.assert_kept(trial.reopened())


@pytest.mark.parametrize("kind", ["killed", "killed after"])
def test_a_power_cut_at_any_call_takes_nothing_acknowledged(tmp_path: Path, kind: str) -> None:
    for trial in trials(tmp_path, DEATHS[kind]):
        trial.assert_kept(trial.after_a_power_cut())


def test_after_a_failed_sync_nothing_is_believed_that_was_not_written_again(
    tmp_path: Path,
) -> None:
    """The page cache shows what the disk does not have; then the power goes."""
    count = 0
    for trial in trials(tmp_path, failing(errno.EIO)):
        if trial.layer.hit.startswith(SYNCS):
            count += 1
            with trial.layer.installed():
                trial.assert_kept(trial.reopened())
            assert tuple(trial.after_a_power_cut().read(RUN)) == LOG
    assert count > 10


def test_names_are_durable_before_the_first_event_and_the_log_before_its_head(
    tmp_path: Path,
) -> None:
    (tmp_path / "disk").mkdir()
    trial = FileTrial(tmp_path, Layer(tmp_path / "disk"))
    trial.run()
    calls = trial.layer.calls
    run = f"{PLACE}/{RUN}"
    first = calls.index(f"write {run}/events.jsonl")
    names = {f"fsync {folder}" for folder in (run, PLACE, *PLACE.parents)}
    assert names <= set(calls[:first])
    append = [f"write {run}/events.jsonl", f"fdatasync {run}/events.jsonl", f"pwrite {run}/head"]
    assert calls[first : first + 3] == append


def test_a_value_kept_beside_the_log_is_durable_when_it_is_kept(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    trial = FileTrial(tmp_path, Layer(tmp_path / "disk"))
    with trial.layer.installed(), trial.reopened().claim(RUN):
        ref = trial.reopened().put_blob(RUN, b"x" * 1000)
    assert trial.after_a_power_cut().get_blob(RUN, ref) == b"x" * 1000
