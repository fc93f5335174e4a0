"""Secrets: markers that nobody can forge, and where values come from."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indelible import values
from indelible.secrets import (
    SecretError,
    Secrets,
    has_marker,
    marker,
    mentioned_in,
    names_in,
    reveal,
)

VALUES = {"TOKEN": "t0p-s3cret", "OTHER": "another one"}
names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]*", fullmatch=True)


@given(st.lists(st.text(max_size=5) | names.map(marker), max_size=6))
def test_markers_are_found_and_replaced_and_nothing_else_is(parts: list[str]) -> None:
    text = "".join(parts)
    found = dict.fromkeys(part for part in parts if has_marker(part))
    assert [marker(name) for name in names_in(text)] == list(found)
    assert has_marker(text) is bool(found)
    expected = "".join(f"<{names_in(part)[0]}>" if has_marker(part) else part for part in parts)
    assert reveal(text, lambda name: f"<{name}>") == expected


def test_what_a_definition_mentions_is_found_in_its_text() -> None:
    text = """{"env": {"A": "${{ secrets.TOKEN }}", "B": "${{secrets.B_2}}:${{ secrets.TOKEN }}"},
        "prompt": "my.secrets_of ${{ default(secrets.C, 1) }}, nosecrets.D"}"""
    assert mentioned_in(text) == ("TOKEN", "B_2", "C")


def test_a_marker_passes_through_json() -> None:
    raw = values.encode({"a": f"Bearer {marker('TOKEN')}"})
    assert has_marker(raw)
    assert names_in(raw.decode()) == ("TOKEN",)


def test_a_value_that_looks_like_a_marker_stays_as_it_is() -> None:
    assert reveal(marker("TOKEN"), lambda _: marker("OTHER")) == marker("OTHER")


def test_a_marker_of_another_process_reveals_nothing() -> None:
    command = "from indelible.secrets import marker; print(ascii(marker('TOKEN')))"
    done = subprocess.run([sys.executable, "-c", command], capture_output=True, check=True)
    forged = done.stdout.decode().strip().strip("'").encode().decode("unicode_escape")
    assert len(forged) == len(marker("TOKEN"))
    assert names_in(forged) == ()
    assert reveal(forged, VALUES.__getitem__) == forged


@pytest.mark.parametrize("bend", [str.upper, lambda text: text[:-1], ascii])
def test_a_marker_that_an_expression_changed_is_refused(bend: Callable[[str], str]) -> None:
    bent = bend(marker("A"))
    with pytest.raises(SecretError, match="was changed by an expression") as caught:
        reveal(bent, VALUES.__getitem__)
    assert "Use `${{ secrets.NAME }}` as it is" in caught.value.hint


def test_the_environment_comes_before_the_file(tmp_path: Path) -> None:
    file = tmp_path / "secrets"
    file.write_text("TOKEN=from the file\nOTHER=also from the file")
    source = Secrets(file, {"TOKEN": "from the environment"})
    assert source.get("TOKEN") == "from the environment"
    assert source.get("OTHER") == "also from the file"


@pytest.mark.parametrize(
    ("content", "value"),
    [
        ("TOKEN=t0p-s3cret=\n", "t0p-s3cret="),
        ("# none\n\nexport TOKEN = 't0p s3cret'\n", "t0p s3cret"),
        ('TOKEN="t0p-s3cret', '"t0p-s3cret'),
        (' {"TOKEN": "line one\\nline two"}', "line one\nline two"),
    ],
)
def test_a_file_has_lines_or_is_json(tmp_path: Path, content: str, value: str) -> None:
    file = tmp_path / "secrets"
    file.write_text(content)
    assert Secrets(file, {}).get("TOKEN") == value


def problem_of(source: Secrets) -> str:
    with pytest.raises(SecretError) as caught:
        source.get("TOKEN")
    assert caught.value.name == "TOKEN"
    assert caught.value.__cause__ is None
    return str(caught.value)


def test_a_secret_that_is_missing_names_the_places(tmp_path: Path) -> None:
    assert problem_of(Secrets(None, {})) == (
        "secret TOKEN is not set\nLooked at the environment variable TOKEN and no file: "
        "`secrets.file` in indelible.toml names none."
    )
    file = tmp_path / "secrets"
    file.write_text("OTHER=something else\n")
    said = problem_of(Secrets(file, {"TOKEN": ""}))
    assert said.endswith(f"Looked at the environment variable TOKEN and in {file}.")


def test_a_secret_too_short_to_be_masked_is_refused_unseen() -> None:
    said = problem_of(Secrets(None, {"TOKEN": "hunter2"}))
    assert "secret TOKEN is shorter than 8 characters" in said
    assert "hunter2" not in said


def test_a_secret_that_is_no_text_is_refused() -> None:
    assert "is not valid UTF-8" in problem_of(Secrets(None, {"TOKEN": "0123456\udcff"}))


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"A=1\nt0p-s3cret\n", "line 2 is not NAME=value"),
        (b'{"TOKEN": "t0p-s3cret', "line 1 is not JSON"),
        (b'{"TOKEN": ["t0p-s3cret"]}', "the value of TOKEN is not a string"),
        (b"TOKEN=t0p-s3cret\xff", "it is not UTF-8"),
    ],
)
def test_a_file_that_cannot_be_read_is_described_without_its_values(
    tmp_path: Path, content: bytes, problem: str
) -> None:
    file = tmp_path / "secrets"
    file.write_bytes(content)
    said = problem_of(Secrets(file, {}))
    assert f"{file}: {problem}" in said
    assert "t0p-s3cret" not in said


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    said = problem_of(Secrets(tmp_path / "gone", {}))
    assert f"{tmp_path / 'gone'}: No such file" in said
