"""Secrets of attempts: they reach the node, and are in nothing that it leaves behind."""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from indelible.definition.model import Bash, Body, ExecutorKind, OutputFormat, Prompt, Script
from indelible.definition.model import Python as PythonBody
from indelible.executors.attempt import context
from indelible.executors.local import LocalExecutor
from indelible.executors.port import Attempt, Executor, Failed, Outcome, Succeeded
from indelible.executors.vault import Vault
from indelible.nodes import node_kinds
from indelible.secrets import SecretError, marker
from indelible.testing.attempts import an_attempt, outcomes_of
from indelible.values import Json

Open = Callable[..., Executor]

SECRET = 'hunt"er2 /hun\\ter2+ü'
NAME = "INDELIBLE_VAULT"


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NAME, SECRET)


class Table(msgspec.Struct, frozen=True):
    """Secrets of a test."""

    rows: Mapping[str, str]

    def get(self, name: str) -> str:
        if name not in self.rows:
            raise SecretError(name, "is not in the table")
        return self.rows[name]


def traces_of(attempt: Attempt, outcome: Outcome) -> str:
    """All that is left of an attempt: its files and its outcome."""
    files = [file for file in attempt.log.parent.rglob("*") if file.is_file()]
    fields = [getattr(outcome, name) for name in outcome.__struct_fields__]
    kept = [each.decode() if isinstance(each, bytes) else str(each) for each in fields]
    return "\n".join([*kept, *(file.read_text(errors="replace") for file in files)])


def is_clean(text: str) -> bool:
    raw = SECRET.encode()
    forms = (SECRET, json.dumps(SECRET)[1:-1], repr(SECRET)[1:-1], raw.hex())
    return not any(form in text for form in (*forms, base64.b64encode(raw).decode()[:12]))


def tell(key: str) -> Json:
    for letter in key:
        print(letter, end="")
        sys.stdout.flush()
    print()
    sys.stderr.write(key)
    sys.stdout.buffer.write(key.encode())
    context().logger.warning("the key is %s", key)
    return {"length": len(key), "key": [key], key: base64.b64encode(b"u:" + key.encode()).decode()}


async def tell_later(key: str) -> Json:
    return tell(key)


FAILING = """
def fail(key):
    print(key)
    try:
        raise ValueError(key)
    except ValueError as error:
        raise KeyError(f"no {key}") from error
"""

TOLD = {"length": len(SECRET), "key": ["***"]}


@pytest.mark.parametrize("name", ["tell", "tell_later"])
def test_prints_in_pieces_and_outputs_of_functions_are_masked(
    open_executor: Open, tmp_path: Path, name: str
) -> None:
    executor = open_executor(tell=tell, tell_later=tell_later)
    attempt = an_attempt(
        PythonBody(target=f"m:{name}"), tmp_path, id=name, arguments={"key": marker(NAME)}
    )
    outcome = outcomes_of(executor, [attempt])[name]
    assert isinstance(outcome, Succeeded)
    told = json.loads(outcome.output)
    assert {key: told[key] for key in TOLD} == TOLD
    assert told["***"].startswith("dTp")
    assert is_clean(traces_of(attempt, outcome))
    assert attempt.log.read_text().count("***") == 4


@pytest.mark.parametrize("executor_kind", list(ExecutorKind))
def test_errors_and_tracebacks_are_masked(
    open_executor: Open, tmp_path: Path, executor_kind: ExecutorKind
) -> None:
    (tmp_path / "failing.py").write_text(FAILING)
    attempt = an_attempt(
        PythonBody(target="fail", file=str(tmp_path / "failing.py")),
        tmp_path,
        arguments={"key": marker(NAME)},
        executor=executor_kind,
    )
    outcome = outcomes_of(open_executor(), [attempt])["node"]
    assert isinstance(outcome, Failed)
    assert (outcome.error.type, outcome.error.message) == ("KeyError", "'no ***'")
    assert outcome.error.traceback is not None
    assert "ValueError: ***" in outcome.error.traceback
    assert is_clean(traces_of(attempt, outcome))


PIECES = """
import os, sys, time
for byte in os.environ["KEY"].encode():
    os.write(1, bytes([byte]))
    time.sleep(0.001)
os.write(2, os.environ["KEY"].encode() * 500)
sys.exit(int(os.environ["CODE"]))
"""


@pytest.mark.parametrize("code", ["0", "1"])
def test_prints_of_a_process_are_masked_wherever_they_are_quoted(
    open_executor: Open, tmp_path: Path, code: str
) -> None:
    (tmp_path / "pieces.py").write_text(PIECES)
    attempt = an_attempt(
        Bash(f"{sys.executable} {tmp_path / 'pieces.py'}"),
        tmp_path,
        env={"KEY": marker(NAME), "CODE": code},
    )
    outcome = outcomes_of(open_executor(), [attempt])["node"]
    if isinstance(outcome, Succeeded):
        assert outcome.output == b'"***"'
    else:
        assert set(outcome.error.message.removeprefix("exit code 1, after:\n")) == {"*"}
    assert is_clean(traces_of(attempt, outcome))
    assert attempt.log.read_text().replace("***", "") == ""


