"""Masking: every usual form of a secret, and streams however they are cut."""

from __future__ import annotations

import json
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from urllib.parse import quote, quote_plus, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indelible import values
from indelible.executors.failures import AttemptFailedError
from indelible.executors.redaction import Redactor, forms_of

SECRET = 'p/ss"wörd\\ +1!'

words = st.text("ab", min_size=8, max_size=14)


@st.composite
def related(draw: st.DrawFn) -> Sequence[str]:
    """Secrets that stand inside of each other, begin like each other, overlap."""
    first = draw(words)
    end = draw(st.integers(8, len(first)))
    start = draw(st.integers(0, end - 8))
    return [first, first[start:end], first[-4:] + draw(words), *draw(st.lists(words, max_size=1))]


secrets = related() | st.lists(words, min_size=1, max_size=2)


@st.composite
def talk(draw: st.DrawFn) -> tuple[Sequence[str], bytes]:
    """Secrets, and a text with some of them: whole and in parts."""
    known = draw(secrets)
    some = st.sampled_from(known)
    part = st.tuples(some, st.integers(0, 13)).map(lambda cut: cut[0][: cut[1]])
    other = st.text("abc\n", max_size=5)
    return known, "".join(draw(st.lists(some | part | other, max_size=6))).encode()


def pieces(data: bytes, cuts: Iterable[int]) -> list[bytes]:
    places = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    return [data[start:end] for start, end in pairwise(places)]


def masked(redactor: Redactor, fed: Iterable[bytes]) -> bytes:
    stream = redactor.stream()
    return b"".join([*map(stream.feed, fed), stream.finish()])


def unhidden(known: Sequence[str], data: bytes, end: int) -> bytes:
    """What of ``data[:end]`` is in no secret."""
    hidden = [False] * len(data)
    for secret in known:
        for place in range(len(data)):
            if data.startswith(secret.encode(), place):
                hidden[place : place + len(secret)] = [True] * len(secret)
    return bytes(byte for byte, is_hidden in zip(data[:end], hidden, strict=False) if not is_hidden)


@given(talk(), st.lists(st.integers(0, 60), max_size=12))
def test_a_stream_gives_the_same_however_it_is_cut(
    said: tuple[Sequence[str], bytes], cuts: list[int]
) -> None:
    known, data = said
    redactor = Redactor(known)
    assert masked(redactor, pieces(data, cuts)) == redactor.data(data)


@given(talk(), st.lists(st.integers(0, 60), max_size=12))
def test_no_secret_survives_and_everything_else_does(
    said: tuple[Sequence[str], bytes], cuts: list[int]
) -> None:
    known, data = said
    clean = masked(Redactor(known), pieces(data, cuts))
    assert not any(secret.encode() in clean for secret in known)
    assert clean.replace(b"***", b"") == unhidden(known, data, len(data))


@given(talk())
def test_only_what_may_begin_a_secret_is_held_back(said: tuple[Sequence[str], bytes]) -> None:
    known, data = said
    forms = {form for secret in known for form in forms_of(secret)}
    begins = (
        place
        for place in range(len(data))
        if any(form.startswith(data[place:]) and form != data[place:] for form in forms)
    )
    stream = Redactor(known).stream()
    shown = stream.feed(data)
    assert shown.replace(b"***", b"") == unhidden(known, data, next(begins, len(data)))
    assert shown + stream.finish() == Redactor(known).data(data)


@given(st.integers(0, 40))
def test_also_the_longest_form_may_be_cut_anywhere(cut: int) -> None:
    data = b"<" + b"abcdefgh\xc3\xa9".hex().encode() + b">"
    assert masked(Redactor(["abcdefghé"]), pieces(data, [cut])) == b"<***>"


def test_a_line_without_a_secret_is_shown_at_once() -> None:
    assert Redactor([SECRET]).stream().feed(b"waiting for the answer\n") == (
        b"waiting for the answer\n"
    )


