"""The public Python door, seen from a program that uses it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from indelible import Workflow, get_run, resume
from indelible.definition.callables import UnimportableWarning
from indelible.errors import UsageError


def double(item: int) -> int:
    return item * 2


def test_a_function_that_cannot_be_imported_again_is_warned_of() -> None:
    flow = Workflow("f")
    flow.add(lambda: 3, id="a")
    with pytest.warns(UnimportableWarning, match="a: a lambda .* cannot be imported again"):
        assert flow.run(store="memory:").status == "completed"


@pytest.mark.filterwarnings("error")
def test_a_function_of_a_module_is_not() -> None:
    flow = Workflow("f")
    flow.add(double, id="a", with_={"item": 2})
    assert flow.run(store="memory:").node("a").output == 4


def test_the_output_of_a_container_is_put_together(tmp_path: Path) -> None:
    flow = Workflow("f")
    flow.add(double, id="many", for_each="[1, 2, 3]")
    run = flow.run(store=tmp_path)
    assert run.node("many").output == [2, 4, 6]
    assert run.node("many[1]").output == 4


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"run_id": 5}, "5 is not a run id"),
    ({"run_id": ["r"]}, r"\['r'\] is not a run id"),
    ({"run_id": "latest"}, "no run can be called 'latest'"),
    ({"store": 5}, "5 is no store, and no URL of one\n.*sqlite:///FILE"),
    ({"store": b"runs"}, "b'runs' is no store"),
    ({"store": "sqlite:///:memory:"}, "'sqlite:///:memory:' would be gone .*\n.*memory:"),
]


@pytest.mark.parametrize(("given", "words"), WRONG)
def test_a_value_of_the_wrong_type_is_refused_in_words(given: dict[str, Any], words: str) -> None:
    flow = Workflow("f")
    flow.add(double, id="a", with_={"item": 2})
    with pytest.raises(UsageError, match=words):
        flow.run(**{"store": "memory:", **given})


def test_a_resume_is_told_the_same() -> None:
    wrong: Any = 5
    with pytest.raises(UsageError, match="5 is not a run id"):
        resume(wrong, store="memory:")
    with pytest.raises(UsageError, match="5 is no store"):
        resume("r", store=wrong)
    with pytest.raises(UsageError, match="flow is a Workflow, not 5"):
        resume("r", flow=wrong, store="memory:")
    with pytest.raises(UsageError, match="from_nodes is a list of node ids, not 'load'"):
        resume("r", from_nodes="load", store="memory:")
    with pytest.raises(UsageError, match="inputs are a mapping from their names to values, not 5"):
        Workflow("f").run(wrong, store="memory:")
    with pytest.raises(UsageError, match="'runs' is no store\nOpen it"):
        get_run(cast(Any, "runs"), "r")
