"""Prompt nodes: what reaches the agent, and what becomes of its answer."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from msgspec.structs import replace

from indelible import values
from indelible.definition.model import OutputFormat, Prompt
from indelible.events import NodeError
from indelible.executors.attempt import Control
from indelible.executors.failures import AttemptFailedError
from indelible.executors.log import AttemptLog
from indelible.executors.port import Attempt
from indelible.nodes.prompt import PromptKind, prompt_of
from indelible.testing.attempts import an_attempt
from indelible.values import Json

SCHEMA: Json = {"type": "object", "required": ["ok"], "properties": {"ok": {"type": "boolean"}}}

AGENT = """
import json, os, sys
prompt = sys.stdin.read()
args = open(f"/proc/{os.getpid()}/cmdline").read() if os.path.exists("/proc") else ""
print(json.dumps({"prompt": prompt, "argv": sys.argv[1:], "is_in_argv": prompt[:20] in args}))
"""


@pytest.fixture
def agent(tmp_path: Path) -> tuple[str, ...]:
    """An agent that answers with all it was told."""
    return scripted(tmp_path, AGENT)


def scripted(folder: Path, source: str) -> tuple[str, ...]:
    file = folder / "agent.py"
    file.write_text(source)
    return (sys.executable, str(file), "--stdin")


def asked(
    prompt: str,
    folder: Path,
    *command: str,
    output: OutputFormat | None = None,
    output_schema: Json = None,
) -> Attempt:
    return an_attempt(
        Prompt("as rendered", command=command),
        folder,
        arguments={"prompt": prompt},
        output=output,
        output_schema=output_schema,
    )


def answer_to(attempt: Attempt, *configured: str) -> Json:
    log = AttemptLog(lambda: attempt.log)
    try:
        return values.decode(PromptKind(configured).run(attempt, Control(log)))
    finally:
        log.close()


def error_of(attempt: Attempt, *configured: str) -> NodeError:
    with pytest.raises(AttemptFailedError) as caught:
        answer_to(attempt, *configured)
    return caught.value.error


@pytest.mark.parametrize("prompt", ["Summarise: é\n{x} %s $HOME", "x" * 5_000_000])
def test_the_prompt_is_read_on_stdin_and_is_not_in_the_arguments(
    tmp_path: Path, agent: tuple[str, ...], prompt: str
) -> None:
    answer = answer_to(asked(prompt, tmp_path, *agent, output=OutputFormat.JSON))
    assert answer == {"prompt": prompt, "argv": ["--stdin"], "is_in_argv": False}


def test_an_agent_that_does_not_read_a_large_prompt_may_answer(tmp_path: Path) -> None:
    assert answer_to(asked("x" * 5_000_000, tmp_path, "echo", "no need")) == "no need"


def test_an_empty_prompt_is_empty(tmp_path: Path) -> None:
    assert answer_to(asked("", tmp_path, "bash", "-c", 'read -r line || echo "<$line>"')) == "<>"


def test_the_answer_is_text_without_its_last_newline(tmp_path: Path) -> None:
    assert answer_to(asked('{"a": 1}\n', tmp_path, "cat")) == '{"a": 1}'


def test_with_a_schema_the_answer_is_parsed(tmp_path: Path) -> None:
    assert answer_to(asked('{"ok": true}', tmp_path, "cat", output_schema=SCHEMA)) == {"ok": True}


def test_an_answer_that_is_to_be_json_and_is_not_is_shown(tmp_path: Path) -> None:
    error = error_of(asked("Sure! Here it is", tmp_path, "cat", output_schema=SCHEMA))
    assert error.type == "OutputError"
    assert "stdout is not JSON" in error.message
    assert "it began with: 'Sure! Here it is'" in error.message


def test_the_nearest_agent_answers(tmp_path: Path) -> None:
    def attempt(*command: str, workflow: tuple[str, ...] = ()) -> Attempt:
        return replace(asked("?", tmp_path, *command), agent=workflow)

    assert answer_to(attempt("echo", "1", workflow=("echo", "2")), "echo", "3") == "1"
    assert answer_to(attempt(workflow=("echo", "2")), "echo", "3") == "2"
    assert answer_to(attempt(), "echo", "3") == "3"


def test_without_any_agent_the_three_places_for_one_are_named(tmp_path: Path) -> None:
    error = error_of(asked("?", tmp_path))
    assert error.type == "SpawnError"
    assert error.message.startswith("no agent command: set `agent: {command: [...]}` in the node")
    assert "workflow" in error.message
    assert "[agent] in indelible.toml" in error.message


@pytest.mark.parametrize(
    ("command", "kind", "said"),
    [
        (("no-such-agent",), "SpawnError", "cannot start no-such-agent: it is not on the PATH"),
        (("bash", "-c", "echo out of credit >&2; exit 4"), "ExitCode", "exit code 4, after:\nout"),
        (("true",), "OutputError", "the agent true printed nothing"),
        (("printf", " \\n\\n"), "OutputError", "the agent printf printed nothing"),
    ],
)
def test_an_agent_that_does_not_answer_fails_the_node(
    tmp_path: Path, command: tuple[str, ...], kind: str, said: str
) -> None:
    error = error_of(asked("?", tmp_path, *command))
    assert error.type == kind
    assert said in error.message


@pytest.mark.parametrize("kind", ["SchemaMismatch", "OutputError"])
def test_a_retry_tells_the_agent_what_was_wrong_and_what_is_wanted(
    tmp_path: Path, kind: str
) -> None:
    before = NodeError(type=kind, message='$.ok: must be boolean, but is "{yes}"')
    attempt = replace(
        asked("Is it {ok}?", tmp_path, output_schema=SCHEMA), number=2, previous_error=before
    )
    lines = prompt_of(attempt).splitlines()
    assert lines[:4] == [
        "Is it {ok}?",
        "",
        "=== YOUR LAST ANSWER WAS NOT ACCEPTED ===",
        before.message,
    ]
    assert json.loads(lines[4].partition("JSON Schema: ")[2]) == SCHEMA
    assert lines[-1] == "=== END ==="


@pytest.mark.parametrize("kind", ["Timeout", "ExitCode", "Interrupted", "SpawnError"])
def test_of_failures_that_are_not_about_the_answer_the_agent_hears_nothing(
    tmp_path: Path, kind: str
) -> None:
    before = NodeError(type=kind, message="no")
    assert prompt_of(replace(asked("?", tmp_path), previous_error=before)) == "?"
