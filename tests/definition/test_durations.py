from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indelible.definition.durations import LONGEST, format_duration, parse_duration


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("500ms", timedelta(milliseconds=500)),
        ("30s", timedelta(seconds=30)),
        ("10m", timedelta(minutes=10)),
        ("1h30m", timedelta(hours=1, minutes=30)),
        ("2d", timedelta(days=2)),
        ("1.5s", timedelta(seconds=1, milliseconds=500)),
        (" 3s ", timedelta(seconds=3)),
        ("0s", timedelta()),
        (3, timedelta(seconds=3)),
        (0.25, timedelta(milliseconds=250)),
    ],
)
def test_a_duration_means_what_it_says(written: str | float, meant: timedelta) -> None:
    assert parse_duration(written) == meant


@pytest.mark.parametrize(
    "written",
    ["", " ", "30", "s", "3 parsecs", "1m1h", "1s1s", "-1s", "1,5s", "\uff11s", "1e3s", "∞"],
)
def test_what_is_no_duration_is_refused_with_the_forms_there_are(written: str) -> None:
    with pytest.raises(ValueError, match="is not a duration; write it like 500ms, 30s") as raised:
        parse_duration(written)
    assert repr(written) in str(raised.value)


@pytest.mark.parametrize(
    "written", ["10001d", "9" * 18 + "d", 1e300, float("inf"), float("nan"), 10**400, -1e300]
)
def test_a_duration_beyond_ten_thousand_days_is_refused(written: str | float) -> None:
    with pytest.raises(ValueError, match="is not a duration of at most 10000 days"):
        parse_duration(written)


@pytest.mark.parametrize("written", [-1, -0.001])
def test_a_negative_duration_is_refused(written: float) -> None:
    with pytest.raises(ValueError, match="is negative"):
        parse_duration(written)


def test_a_negative_duration_has_no_written_form() -> None:
    with pytest.raises(ValueError, match="is negative"):
        format_duration(timedelta(seconds=-1))


def test_a_duration_is_written_in_the_largest_units_that_fit() -> None:
    assert format_duration(timedelta(days=1, hours=2, seconds=3, milliseconds=4)) == "1d2h3s4ms"
    assert format_duration(timedelta()) == "0s"


@given(st.timedeltas(min_value=timedelta(), max_value=LONGEST))
def test_a_written_duration_reads_back_as_itself(duration: timedelta) -> None:
    assert parse_duration(format_duration(duration)) == duration


@given(st.text() | st.floats() | st.integers())
def test_nothing_but_value_error_comes_of_a_wrong_duration(written: str | float) -> None:
    try:
        found = parse_duration(written)
    except ValueError:
        return
    assert timedelta() <= found <= LONGEST
