"""How things are written."""

from __future__ import annotations

import io
import unicodedata

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indelible.cli.streams import fitting
from indelible.cli.text import (
    PLAIN,
    columns,
    json_for_terminal,
    one_line,
    size,
    span,
    tally,
    visible,
    visible_bytes,
)
from indelible.projections.drawing import SYMBOLS

SPANS = [
    (0.0, "0 ms"),
    (0.0034, "3 ms"),
    (0.9996, "1.0s"),
    (1.24, "1.2s"),
    (59.94, "59.9s"),
    (59.99, "1m00s"),
    (123.4, "2m03s"),
    (3599.6, "1h00m"),
    (3720, "1h02m"),
]


@pytest.mark.parametrize(("seconds", "text"), SPANS)
def test_a_duration_has_the_digits_that_matter(seconds: float, text: str) -> None:
    assert span(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 bytes"), (2048, "2 KiB"), (3 * 1024 * 1024 // 2, "1.5 MiB")]
)
def test_a_size_has_a_unit(count: int, text: str) -> None:
    assert size(count) == text


def test_a_tally_is_in_the_order_of_the_statuses() -> None:
    assert tally({"failed": 1, "success": 3, "pending": 0}) == "3 success, 1 failed"


@given(st.text())
def test_nothing_that_acts_on_a_terminal_is_left(text: str) -> None:
    shown = visible(text)
    assert not any(unicodedata.category(char) == "Cc" and char not in "\n\t" for char in shown)
    assert not set(shown) & set("\u202a\u202b\u202d\u202e\u2066\u2067\u2068")
    assert "\n" not in one_line(text)


def test_harmless_text_stays_as_it_is() -> None:
    assert visible("naïve — 日本\n\tok") == "naïve — 日本\n\tok"
    assert one_line("a\nb" + "x" * 300, 10) == "a\\nbxxxxx…"


def test_what_a_node_printed_keeps_its_colours_and_nothing_else() -> None:
    printed = b"\x1b[31mred\x1b[0m\r\n\tok \x1b[2J\x1b]0;title\x07 \xc2\x9b na\xc3\xafve \xff"
    assert visible_bytes(printed) == (
        b"\x1b[31mred\x1b[0m\r\n\tok \\x1b[2J\\x1b]0;title\\x07 \\x9b na\xc3\xafve \xff"
    )


@given(st.text())
def test_json_for_a_terminal_means_the_same(text: str) -> None:
    shown = json_for_terminal(msgspec.json.encode(text).decode())
    assert msgspec.json.decode(shown) == text
    assert visible(shown) == shown


def stream(encoding: str) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), encoding=encoding)


def test_symbols_have_something_that_stands_for_them_where_unicode_is_missing() -> None:
    for symbol in SYMBOLS.values():
        shown = fitting(f"{symbol} café", stream("ascii"))
        assert shown == f"{symbol.translate(PLAIN)} caf\\xe9"
    assert len({symbol.translate(PLAIN) for symbol in SYMBOLS.values()}) == len(SYMBOLS)
    assert fitting("✓ café", stream("utf-8")) == "✓ café"
    assert fitting("café", stream("latin-1")) == "café"


@given(st.text(st.characters()), st.sampled_from(["ascii", "latin-1", "utf-8", "cp1252"]))
def test_whatever_is_written_can_be_written(text: str, encoding: str) -> None:
    fitting(text, stream(encoding)).encode(encoding)


def test_columns_stand_below_each_other() -> None:
    assert columns([["a", "b"], ["long", "x"]]) == [["a   ", "b"], ["long", "x"]]