FORMS: list[Callable[[str], str | bytes]] = [
    str,
    repr,
    json.dumps,
    lambda secret: json.dumps(secret, ensure_ascii=False),
    lambda secret: json.dumps(json.dumps({"a": secret}, ensure_ascii=False), ensure_ascii=False),
    lambda secret: json.dumps(secret).replace("/", "\\/"),
    quote,
    quote_plus,
    lambda secret: quote(secret, safe=""),
    lambda secret: quote(secret, safe="").lower(),
    lambda secret: urlencode({"key": secret}),
    lambda secret: secret.encode().hex(),
    lambda secret: b64encode(secret.encode()),
    lambda secret: b64encode(f"u:{secret}".encode()),
    lambda secret: b64encode(f"me:{secret}\n".encode()),
    lambda secret: urlsafe_b64encode(f"you:{secret}".encode()),
]


@pytest.mark.parametrize("form", FORMS)
def test_a_secret_is_found_in_every_form(form: Callable[[str], str | bytes]) -> None:
    written = form(SECRET)
    data = written if isinstance(written, bytes) else written.encode()
    clean = Redactor([SECRET]).data(b"<" + data + b">")
    assert b"***" in clean
    assert len(clean) - 5 <= max(len(data) - 12, 16)


@given(st.text(min_size=8, max_size=20), st.binary(max_size=4), st.binary(max_size=4))
def test_base64_of_a_text_around_a_secret_gives_away_two_characters_at_most(
    secret: str, before: bytes, after: bytes
) -> None:
    if len(secret.strip()) < 8:
        return
    raw = secret.encode()
    clean = Redactor([secret]).data(b64encode(before + raw + after))
    at_most = -(-len(before) * 8 // 6) + -(-(len(after) + 2) * 8 // 6) + 3
    assert b"***" in clean
    assert len(clean) <= 3 + at_most


def test_each_line_of_a_key_is_a_secret() -> None:
    key = "-----BEGIN KEY-----\nMIIEvQIBADAN\nBgkqhkiG9w0B\n-----END KEY-----\n"
    clean = Redactor([key]).text("| MIIEvQIBADAN\n| BgkqhkiG9w0B\n")
    assert clean == "| ***\n| ***\n"


def test_one_that_knows_nothing_changes_nothing() -> None:
    data = b"\xff whatever"
    assert Redactor().data(data) is data
    assert masked(Redactor(), [data]) == data


def test_an_output_stays_json() -> None:
    output = {"key": SECRET, SECRET: [1, None, True, 2.5, f"<{SECRET}>"], "n": 12345678}
    raw = Redactor([SECRET, "12345678"]).output(values.encode(output))
    assert json.loads(raw) == {"key": "***", "***": [1, None, True, 2.5, "<***>"], "n": "***"}


def test_two_secrets_as_keys_are_two_keys() -> None:
    raw = Redactor(["abcdefgh", "ijklmnop"]).output(b'{"abcdefgh":1,"ijklmnop":2}')
    assert sorted(json.loads(raw).values()) == [1, 2]


def test_a_secret_across_two_strings_of_an_output_fails_it() -> None:
    with pytest.raises(AttemptFailedError, match="a form that cannot be masked") as caught:
        Redactor(['abcd","efgh']).output(b'["abcd","efgh"]')
    assert caught.value.error.type == "OutputError"
    assert "efgh" not in caught.value.error.message


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(values.SMALLEST, values.LARGEST)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text('ab0123456789\n"', max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab1", max_size=9), inner),
    max_leaves=8,
)


@given(json_values, secrets | st.just(["12345678"]))
def test_an_output_without_secrets_is_left_alone_and_with_them_has_none(
    value: values.Json, known: list[str]
) -> None:
    raw = values.encode(value)
    try:
        clean = Redactor(known).output(raw)
    except AttemptFailedError:
        return
    values.decode(clean)
    assert not any(secret.encode() in clean for secret in known)
    if not any(form in raw for secret in known for form in forms_of(secret)):
        assert clean == raw