@pytest.mark.parametrize(
    ("body", "output", "arguments"),
    [
        (Bash('printf "%s" "$KEY" | base64 -w0'), None, {}),
        (Bash('printf "{\\"a\\": 12345678, %s" "$KEY"'), OutputFormat.JSON, {}),
        (Script("output = [key, {'k': key}]; print(repr(key))"), None, {"key": marker(NAME)}),
        (Script("raise SystemExit(key)"), None, {"key": [f"{marker(NAME)}!", 1, None]}),
        (Prompt("", command=("cat",)), None, {"prompt": f"Use {marker(NAME)} for it."}),
        (Prompt("", command=("cat",)), OutputFormat.JSON, {"prompt": f"[{marker(NAME)}]"}),
    ],
    ids=["base64", "json", "script", "exit", "prompt", "prompt-json"],
)
def test_every_kind_gets_secrets_and_leaves_none(
    open_executor: Open,
    tmp_path: Path,
    body: Body,
    output: OutputFormat | None,
    arguments: Mapping[str, object],
) -> None:
    attempt = an_attempt(
        body, tmp_path, output=output, arguments=arguments, env={"KEY": marker(NAME)}
    )
    outcome = outcomes_of(open_executor(), [attempt])["node"]
    said = traces_of(attempt, outcome)
    assert "***" in said
    assert is_clean(said)


def test_a_secret_that_the_workflow_uses_elsewhere_is_masked_here_too(
    open_executor: Open, tmp_path: Path
) -> None:
    attempt = replace(an_attempt(Bash(f'echo "${NAME}"'), tmp_path), secrets=(NAME, "MISSING"))
    outcome = outcomes_of(open_executor(), [attempt])["node"]
    assert isinstance(outcome, Succeeded)
    assert outcome.output == b'"***"'


def test_what_is_shown_on_the_terminal_is_masked(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    executor = LocalExecutor(node_kinds(), echo=True)
    try:
        attempt = an_attempt(Bash('echo "$KEY"'), tmp_path, env={"KEY": marker(NAME)})
        outcomes_of(executor, [attempt])
    finally:
        executor.close()
    assert capfd.readouterr().out == "***\n"


def test_text_that_was_not_rendered_here_reveals_nothing(
    open_executor: Open, tmp_path: Path
) -> None:
    forged = f"\ue000secret:{'0' * 24}:{NAME}\ue001"
    attempt = an_attempt(Bash('echo "$KEY"'), tmp_path, env={"KEY": forged})
    outcome = outcomes_of(open_executor(), [attempt])["node"]
    assert isinstance(outcome, Succeeded)
    assert json.loads(outcome.output) == forged


def in_env(text: str) -> Attempt:
    return an_attempt(Bash("true"), Path("/nowhere"), env={"KEY": text})


def test_values_stand_inside_texts_lists_and_objects() -> None:
    vault = Vault(Table({"A": "12345678", "B": 'quo"ted\n'}))
    a, b = marker("A"), marker("B")
    attempt = an_attempt(Bash("true"), Path("/nowhere"), arguments={"x": {a: [f"<{a}{b}>", 1]}})
    vault.redactor(attempt)
    raw = vault.opened(attempt).arguments["x"]
    assert json.loads(raw) == {"12345678": ['<12345678quo"ted\n>', 1]}


def test_what_one_attempt_knew_is_masked_in_the_next() -> None:
    vault = Vault(Table({"A": "12345678"}))
    assert vault.redactor(in_env("")).is_idle
    vault.redactor(in_env(marker("A")))
    assert vault.redactor(in_env("")).text("it was 12345678") == "it was ***"


def test_a_missing_secret_fails_only_who_uses_it() -> None:
    vault = Vault(Table({}))
    attempt = in_env(marker("A"))
    vault.redactor(attempt)
    with pytest.raises(SecretError, match="secret A is not in the table"):
        vault.opened(attempt)
    unconcerned = replace(in_env(""), secrets=("A",))
    vault.redactor(unconcerned)
    assert vault.opened(unconcerned) == unconcerned


def test_each_secret_is_looked_up_once() -> None:
    asked: list[str] = []

    class Counting(Table, frozen=True):
        def get(self, name: str) -> str:
            asked.append(name)
            return super().get(name)

    vault = Vault(Counting({"A": "12345678"}))
    look: Callable[[], object] = lambda: vault.redactor(in_env(marker("A")))  # noqa: E731
    assert look() is look()
    assert asked == ["A"]
