"""The six promises of ``executors/port.py`` as tests.  Subclass, give a fixture, and run pytest.

    class TestMyExecutor(ExecutorContract):
        @pytest.fixture
        def executor(self) -> Iterator[Executor]:
            executor = MyExecutor(node_kinds())
            yield executor
            executor.close()

The executor must know how to run bash and script nodes, on the machine that runs the tests.
"""

from __future__ import annotations

import json
from pathlib import Path
from threading import Thread

import pytest

from indelible.definition.model import Bash, Script
from indelible.events import NodeError
from indelible.executors.port import Executor, Failed, Succeeded
from indelible.secrets import marker
from indelible.testing.attempts import (
    an_attempt,
    awaited,
    contents_of,
    is_running,
    outcomes_of,
)

STOPPED = NodeError(type="Stopped", message="as asked")
SECRET = "correct horse/battery+staple"
STUBBORN = "trap '' TERM; echo $$ > pid; while true; do sleep 0.05; done"


class ExecutorContract:
    """What every executor keeps.  One section per promise, in their order."""

    @pytest.fixture
    def executor(self) -> Executor:
        """An open executor that the test may close; closing it twice must do no harm."""
        raise NotImplementedError("override the fixture executor")

    # 1. Every submitted attempt yields exactly one outcome, unless close comes first.

    def test_every_attempt_yields_one_outcome(self, executor: Executor, tmp_path: Path) -> None:
        attempts = [an_attempt(Bash(f"exit {n}"), tmp_path, id=f"n{n}") for n in range(5)]
        found = outcomes_of(executor, attempts)
        assert sorted(found) == ["n0", "n1", "n2", "n3", "n4"]
        assert [name for name in found if isinstance(found[name], Succeeded)] == ["n0"]
        assert list(executor.outcomes(timeout=0)) == []

    def test_an_outcome_names_its_attempt(self, executor: Executor, tmp_path: Path) -> None:
        outcome = outcomes_of(executor, [an_attempt(Bash("echo hi"), tmp_path, number=7)])["node"]
        assert isinstance(outcome, Succeeded)
        assert (outcome.attempt, outcome.output) == (7, b'"hi"')
        assert outcome.duration > 0

    def test_a_node_can_be_attempted_again(self, executor: Executor, tmp_path: Path) -> None:
        for number in (1, 2):
            attempt = an_attempt(Bash("echo $INDELIBLE_ATTEMPT"), tmp_path, number=number)
            outcome = outcomes_of(executor, [attempt])["node"]
            assert isinstance(outcome, Succeeded)
            assert outcome.output == b'"%d"' % number

    # 2. outcomes returns all that is ready; it blocks only while nothing is.

    def test_without_attempts_nothing_is_ready(self, executor: Executor) -> None:
        assert list(executor.outcomes(timeout=0)) == []
        assert list(executor.outcomes(timeout=0.01)) == []

    def test_wake_ends_a_wait(self, executor: Executor) -> None:
        executor.wake()
        assert list(executor.outcomes(timeout=None)) == []

    # 3. cancel asks the attempt to stop; what can be stopped by force is.

    def test_a_cancelled_attempt_fails_as_asked(self, executor: Executor, tmp_path: Path) -> None:
        executor.submit([an_attempt(Bash("sleep 1000"), tmp_path)])
        executor.cancel("node", STOPPED)
        executor.cancel("node", NodeError(type="Other", message="too late"))
        outcome = awaited(executor)["node"]
        assert isinstance(outcome, Failed)
        assert outcome.error == STOPPED

    def test_what_ignores_the_request_is_killed(self, executor: Executor, tmp_path: Path) -> None:
        attempt = an_attempt(Bash(STUBBORN), tmp_path, cwd=tmp_path, grace=0.1)
        executor.submit([attempt])
        found: list[object] = []
        waiter = Thread(target=lambda: found.append(awaited(executor)["node"]), daemon=True)
        waiter.start()
        pid = int(contents_of(tmp_path / "pid"))
        executor.cancel("node", STOPPED)
        waiter.join()
        assert isinstance(found[0], Failed)
        assert found[0].error == STOPPED
        assert not is_running(pid)

    def test_cancelling_what_does_not_run_does_no_harm(
        self, executor: Executor, tmp_path: Path
    ) -> None:
        executor.cancel("node", STOPPED)
        assert isinstance(
            outcomes_of(executor, [an_attempt(Bash("true"), tmp_path)])["node"], Succeeded
        )
        executor.cancel("node", STOPPED)
        assert list(executor.outcomes(timeout=0)) == []

    # 4. An attempt that raises, exits or prints anything at all harms nobody but itself.

    @pytest.mark.parametrize(
        "body",
        [
            Bash("kill -KILL $$"),
            Bash("kill -TERM 0"),
            Bash("printf '\\377\\000\\n' >&2; exit 1"),
            Script("raise SystemExit('no')"),
            Script("import os; os._exit(9)"),
            Script("raise KeyboardInterrupt"),
            Script("class E(BaseException): pass\nraise E('\\ud800')"),
            Script("def f(): f()\nf()"),
            Script("not Python"),
        ],
        ids=repr,
    )
    def test_a_bad_attempt_harms_nobody_but_itself(
        self, executor: Executor, tmp_path: Path, body: Bash | Script
    ) -> None:
        bad = an_attempt(body, tmp_path, id="bad")
        good = an_attempt(Bash("echo fine"), tmp_path, id="good")
        found = outcomes_of(executor, [bad, good])
        assert isinstance(found["bad"], Failed)
        assert isinstance(found["good"], Succeeded)
        assert found["bad"].error.message.encode()

    # 5. After close nothing that could be stopped by force is running.

    def test_after_close_nothing_runs(self, executor: Executor, tmp_path: Path) -> None:
        executor.submit([an_attempt(Bash(STUBBORN), tmp_path, cwd=tmp_path, grace=1000)])
        Thread(target=executor.outcomes, kwargs={"timeout": None}, daemon=True).start()
        pid = int(contents_of(tmp_path / "pid"))
        executor.close()
        assert not is_running(pid)
        executor.close()

    # 6. A node gets the values of its secrets; neither its log nor its outcome has one.

    @pytest.mark.parametrize("end", ["exit 0", "exit 1"])
    def test_a_secret_reaches_the_node_and_nothing_else(
        self, executor: Executor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: str
    ) -> None:
        monkeypatch.setenv("INDELIBLE_CONTRACT", SECRET)
        command = f'echo "${{#KEY}}: $KEY"; echo "oh, $KEY" >&2; {end}'
        attempt = an_attempt(Bash(command), tmp_path, env={"KEY": marker("INDELIBLE_CONTRACT")})
        outcome = outcomes_of(executor, [attempt])["node"]
        said = outcome.output.decode() if isinstance(outcome, Succeeded) else outcome.error.message
        logged = attempt.log.read_text()
        assert sorted(logged.splitlines()) == [f"{len(SECRET)}: ***", "oh, ***"]
        assert said in (json.dumps(f"{len(SECRET)}: ***"), "exit code 1, after:\noh, ***")
        assert SECRET not in logged + said

    def test_a_secret_without_a_value_fails_the_node(
        self, executor: Executor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("INDELIBLE_CONTRACT", raising=False)
        attempt = an_attempt(
            Bash("touch started"),
            tmp_path,
            cwd=tmp_path,
            env={"KEY": marker("INDELIBLE_CONTRACT")},
        )
        outcome = outcomes_of(executor, [attempt])["node"]
        assert isinstance(outcome, Failed)
        assert outcome.error.type == "SecretError"
        assert "INDELIBLE_CONTRACT is not set" in outcome.error.message
        assert not (tmp_path / "started").exists()
