"""What decorated functions become: nodes, and functions all the same."""

from __future__ import annotations

import functools
import inspect
from pathlib import Path

from tests.definition.flows import new_flow, parameters_of, takes

from indelible.definition.model import Python
from indelible.definition.yaml_file import load_workflow


def test_a_decorated_function_stays_what_it_was() -> None:
    flow = new_flow()

    def double(number: int) -> int:
        return number * 2

    assert flow.node(double) is double
    assert flow.node(id="again")(double) is double
    assert double(4) == 8
    assert flow.functions == {"double": double, "again": double}


def test_the_first_line_of_the_docstring_describes_the_node() -> None:
    flow = new_flow()

    @flow.node
    def fetch() -> None:
        """
        Gets the rows.

        All of them.
        """

    flow.node(id="named", description="Mine.")(fetch)
    flow.node(id="bound")(functools.partial(fetch))
    said = [node.description for node in flow.build().nodes]
    assert said == ["Gets the rows.", "Mine.", ""]


def test_async_functions_are_marked() -> None:
    flow = new_flow()

    class Caller:
        async def __call__(self) -> int:
            return 1

    async def fetch() -> int:
        return 1

    flow.add(fetch, id="fetch")
    flow.add(functools.partial(fetch), id="partial")
    flow.add(Caller(), id="object")
    flow.add(lambda: 1, id="plain")
    bodies = [node.body for node in flow.build().nodes]
    assert [isinstance(it, Python) and it.is_async for it in bodies] == [True, True, True, False]


def test_many_nodes_with_one_function_share_what_was_read_of_it() -> None:
    class Counted:
        """A function that counts how often somebody asks for its signature."""

        asked = 0

        @property
        def __signature__(self) -> inspect.Signature:
            Counted.asked += 1
            return inspect.Signature()

        def __call__(self) -> None: ...

    flow, step = new_flow(), Counted()
    ids = [flow.add(step, id=f"n{number}") for number in range(10_000)]
    built = flow.build()
    assert [node.id for node in built.nodes] == ids
    assert Counted.asked == 1
    assert len({id(node.body) for node in built.nodes}) == 1


def test_with_only_splits_bodies_by_its_keys() -> None:
    flow = new_flow()

    def step(number: int = 0) -> None: ...

    for number in range(100):
        flow.add(step, id=f"n{number}", with_={"number": number})
    flow.add(step, id="bare")
    bodies = {id(node.body) for node in flow.build().nodes}
    assert len(bodies) == 2


def test_a_workflow_can_grow_after_it_was_built() -> None:
    flow = new_flow()
    flow.node(id="use")(takes("late"))
    assert parameters_of(flow.build(), "use") == {"late": "inputs.late"}
    flow.bash("late", "true")
    assert parameters_of(flow.build(), "use") == {"late": "nodes.late"}


def test_the_folder_is_where_the_functions_can_be_imported_from() -> None:
    flow = new_flow()
    flow.bash("first", "true")
    assert flow.build().folder == ""
    flow.add(load_workflow, id="second", with_={"path": "x.yaml"})
    folder = Path(flow.build().folder)
    assert (folder / "indelible" / "definition" / "yaml_file.py").is_file()
