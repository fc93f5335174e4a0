"""What every kind of node keeps, as tests for its author.  Subclass, give fixtures, run pytest.

    class TestSql(NodeContract):
        @pytest.fixture
        def kind(self) -> NodeKind[Any]:
            return SQL

        @pytest.fixture
        def good(self, tmp_path: Path) -> Fields:
            return {"database": str(tmp_path / "x.db"), "query": "select 1"}

        @pytest.fixture
        def bad(self) -> Fields:
            return {"database": 3}

        @pytest.fixture
        def failing(self, good: Fields) -> Fields:
            return {**good, "query": "no such statement"}

Eight promises:

1. The kind is installed: an entry point has its name.
2. Fields come back from the log as they were written.
3. What is wrong with fields is said before anything runs, and names the field.
4. The output is JSON, and the log gives it back.
5. An exception fails the attempt, which can be retried.
6. An attempt that is stopped, or takes too long, ends.
7. A secret that it was given is in no file of the store.
8. A node that has completed does not run again, however its driver died.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from indelible import values
from indelible.definition.decorators import Retry
from indelible.definition.model import ExecutorKind, Plugged
from indelible.definition.plugged import load_kind
from indelible.errors import DefinitionError
from indelible.events import Event, NodeCompleted, NodeError, NodeFailed, NodeStarted
from indelible.executors.local import LocalExecutor
from indelible.executors.port import Failed
from indelible.nodes import node_kinds
from indelible.nodes.kind import NodeKind
from indelible.runtime.config import open_store
from indelible.runtime.flow import Workflow, resume
from indelible.runtime.log import open_log
from indelible.runtime.run import Run, get_run
from indelible.stores.codec import open_event
from indelible.testing.attempts import an_attempt, awaited, contents_of
from indelible.values import Json

__all__ = ["Fields", "NodeContract", "NodeKind"]

Fields = Mapping[str, Json]

SECRET = "correct horse/battery+staple"
STOPPED = NodeError(type="Stopped", message="as asked")
RUN = "contract"
UNTIL_TOLD = "echo begun > begun; until test -e go; do sleep 0.05; done"


class NodeContract:
    """One section per promise, in their order."""

    @pytest.fixture
    def kind(self) -> NodeKind[Any]:
        """The kind, which is installed."""
        raise NotImplementedError("override the fixture kind")

    @pytest.fixture
    def good(self) -> Fields:
        """Fields with which it completes."""
        raise NotImplementedError("override the fixture good")

    @pytest.fixture
    def bad(self) -> Fields:
        """For each field that can be wrong, a value that it refuses."""
        raise NotImplementedError("override the fixture bad")

    @pytest.fixture
    def failing(self) -> Fields | None:
        """Fields that are right, and with which it raises; None if it never does."""
        raise NotImplementedError("override the fixture failing")

    @pytest.fixture
    def endless(self) -> Fields | None:
        """Fields with which it runs for minutes; None if there are none."""
        return None

    @pytest.fixture
    def store(self, tmp_path: Path) -> Path:
        """The folder of the store."""
        return tmp_path / "contract-store"

    # 1. The kind is installed: an entry point has its name.

    def test_1_the_kind_is_installed_under_its_name(self, kind: NodeKind[Any]) -> None:
        assert load_kind(kind.name) == kind

    # 2. Fields come back from the log as they were written.

    def test_2_fields_come_back_from_the_log(
        self, kind: NodeKind[Any], good: Fields, store: Path
    ) -> None:
        completed(run_of(kind, good, store))
        body = open_log(open_store(store), RUN).plan.definition.nodes[0].body
        assert isinstance(body, Plugged)
        assert (body.name, body.fields) == (kind.name, good)

    # 3. What is wrong with fields is said before anything runs, and names the field.

    def test_3_an_unknown_field_is_refused(self, kind: NodeKind[Any], good: Fields) -> None:
        assert "not_a_field" in refusal(kind, {**good, "not_a_field": 1})

    def test_3_a_missing_field_is_refused(self, kind: NodeKind[Any], good: Fields) -> None:
        for field in msgspec.structs.fields(kind.fields):
            if field.required:
                rest = {name: value for name, value in good.items() if name != field.encode_name}
                assert f"`{field.encode_name}`" in refusal(kind, rest)

    def test_3_a_bad_field_is_refused(self, kind: NodeKind[Any], good: Fields, bad: Fields) -> None:
        assert bad, "the fixture bad must have a field"
        for name, value in bad.items():
            assert f"`{kind.name}.{name}" in refusal(kind, {**good, name: value})

    def test_3_a_template_elsewhere_is_refused(self, kind: NodeKind[Any], good: Fields) -> None:
        for name in good.keys() - set(kind.templates):
            assert "takes no `${{ }}`" in refusal(kind, {**good, name: "${{ run.id }}"})

    # 4. The output is JSON, and the log gives it back.

    def test_4_the_output_is_json(self, kind: NodeKind[Any], good: Fields, store: Path) -> None:
        run = completed(run_of(kind, good, store))
        output = run.node("it").output
        assert values.decode(values.encode(output)) == output
        assert get_run(open_store(store), RUN).node("it").output == output

    # 5. An exception fails the attempt, which can be retried.

    def test_5_an_exception_fails_the_attempt(
        self, kind: NodeKind[Any], failing: Fields | None, store: Path
    ) -> None:
        run = run_of(kind, given(failing), store, retry=Retry(max_attempts=2, delay=0))
        assert run.status == "failed"
        failures = [each for each in events_in(store) if isinstance(each, NodeFailed)]
        assert [each.attempt for each in failures] == [1, 2]
        assert all(each.error.message for each in failures)

    # 6. An attempt that is stopped, or takes too long, ends.

    def test_6_an_attempt_that_takes_too_long_ends(
        self, kind: NodeKind[Any], endless: Fields | None, store: Path
    ) -> None:
        run = run_of(kind, given(endless), store, timeout=0.5, grace=0.5)
        error = run.node("it").error
        assert error is not None
        assert error.type == "Timeout"

    def test_6_an_attempt_that_is_stopped_ends(
        self, kind: NodeKind[Any], endless: Fields | None, tmp_path: Path
    ) -> None:
        body = Plugged(name=kind.name, fields=given(endless))
        executor = LocalExecutor(node_kinds())
        try:
            executor.submit([an_attempt(body, tmp_path, executor=ExecutorKind.PROCESS, grace=0.5)])
            executor.cancel("node", STOPPED)
            outcome = awaited(executor)["node"]
        finally:
            executor.close()
        assert isinstance(outcome, Failed)
        assert outcome.error == STOPPED

    # 7. A secret that it was given is in no file of the store.

    def test_7_a_secret_is_in_no_file(
        self,
        kind: NodeKind[Any],
        good: Fields,
        store: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        if not kind.templates:
            pytest.skip("this kind has no field for a secret")
        monkeypatch.setenv("INDELIBLE_CONTRACT", SECRET)
        for name in kind.templates:
            fields = {**good, name: "${{ secrets.INDELIBLE_CONTRACT }}"}
            run_of(kind, fields, store / name)
        files = [path for path in store.rglob("*") if path.is_file()]
        assert files
        assert [path for path in files if SECRET.encode() in path.read_bytes()] == []

    # 8. A node that has completed does not run again, however its driver died.

    def test_8_a_completed_node_does_not_run_again(
        self, kind: NodeKind[Any], good: Fields, store: Path, tmp_path: Path
    ) -> None:
        first = {"id": "it", kind.name: good}
        second = {"id": "after", "depends_on": ["it"], "bash": UNTIL_TOLD, "cwd": str(tmp_path)}
        file = tmp_path / "contract.yaml"
        file.write_bytes(msgspec.json.encode({"nodes": [first, second]}))
        killed_when_begun(file, store, tmp_path / "begun")
        (tmp_path / "go").touch()
        completed(resume(RUN, store=store))
        done = [each for each in events_in(store) if isinstance(each, NodeStarted | NodeCompleted)]
        assert [type(each) for each in done if each.node_id == "it"] == [NodeStarted, NodeCompleted]


def flow_of(kind: NodeKind[Any], fields: Fields, **options: Any) -> Workflow:
    """A workflow with one node, ``it``."""
    flow = Workflow("contract")
    flow.plugged("it", kind.name, fields, **options)
    return flow


def run_of(kind: NodeKind[Any], fields: Fields, store: Path, **options: Any) -> Run:
    """Its run ``contract``, in the store at ``store``, as far as it came."""
    return flow_of(kind, fields, **options).run(store=store, run_id=RUN)


def completed(run: Run) -> Run:
    """``run``, which should have completed."""
    assert run.status == "completed", run.node("it").error
    return run


def refusal(kind: NodeKind[Any], fields: Fields) -> str:
    """What is said of fields that are wrong."""
    with pytest.raises(DefinitionError) as caught:
        flow_of(kind, fields).build()
    return str(caught.value)


def given(fields: Fields | None) -> Fields:
    if fields is None:
        pytest.skip("this kind has no such fields")
    return fields


def events_in(store: Path) -> Sequence[Event]:
    """The log of the run, oldest first."""
    return [open_event(sealed) for sealed in open_store(store).read(RUN)]


def killed_when_begun(file: Path, store: Path, begun: Path) -> None:
    """Run ``file`` in a process that is killed once there is something in ``begun``."""
    command = [sys.executable, "-m", "indelible", "run", str(file), "--run-id", RUN]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with subprocess.Popen([*command, "--store", str(store)], env=environment) as process:
        try:
            contents_of(begun)
        finally:
            process.kill()
