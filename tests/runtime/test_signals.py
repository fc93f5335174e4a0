"""Which signals a drive heeds."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from indelible.runtime.signals import STOPPING, interrupting


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """Whatever a test, or whoever started it, has set is set again after it."""
    before = {number: signal.getsignal(number) for number in STOPPING}
    for number in STOPPING:
        signal.signal(number, signal.SIG_DFL)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def heard(number: signal.Signals) -> list[str]:
    """What a drive is told when the signal comes."""
    said: list[str] = []
    with interrupting(lambda: said.append("interrupted")):
        signal.raise_signal(number)
    return said


@pytest.mark.parametrize("number", STOPPING)
def test_a_signal_interrupts_the_drive_and_is_given_back_after_it(number: signal.Signals) -> None:
    assert heard(number) == ["interrupted"]
    assert signal.getsignal(number) is signal.SIG_DFL


@pytest.mark.parametrize("number", STOPPING)
def test_a_signal_that_whoever_started_us_ignores_stays_ignored(number: signal.Signals) -> None:
    signal.signal(number, signal.SIG_IGN)
    assert heard(number) == []
    assert signal.getsignal(number) is signal.SIG_IGN
    for other in set(STOPPING) - {number}:
        assert heard(other) == ["interrupted"]


def test_the_second_signal_does_not_ask() -> None:
    said: list[str] = []
    with interrupting(lambda: said.append("interrupted")):
        signal.raise_signal(signal.SIGTERM)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert said == ["interrupted"]
