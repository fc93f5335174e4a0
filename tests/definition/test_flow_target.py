"""Workflows named on a command line."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.definition.module_files import write

from indelible.definition import model
from indelible.definition.callables import load_callable, load_flow, source_digest
from indelible.errors import NotFoundError, UsageError

FLOW = """
from indelible.definition.decorators import WorkflowBuilder
import neighbour

flow = WorkflowBuilder("etl")
number = 3

@flow.node
def clean() -> int: return 7
"""


@pytest.fixture
def etl(folder: Path) -> Path:
    write(folder / "jobs" / "etl.py", FLOW)
    write(folder / "jobs" / "neighbour.py", "")
    return folder / "jobs" / "etl.py"


def test_a_flow_is_loaded_by_module_from_the_current_directory(
    etl: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(etl.parent)
    built = load_flow("etl:flow").build()
    assert built.nodes[0].body == model.Python(
        target="etl:clean", source_digest=source_digest(load_flow("etl:flow").functions["clean"])
    )
    assert built.folder == str(etl.parent)


def test_a_flow_is_loaded_by_file_with_its_neighbours(etl: Path) -> None:
    flow = load_flow("jobs/etl.py:flow")
    body = flow.build().nodes[0].body
    assert isinstance(body, model.Python)
    assert (body.target, body.file) == ("clean", str(etl))
    assert load_callable(body, "") is flow.functions["clean"]


@pytest.mark.parametrize(
    ("target", "error", "said"),
    [
        ("jobs/etl.py", UsageError, "'jobs/etl.py' does not name a workflow"),
        ("jobs/etl.py:", UsageError, "Write module:flow, or path/file.py:flow."),
        ("jobs/etl.py:flwo", NotFoundError, "jobs/etl.py has no flwo\nDid you mean flow?"),
        ("jobs/etl.py:other", NotFoundError, "Workflows there: flow."),
        ("jobs/etl.py:number", UsageError, "type int, not a workflow\nWorkflows there: flow."),
        ("jobs/etl.py:WorkflowBuilder", UsageError, "is of type type, not a workflow"),
        ("jobs/neighbour.py:flow", NotFoundError, "has no flow\nIt has no workflow."),
        ("jobs/gone.py:flow", NotFoundError, "there is no file"),
        ("gone:flow", NotFoundError, "there is no module gone"),
    ],
)
def test_a_flow_that_cannot_be_loaded_says_why(
    etl: Path, target: str, error: type[Exception], said: str
) -> None:
    with pytest.raises(error) as caught:
        load_flow(target)
    assert said in str(caught.value)
