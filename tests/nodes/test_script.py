"""Script nodes: variables in, ``output`` out, errors with the script's own lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from indelible.definition.model import Script
from indelible.events import NodeError
from indelible.executors.attempt import Control
from indelible.executors.failures import AttemptFailedError
from indelible.executors.log import AttemptLog
from indelible.executors.port import Attempt
from indelible.nodes.script import ScriptKind
from indelible.testing.attempts import an_attempt


def output_of(attempt: Attempt) -> bytes:
    log = AttemptLog(lambda: attempt.log)
    try:
        return ScriptKind().run(attempt, Control(log))
    finally:
        log.close()


def error_of(attempt: Attempt) -> NodeError:
    with pytest.raises(AttemptFailedError) as caught:
        output_of(attempt)
    return caught.value.error


def test_arguments_are_variables_and_output_is_the_output(tmp_path: Path) -> None:
    script = Script("output = {'sum': sum(rows), 'day': day}")
    attempt = an_attempt(script, tmp_path, arguments={"rows": [1, 2], "day": "é"})
    assert output_of(attempt) == '{"sum":3,"day":"é"}'.encode()


def test_without_output_it_is_null(tmp_path: Path) -> None:
    assert output_of(an_attempt(Script("x = 1"), tmp_path)) == b"null"


def test_a_large_argument_and_a_large_output_pass(tmp_path: Path) -> None:
    attempt = an_attempt(
        Script("output = text + '!'"), tmp_path, arguments={"text": "x" * 5_000_000}
    )
    assert len(output_of(attempt)) == 5_000_003


def test_prints_go_to_the_log_and_never_into_the_output(tmp_path: Path) -> None:
    script = (
        "import os, sys\nprint('one \\ud800')\nos.write(1, b'two\\n')\nos.system('echo three')\n"
    )
    attempt = an_attempt(Script(script + "output = 4"), tmp_path)
    assert output_of(attempt) == b"4"
    assert attempt.log.read_text().splitlines() == ["one \\ud800", "two", "three"]


def test_an_exception_shows_the_scripts_lines(tmp_path: Path) -> None:
    error = error_of(an_attempt(Script("def f():\n    return {}['x']\n\nf()\n"), tmp_path))
    assert (error.type, error.message) == ("KeyError", "'x'")
    assert error.bases == ("LookupError", "Exception", "BaseException")
    assert error.traceback is not None
    lines = error.traceback.splitlines()
    assert lines[1:3] == ['  File "<script of node node>", line 4, in <module>', "    f()"]
    assert "line 2, in f" in error.traceback
    assert "return {}['x']" in error.traceback


def test_a_script_that_does_not_compile_says_where(tmp_path: Path) -> None:
    error = error_of(an_attempt(Script("x = 1\nx ="), tmp_path))
    assert (error.type, error.message) == (
        "SyntaxError",
        "invalid syntax (<script of node node>, line 2)",
    )


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("output = {'a': [float('nan')]}", "$.a[0]: nan is not a JSON number"),
        ("output = b'x'", "$: bytes are not JSON"),
        ("output = [object()]", "$[0]: object is not JSON"),
        ("output = []; output.append(output)", "or a circle"),
        ("output = {1: 2}", "the key 1 is not a string"),
        ("output = '\\ud800'", "lone surrogate"),
    ],
)
def test_an_output_that_is_no_json_is_named_with_its_path(
    tmp_path: Path, source: str, said: str
) -> None:
    error = error_of(an_attempt(Script(source), tmp_path))
    assert error.type == "OutputError"
    assert error.message.startswith("the result of node node cannot be kept: $")
    assert said in error.message


def test_an_exit_without_an_error_ends_the_script(tmp_path: Path) -> None:
    assert output_of(an_attempt(Script("import sys\noutput = 1\nsys.exit()"), tmp_path)) == b"1"


def test_an_exit_with_an_error_is_a_failure(tmp_path: Path) -> None:
    error = error_of(an_attempt(Script("import sys\nsys.exit('no more')"), tmp_path))
    assert (error.type, error.message) == ("SystemExit", "no more")


def test_a_process_that_vanishes_is_explained(tmp_path: Path) -> None:
    error = error_of(an_attempt(Script("import os\nos._exit(0)"), tmp_path))
    assert error.type == "OutputError"
    assert error.message == "the process ended with exit code 0 before it had a result"
    error = error_of(an_attempt(Script("import os\nos.kill(os.getpid(), 9)"), tmp_path))
    assert (error.type, error.message, error.exit_code) == ("ExitCode", "killed by SIGKILL", 137)


def test_a_term_from_outside_is_no_exception_of_the_script(tmp_path: Path) -> None:
    error = error_of(an_attempt(Script("import os\nos.kill(os.getpid(), 15)"), tmp_path))
    assert (error.type, error.message, error.exit_code) == ("ExitCode", "stopped by SIGTERM", 143)


def test_the_workflows_folder_can_be_imported_from(tmp_path: Path) -> None:
    (tmp_path / "beside_it.py").write_text("VALUE = 42\n")
    script = Script("import beside_it\noutput = beside_it.VALUE")
    assert output_of(an_attempt(script, tmp_path)) == b"42"


def test_a_script_is_main_and_has_its_environment_and_folder(tmp_path: Path) -> None:
    script = (
        "import os, sys, dataclasses\n"
        "@dataclasses.dataclass\nclass Point:\n    x: int\n"
        "output = [__name__, os.environ['A'], os.getcwd(), sys.argv, Point(3).x, sys.stdin.read()]"
    )
    attempt = an_attempt(Script(script), tmp_path, env={"A": "b"}, cwd=tmp_path)
    expected = f'["__main__","b","{tmp_path.resolve()}",["node"],3,""]'
    assert output_of(attempt).decode() == expected


@pytest.mark.real
def test_a_timeout_stops_it(tmp_path: Path) -> None:
    error = error_of(an_attempt(Script("import time\ntime.sleep(1000)"), tmp_path, timeout=0.5))
    assert error.type == "Timeout"
