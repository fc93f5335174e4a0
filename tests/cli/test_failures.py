"""How errors are told: on stderr in words, with --json on stdout too, and by the exit code."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from tests.cli.invoking import Invoke

from indelible import errors
from indelible.cli.failures import report
from indelible.cli.main import cli, main
from indelible.errors import Complaint, IndelibleError

EXAMPLES: list[IndelibleError] = [
    errors.IndelibleError("no"),
    errors.UsageError("no"),
    errors.RunExistsError("r"),
    errors.DefinitionError([Complaint(message="no")]),
    errors.InputError(["no"]),
    errors.ExpressionError("no", source="x"),
    errors.ValueNotJsonError("no", path="$"),
    errors.NotFoundError("no"),
    errors.WaitingError("r", []),
    errors.RunCancelledError("no"),
    errors.HeldError("r", "host, pid 1"),
    errors.GhostError("r", node_id="a", attempt=1, pids=[7], lock="a.lock"),
    errors.CorruptLogError("no", place="log"),
    errors.IllegalEventError("no"),
    errors.StoreError("no"),
    errors.ResultLostError("no"),
    errors.ConflictError("r", expected=1, found=2),
    errors.NewerLogError("log", found=2, known=1),
    errors.InterruptedRunError("r"),
]


def test_no_error_is_forgotten() -> None:
    def every(root: type[IndelibleError]) -> set[type[IndelibleError]]:
        return {root}.union(*map(every, root.__subclasses__()))

    ours = {kind for kind in every(IndelibleError) if kind.__module__ == errors.__name__}
    assert {type(error) for error in EXAMPLES} == ours


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)
def test_an_error_ends_with_its_exit_code_and_tells_its_parts(
    error: IndelibleError, invoke: Invoke, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report(error, as_json=False) == error.exit_code
    words = capsys.readouterr()
    assert words.out == ""
    # That it waits is told as it is: nothing went wrong.
    assert words.err.startswith("error: ") is not isinstance(error, errors.WaitingError)
    assert "Traceback" not in words.err
    assert report(error, as_json=True) == error.exit_code
    documented = capsys.readouterr()
    assert documented.err == words.err
    assert f'"type":"{type(error).__name__}"' in documented.out
    assert f'"exit_code":{error.exit_code}' in documented.out


def test_the_hint_stands_below_the_problem(capsys: pytest.CaptureFixture[str]) -> None:
    report(errors.UsageError("no", hint="Do this.\nOr that."), as_json=False)
    assert capsys.readouterr().err == "error: no\n    Do this.\n    Or that.\n"


def test_every_complaint_has_a_line_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    both = [
        Complaint(message="one", file="a.yaml", line=3, column=5, hint="Do this."),
        Complaint(message="two", file="a.yaml", line=4),
    ]
    report(errors.DefinitionError(both), as_json=False)
    assert capsys.readouterr().err == (
        "error: a.yaml:3:5: one\n    Do this.\nerror: a.yaml:4: two\n"
    )


def test_complaints_are_data_in_the_document(invoke: Invoke, tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("nodes:\n  - {id: a, bash: x, colour: red}\n")
    said = invoke("validate", "bad.yaml", "--json")
    assert said.code == 3
    (complaint,) = said.document["error"]["complaints"]
    assert (complaint["file"], complaint["line"], complaint["node"]) == ("bad.yaml", 2, "a")
    assert "colour" in complaint["message"]


def test_control_characters_of_others_are_spelled_out(capsys: pytest.CaptureFixture[str]) -> None:
    report(errors.NotFoundError("no \x1b[2J\x9b\u202e node"), as_json=False)
    assert capsys.readouterr().err == "error: no \\x1b[2J\\x9b\\u202e node\n"


def test_an_error_that_is_not_ours_says_so_with_its_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*arguments: object, **options: object) -> int:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(cli, "invoke", broken)
    assert main(["list"]) == 1
    said = capsys.readouterr().err
    assert "Traceback (most recent call last)" in said
    assert "error: this is a bug in Indelible" in said
    assert "ZeroDivisionError: division by zero" in said


def test_ctrl_c_before_a_run_began_ends_quietly(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*arguments: object, **options: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "invoke", interrupted)
    assert main(["list"]) == 130
    assert capsys.readouterr().err.strip() == ""


def test_warnings_for_the_user_are_notes(invoke: Invoke, tmp_path: Path) -> None:
    (tmp_path / "warns.py").write_text(
        "import warnings\n"
        "import indelible as ink\n"
        "flow = ink.Workflow('w')\n"
        "flow.bash('a', 'true')\n"
        "warnings.warn('mind the gap', stacklevel=1)\n"
    )
    said = invoke("validate", "warns.py:flow")
    assert said == type(said)(0, "ok: 1 node\n", "note: mind the gap\n")
    assert str(tmp_path) in sys.path[0]
