"""How exceptions become errors in the log."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indelible.errors import UsageError
from indelible.events import NodeError
from indelible.executors.failures import (
    MAX_MESSAGE,
    MAX_TRACEBACK,
    bounded,
    error_of,
    failure,
    publishable,
)
from indelible.executors.redaction import Redactor


class OddError(KeyError):
    """An exception whose text cannot be had."""

    def __str__(self) -> str:
        raise RuntimeError("no")


def raised(exception: BaseException) -> BaseException:
    with pytest.raises(type(exception)) as caught:
        raise exception
    return caught.value


def published(exception: BaseException, *secrets: str) -> NodeError:
    return publishable(error_of(exception), Redactor(secrets).text)


def test_an_error_names_its_class_and_the_classes_it_is() -> None:
    error = error_of(raised(FileNotFoundError("gone")))
    assert (error.type, error.message) == ("FileNotFoundError", "gone")
    assert error.bases == ("OSError", "Exception", "BaseException")


def test_a_traceback_has_the_line_that_raised() -> None:
    error = error_of(raised(ValueError("bad")))
    assert error.traceback is not None
    assert error.traceback.startswith("Traceback (most recent call last):")
    assert error.traceback.endswith("ValueError: bad")
    assert "raise exception" in error.traceback


def test_an_exception_without_words_says_its_class() -> None:
    assert error_of(raised(ValueError())).message == "ValueError"


def test_an_exception_whose_text_cannot_be_had_is_reported_all_the_same() -> None:
    error = error_of(raised(OddError()))
    assert error.type == "OddError"
    assert error.message == "(its message cannot be read: RuntimeError)"


def test_a_failure_of_ours_is_what_it_says() -> None:
    known = failure("Timeout", "too slow")
    assert error_of(raised(known)) is known.error


def test_errors_of_ours_need_no_traceback() -> None:
    assert error_of(raised(UsageError("no", hint="do"))).traceback is None


def test_a_recursion_keeps_a_short_traceback() -> None:
    def again(depth: int) -> int:
        return again(depth + 1)

    try:
        again(0)
    except RecursionError as error:
        found = published(error)
    assert found.traceback is not None
    assert len(found.traceback) < MAX_TRACEBACK
    assert found.type == "RecursionError"


def test_messages_and_tracebacks_are_bounded() -> None:
    error = published(raised(ValueError("x" * 1_000_000)))
    assert error.message == "x" * MAX_MESSAGE + f"… ({1_000_000 - MAX_MESSAGE} more characters)"
    assert error.traceback is not None
    assert len(error.traceback) == MAX_TRACEBACK + 1


@given(st.text(st.characters(), max_size=40), st.integers(0, 20))
def test_bounded_text_is_valid_utf_8_and_begins_as_before(text: str, limit: int) -> None:
    short = bounded(text, limit)
    assert short.encode().startswith(text[:limit].encode(errors="backslashreplace"))


def test_lone_surrogates_are_spelled_out() -> None:
    error = error_of(raised(ValueError("bad \ud800")))
    assert error.message == "bad \\ud800"


@pytest.mark.parametrize("at", [0, 1, MAX_MESSAGE - 5, MAX_MESSAGE, 1_000_000 - MAX_TRACEBACK])
def test_no_part_of_a_secret_is_left_where_an_error_is_cut(at: int) -> None:
    text = "." * at + "tr0ub4dor&3" + "." * (1_000_000 - at)
    error = published(raised(ValueError(text)), "tr0ub4dor&3")
    assert error.traceback is not None
    assert "0ub4" not in error.message + error.traceback
    assert set(error.message.partition("…")[0]) <= set(".*")


def test_a_secret_in_the_name_of_an_exception_is_masked() -> None:
    kind = type("Sesame42Error", (ValueError,), {})
    error = published(raised(kind("no")), "Sesame42")
    assert error.type == "***Error"
