"""A run on a disk that fills up stops with a clear error, and goes on when there is room."""

from __future__ import annotations

import errno
from contextlib import closing, suppress
from pathlib import Path

import pytest

from indelible.errors import StoreError
from tests.faults.layer import Layer, failing
from tests.faults.worlds import CALM, OPENERS, World, assert_ended_well, completed


def start(layer: Layer, kind: str, folder: Path, world: World) -> StoreError | None:
    """Drive until something goes wrong; what that was."""
    store = OPENERS[kind](folder)
    with layer.installed():
        try:
            world.start(store)
        except StoreError as error:
            return error
        finally:
            with suppress(StoreError):
                store.close()
    return None


@pytest.mark.parametrize("kind", OPENERS)
def test_a_run_on_a_full_disk_stops_names_the_file_and_goes_on_when_there_is_room(
    tmp_path: Path, kind: str
) -> None:
    stopped = 0
    for at in range(1, 1000):
        folder = tmp_path / str(at)
        folder.mkdir()
        world = World()
        layer = Layer(folder, failing(errno.ENOSPC), at=at, is_lasting=True)
        error = start(layer, kind, folder, world)
        if not layer.is_reached:
            break
        if error is not None:
            stopped += 1
            assert str(folder) in str(error)
            assert error.exit_code == 9
            assert "Free some space" in error.hint
        with closing(OPENERS[kind](folder)) as store:
            kept, ran = completed(store), len(world.ran)
            world.go_on(store)
            assert not set(kept) & set(world.ran[ran:])
            assert_ended_well(store)
    assert world.ran == CALM
    assert stopped > 8
