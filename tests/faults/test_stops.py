"""A run that stops after any of its events ends as if it had not."""

from __future__ import annotations

from contextlib import closing, suppress
from pathlib import Path

import pytest

from tests.faults.worlds import (
    CALM,
    OPENERS,
    RUN,
    StoppedError,
    World,
    assert_ended_well,
    completed,
    stopped_at,
)


@pytest.mark.parametrize("kind", OPENERS)
def test_nobody_disturbs_a_run(tmp_path: Path, kind: str) -> None:
    world = World()
    with closing(OPENERS[kind](tmp_path)) as store:
        world.start(store)
        assert world.ran == CALM
        assert_ended_well(store)


@pytest.mark.parametrize("kind", OPENERS)
def test_a_run_that_stops_after_any_event_ends_the_same(tmp_path: Path, kind: str) -> None:
    stops = 0
    for length in range(1, 30):
        folder = tmp_path / str(length)
        folder.mkdir()
        world = World()
        with closing(OPENERS[kind](folder)) as store:
            try:
                world.start(store, stopped_at(length))
            except StoppedError:
                stops += 1
        with closing(OPENERS[kind](folder)) as store:
            kept, ran = completed(store), len(world.ran)
            world.go_on(store)
            assert not set(kept) & set(world.ran[ran:]), f"stopped after event {length}"
            assert_ended_well(store)
    assert stops > 8


@pytest.mark.parametrize("kind", OPENERS)
def test_a_run_that_stops_after_every_event_ends_the_same(tmp_path: Path, kind: str) -> None:
    world = World()
    with closing(OPENERS[kind](tmp_path)) as store:
        length = 0
        for _ in range(12):
            kept, ran, length = completed(store), len(world.ran), length + 2
            with suppress(StoppedError):
                world.go_on(store, stopped_at(length))
            assert not set(kept) & set(world.ran[ran:])
            length = len(list(store.read(RUN)))
        world.go_on(store)
        assert_ended_well(store)
