"""``output_schema``: checked after every kind of node, before the outcome is one."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from indelible.definition.model import Bash, Body, Prompt, Python, Script
from indelible.events import NodeError
from indelible.executors.port import Executor, Failed, Succeeded
from indelible.secrets import marker
from indelible.testing.attempts import an_attempt, outcomes_of
from indelible.values import Json

Open = Callable[..., Executor]

SCHEMA: Json = {
    "type": "object",
    "properties": {"a": {"items": {"properties": {"b": {"type": "number"}}}}},
}
GOOD, BAD = '{"a": [{"b": 1}]}', '{"a": [{"b": "one"}]}'


async def later(a: Json) -> Json:
    return {"a": a}


def now(a: Json) -> Json:
    return {"a": a}


def body_of(kind: str, text: str) -> Body:
    bodies: dict[str, Body] = {
        "bash": Bash(f"echo '{text}'"),
        "prompt": Prompt("", command=(sys.executable, "-c", f"print({text!r})")),
        "script": Script(f"output = {text}"),
        "now": Python(target="m:now"),
        "later": Python(target="m:later"),
    }
    return bodies[kind]


def outcome_of(executor: Executor, kind: str, text: str, folder: Path) -> Succeeded | Failed:
    arguments = {"prompt": "?"} if kind == "prompt" else {}
    if kind in ("now", "later"):
        arguments = {"a": eval(text)["a"]}  # noqa: S307  our own text
    attempt = an_attempt(
        body_of(kind, text), folder, id=kind, output_schema=SCHEMA, arguments=arguments
    )
    return outcomes_of(executor, [attempt])[kind]


@pytest.mark.parametrize("kind", ["bash", "prompt", "script", "now", "later"])
def test_an_output_that_misses_its_schema_fails_the_node_with_the_path(
    open_executor: Open, tmp_path: Path, kind: str
) -> None:
    executor = open_executor(now=now, later=later)
    good = outcome_of(executor, kind, GOOD, tmp_path)
    assert isinstance(good, Succeeded)
    assert good.output == b'{"a":[{"b":1}]}'
    bad = outcome_of(executor, kind, BAD, tmp_path)
    assert isinstance(bad, Failed)
    assert bad.error == NodeError(
        type="SchemaMismatch",
        message='the output misses its schema: $.a[0].b: must be number, but is "one"',
    )


def test_text_that_is_no_json_is_an_output_error(open_executor: Open, tmp_path: Path) -> None:
    outcome = outcome_of(open_executor(), "bash", "hello", tmp_path)
    assert isinstance(outcome, Failed)
    assert outcome.error.type == "OutputError"


def test_a_misfit_that_holds_a_secret_does_not_say_it(
    open_executor: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEY", "open-sesame-" + "x" * 100)
    attempt = an_attempt(
        Bash('echo "\\"$TOKEN\\""'),
        tmp_path,
        output_schema={"type": "number"},
        env={"TOKEN": marker("KEY")},
    )
    outcome = outcomes_of(open_executor(), [attempt])["node"]
    assert isinstance(outcome, Failed)
    assert outcome.error.message.endswith('$: must be number, but is "***"')
