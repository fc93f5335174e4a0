"""The command line as a whole: help, verbs, what every one of them can do."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from tests.cli.invoking import CHAIN, HELLO, Invoke, a_run
from tests.cli.logs_made import a_question, an_open_run, moved
from tests.commands import environment, program

import indelible
from indelible.cli.main import VERBS, command_of

HEAVY = ("rich", "yaml", "asyncio", "sqlite3", "apsw", "filelock", "msgspec", "simpleeval")


def test_help_lists_every_verb_with_a_line(invoke: Invoke) -> None:
    said = invoke("--help")
    assert said.code == 0
    for verb, line in VERBS.items():
        assert f"{verb} " in said.out
        assert line in said.out
    assert invoke("-h") == said


def test_no_arguments_show_the_help(invoke: Invoke) -> None:
    said = invoke()
    assert (said.code, said.out) == (2, "")
    assert "Commands:" in said.err


def test_the_version_is_that_of_the_package(invoke: Invoke) -> None:
    assert invoke("--version").out == f"indelible {indelible.__version__}\n"


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_with_an_example_and_the_options_of_all(
    invoke: Invoke, verb: str
) -> None:
    said = invoke(verb, "--help")
    assert said.code == 0
    assert said.out == invoke(verb, "-h").out
    examples = said.out.partition("Examples:\n")[2]
    assert f"indelible {verb}" in examples
    assert "--json" in said.out
    assert "--store URL" in said.out


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_begins_its_help_with_its_line_in_the_list(verb: str) -> None:
    command = command_of(verb)
    assert command.name == verb
    assert (command.help or "").startswith(VERBS[verb])


def test_a_mistyped_verb_is_a_usage_error_with_a_guess(invoke: Invoke) -> None:
    said = invoke("resum", "r")
    assert said.code == 2
    assert "error: there is no command 'resum'. Did you mean resume?" in said.err
    assert "Commands: run, resume" in invoke("xyzzy").err


def test_a_mistyped_option_is_a_usage_error_that_says_where_help_is(invoke: Invoke) -> None:
    said = invoke("list", "--jsno")
    assert said.code == 2
    assert said.err.startswith("error: no such option")
    assert "Try: indelible list --help" in said.err


def test_usage_errors_are_documents_too(invoke: Invoke) -> None:
    said = invoke("show", "--json")
    assert said.code == 2
    error = said.document["error"]
    assert error["exit_code"] == 2
    assert "RUN" in error["message"]


WITH_JSON: dict[str, tuple[str, ...]] = {
    "run": ("hello.yaml",),
    "resume": ("r",),
    "approve": ("asks", "gate"),
    "reject": ("asks", "gate"),
    "cancel": ("open",),
    "fork": ("r", "--no-run"),
    "list": (),
    "show": ("r",),
    "explain": ("r",),
    "diff": ("r", "open"),
    "events": ("r", "--type", "workflow_started"),
    "logs": ("r", "a"),
    "graph": ("r",),
    "validate": ("hello.yaml",),
    "verify": ("r",),
    "repair": ("copied", "--rebuild-head"),
    "export": ("r", "r.jsonl"),
    "import": ("moved.jsonl",),
    "copy": ("r", "--to", "other"),
    "schema": (),
    "completion": ("bash",),
}


def test_every_verb_is_tried_with_json() -> None:
    assert set(WITH_JSON) == set(VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_writes_one_json_document(invoke: Invoke, verb: str, tmp_path: Path) -> None:
    a_run(tmp_path, "r")
    an_open_run(tmp_path, "open", nodes=CHAIN)
    a_run(tmp_path, "copied")
    (tmp_path / ".indelible" / "copied" / "head").unlink()
    (tmp_path / "hello.yaml").write_text(HELLO)
    a_question(tmp_path, "asks")
    (tmp_path / "moved.jsonl").write_bytes(moved(tmp_path))
    said = invoke(verb, *WITH_JSON[verb], "--json")
    assert said.code == 0, said.err
    assert isinstance(said.document, dict)
    assert said.out.count("\n") == 1


def loaded_after(code: str) -> set[str]:
    """The heavy modules that a new interpreter has after ``code``."""
    ask = f"{code}; print(*({{*{HEAVY}}} & {{*sys.modules}}))"
    done = program(sys.executable, "-c", f"import sys; {ask}", cwd=Path.cwd(), env=environment())
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.real
def test_the_list_of_verbs_loads_nothing_heavy() -> None:
    code = "from indelible.cli.main import main; main(['--help'])"
    assert loaded_after(code) == set()


@pytest.mark.real
def test_a_run_of_one_bash_node_loads_only_what_it_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "one.yaml").write_text('nodes: [{id: only, bash: "true"}]')
    code = "from indelible.cli.main import main; main(['run', 'one.yaml'])"
    assert loaded_after(code) == {"yaml", "msgspec"}
