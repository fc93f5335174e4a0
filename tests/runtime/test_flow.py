"""The public Python door, seen from a program that uses it."""

from __future__ import annotations

from pathlib import Path

import pytest

from indelible import Workflow
from indelible.definition.callables import UnimportableWarning


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
