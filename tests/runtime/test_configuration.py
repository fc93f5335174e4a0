"""The configuration file: where it is, what it says, what is wrong with it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import indelible
from indelible.definition.model import Prompt
from indelible.errors import UsageError
from indelible.executors.port import Attempt, Executor, Failed, Succeeded
from indelible.runtime.config import (
    Configuration,
    default_store_url,
    load_configuration,
    open_executor,
)
from indelible.secrets import marker
from indelible.testing.attempts import an_attempt, outcomes_of

WHOLE = """
store = "sqlite:///runs.db"

[agent]
command = ["my-agent", "--stdin"]

[secrets]
file = "private/secrets"
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory, and another as home."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("INDELIBLE_STORE", raising=False)
    return tmp_path / "here"


@pytest.fixture
def at_home(tmp_path: Path) -> Path:
    """Where the user's own configuration is."""
    folder = tmp_path / "home" / ".config" / "indelible"
    folder.mkdir(parents=True)
    return folder / "config.toml"


def test_without_a_file_nothing_is_configured() -> None:
    assert load_configuration() == Configuration()
    assert default_store_url() == ".indelible"


def test_a_file_says_agent_secrets_and_store(here: Path) -> None:
    (here / "indelible.toml").write_text(WHOLE)
    found = load_configuration()
    assert found.agent == ("my-agent", "--stdin")
    assert found.secrets_file is not None
    assert found.secrets_file.resolve() == (here / "private" / "secrets").resolve()
    assert default_store_url() == found.store == "sqlite:///runs.db"


def test_the_file_here_comes_before_the_one_at_home(here: Path, at_home: Path) -> None:
    at_home.write_text('store = "home"')
    assert load_configuration().store == "home"
    (here / "indelible.toml").write_text("")
    assert load_configuration() == Configuration()


def test_a_secrets_file_stands_beside_the_file_that_names_it(at_home: Path) -> None:
    at_home.write_text('[secrets]\nfile = "secrets"')
    assert load_configuration().secrets_file == at_home.with_name("secrets")
    at_home.write_text('[secrets]\nfile = "/etc/secrets"')
    assert load_configuration().secrets_file == Path("/etc/secrets")


def test_the_environment_comes_before_the_file(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "indelible.toml").write_text(WHOLE)
    monkeypatch.setenv("INDELIBLE_STORE", "memory:")
    assert default_store_url() == "memory:"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("stroe = 'a'", "indelible.toml: unknown key stroe\nDid you mean store?"),
        ("[agent]\ncomand = ['a']", "unknown key agent.comand\nDid you mean agent.command?"),
        (
            "[zebra]\na = 1",
            "unknown key zebra\nThere are: agent.command, durability, secrets.file, store.",
        ),
        ("agent = 'my-agent'", "unknown key agent\n"),
        ("[agent]\ncommand = 'my-agent'", 'agent.command must be a list of words, such as ["my'),
        ("[agent]\ncommand = []", "agent.command must be a list of words"),
        ("[agent]\ncommand = [1]", "agent.command must be a list of words"),
        ("[secrets]\nfile = 1", "secrets.file must be a text"),
        ("store = ''", "store must be a text"),
        ("store = ", "indelible.toml: Invalid value (at end of document)"),
    ],
)
def test_a_file_that_is_wrong_is_named_with_the_key(here: Path, content: str, said: str) -> None:
    (here / "indelible.toml").write_text(content)
    with pytest.raises(UsageError) as caught:
        load_configuration()
    assert "indelible.toml: " in str(caught.value)
    assert said in str(caught.value)


def test_a_file_that_is_no_text_is_named(here: Path) -> None:
    (here / "indelible.toml").write_bytes(b"\xff")
    with pytest.raises(UsageError, match=r"^indelible\.toml: .*utf-8"):
        load_configuration()


@pytest.mark.parametrize("is_inline", [False, True])
def test_agent_and_secrets_reach_the_nodes(here: Path, is_inline: bool) -> None:
    (here / "indelible.toml").write_text(
        "[agent]\ncommand = ['bash', '-c', 'cat; echo \"${#KEY}\"']\n[secrets]\nfile = 'mine'"
    )
    (here / "mine").write_text("INDELIBLE_MINE=sixteen letters!")
    attempt = an_attempt(
        Prompt(""),
        here,
        arguments={"prompt": f"<{marker('INDELIBLE_MINE')}>\n"},
        env={"KEY": marker("INDELIBLE_MINE")},
    )
    outcome = run(open_executor({}, is_inline=is_inline), attempt)
    assert isinstance(outcome, Succeeded)
    assert outcome.output == b'"<***>\\n16"'


def test_a_secret_in_neither_place_names_both(here: Path) -> None:
    (here / "indelible.toml").write_text("[secrets]\nfile = 'mine'")
    (here / "mine").touch()
    attempt = an_attempt(
        Prompt("", command=("true",)), here, arguments={"prompt": marker("INDELIBLE_MINE")}
    )
    outcome = run(open_executor({}), attempt)
    assert isinstance(outcome, Failed)
    assert outcome.error.message == (
        "secret INDELIBLE_MINE is not set\n"
        "Looked at the environment variable INDELIBLE_MINE and in mine."
    )


def run(executor: Executor, attempt: Attempt) -> Succeeded | Failed:
    try:
        return outcomes_of(executor, [attempt])["node"]
    finally:
        executor.close()


def test_without_a_file_no_reader_is_loaded() -> None:
    program = (
        "import sys; from indelible.runtime.config import load_configuration;"
        "load_configuration(); print('tomllib' in sys.modules)"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(indelible.__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, env=environment
    )
    assert done.stdout == b"False\n"
