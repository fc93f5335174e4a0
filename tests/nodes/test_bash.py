"""Bash nodes: strictness, and what their stdout becomes."""

from __future__ import annotations

from pathlib import Path

import pytest

from indelible.definition.model import Bash, OutputFormat
from indelible.executors.attempt import Control
from indelible.executors.failures import AttemptFailedError
from indelible.executors.log import AttemptLog
from indelible.nodes.bash import BashKind
from indelible.testing.attempts import an_attempt


def output_of(command: str, folder: Path, output: OutputFormat | None = None) -> bytes:
    attempt = an_attempt(Bash(command), folder, output=output)
    log = AttemptLog(lambda: attempt.log)
    try:
        return BashKind().run(attempt, Control(log))
    finally:
        log.close()


def problem_of(command: str, folder: Path, output: OutputFormat | None = None) -> tuple[str, str]:
    with pytest.raises(AttemptFailedError) as caught:
        output_of(command, folder, output)
    return caught.value.error.type, caught.value.error.message


@pytest.mark.parametrize(
    ("command", "output"),
    [
        ("echo hi", b'"hi"'),
        ("printf hi", b'"hi"'),
        ("printf 'hi\\n\\n'", b'"hi\\n"'),
        ("printf 'a\\nb\\n'", b'"a\\nb"'),
        ("true", b'""'),
        ("echo oh >&2", b'""'),
        ("printf 'caf\\303\\251 \\377'", '"café \ufffd"'.encode()),
        ("echo '{\"a\": 1}'", b'"{\\"a\\": 1}"'),
    ],
)
def test_text_is_what_was_printed_without_its_last_newline(
    tmp_path: Path, command: str, output: bytes
) -> None:
    assert output_of(command, tmp_path) == output


def test_json_is_parsed_and_written_anew(tmp_path: Path) -> None:
    command = """printf '{"a": [1, 2.50, "caf\\\\u00e9"]}\\n'"""
    assert output_of(command, tmp_path, OutputFormat.JSON) == '{"a":[1,2.5,"café"]}'.encode()


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("true", "nothing was printed"),
        ("echo hello", "it began with: 'hello\\n'"),
        ("echo NaN", "NaN is not a JSON number"),
        ('echo \'{"a":1,"a":2}\'', "a key stands twice in one object"),
        ("echo '\"\\ud800\"'", "lone surrogate"),
        ("printf '\"\\377\"'", "can't decode byte 0xff"),
        ("echo 1 2", "Extra data"),
        ("head -c 100000 /dev/zero | tr '\\0' '['", "nested"),
    ],
)
def test_stdout_that_is_no_json_is_shown(tmp_path: Path, command: str, said: str) -> None:
    kind, message = problem_of(command, tmp_path, OutputFormat.JSON)
    assert kind == "OutputError"
    assert message.startswith("stdout is not JSON: ")
    assert said in message
    assert len(message) < 500


@pytest.mark.parametrize("command", ["false; echo on", "false | cat; echo on", "no-such-command"])
def test_any_failing_command_ends_it(tmp_path: Path, command: str) -> None:
    assert problem_of(command, tmp_path)[0] == "ExitCode"


def test_a_command_that_does_not_exist_is_named(tmp_path: Path) -> None:
    _, message = problem_of("no-such-command", tmp_path)
    assert message.startswith("exit code 127, after:\n")
    assert "no-such-command: command not found" in message
