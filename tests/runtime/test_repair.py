"""``resume --from`` and ``resume --definition``: what begins anew, and what may not differ."""

from __future__ import annotations

from typing import Any

import pytest

from indelible.definition.model import (
    Bash,
    Body,
    Composite,
    Definition,
    ForEach,
    Input,
    Loop,
    Node,
    Python,
)
from indelible.errors import DefinitionError, InputError, NotFoundError
from indelible.events import WorkflowStarted
from indelible.runtime import drive
from indelible.runtime.log import open_log
from indelible.stores.codec import open_event
from tests.engine.given import node
from tests.runtime.worlds import ERROR, PowerCut, World, chain, cut_after


def inside(node_id: str, *nodes: Node, **fields: Any) -> Node:
    return Node(id=node_id, body=Composite(nodes=nodes), **fields)


def mapped(node_id: str, **fields: Any) -> Node:
    each = ForEach(items="[1, 2, 3]")
    return Node(id=node_id, body=fields.pop("body", Bash(command="true")), for_each=each, **fields)


def looped(most: int, body: Body | None = None) -> Node:
    loop = Loop(until=f"output == {most}", max_iterations=most)
    return Node(id="r", body=body or Bash(command="true"), loop=loop)


def completed(*nodes: Node, **fields: Any) -> World:
    world = World(lambda attempt: _iteration(attempt.node_id))
    assert world.start(*nodes, **fields).status == "completed"
    return world


def _iteration(path: str) -> int:
    _, mark, rest = path.partition("#")
    return int(rest.partition("/")[0]) if mark else 0


def changed(*nodes: Node, **fields: Any) -> Definition:
    return Definition(name="w", nodes=nodes, **fields)


def last_opening(world: World) -> WorkflowStarted:
    events = [open_event(event) for event in world.store.read("r1")]
    return [event for event in events if isinstance(event, WorkflowStarted)][-1]


def test_a_node_and_everything_downstream_begins_anew_also_in_a_completed_run() -> None:
    world = completed(*chain(4), node("other"))
    assert world.resume(from_nodes=["n3"]).status == "completed"
    assert world.ran == ["n3", "n4"]
    assert last_opening(world).reset == last_opening(world).reset_explicitly == ("n3", "n4")


def test_what_is_begun_anew_by_request_gets_a_new_idempotency_key() -> None:
    world = completed(*chain(2))
    world.resume(from_nodes=["n2"])
    assert world.keys == ["n2/1"]
    world.resume(from_nodes=["n1"])
    assert world.keys == ["n1/1", "n2/2"]


def test_what_a_resume_begins_anew_by_itself_keeps_its_key() -> None:
    world = World(lambda attempt: ERROR)
    world.start(node("a"))
    world.resume()
    assert world.keys == ["a/0"]
    assert last_opening(world).reset_explicitly == ()


def test_a_composite_loses_everything_in_it_and_its_attempts_go_on() -> None:
    world = completed(inside("c", node("a"), node("b", "a")), node("z", "c"))
    assert world.resume(from_nodes=["c"]).status == "completed"
    assert world.ran == ["c/a", "c/b", "z"]
    assert world.keys == ["c/a/1", "c/b/1", "z/1"]
    assert world.state().nodes["c/a"].attempt == 2


def test_a_node_in_a_composite_keeps_its_siblings_and_begins_what_is_behind_the_composite() -> None:
    world = completed(inside("c", node("a"), node("b", "a"), node("x")), node("z", "c"))
    assert world.resume(from_nodes=["c/b"]).status == "completed"
    assert world.ran == ["c/b", "z"]


def test_one_item_of_a_map_is_made_again() -> None:
    world = completed(mapped("m"), node("z", "m"))
    assert world.resume(from_nodes=["m[1]"]).status == "completed"
    assert world.ran == ["m[1]", "z"]


def test_an_iteration_of_a_loop_loses_those_after_it() -> None:
    world = completed(looped(4), node("z"))
    assert world.resume(from_nodes=["r#2"]).status == "completed"
    assert world.ran == ["r#2", "r#3", "r#4"]
    assert world.keys == ["r#2/1", "r#3/1", "r#4/1"]
    assert [world.state().nodes[f"r#{k}"].attempt for k in (1, 2, 3, 4)] == [1, 2, 2, 2]


def test_a_node_in_an_iteration_loses_the_iterations_after_its_own() -> None:
    body = Composite(nodes=(node("a"), node("b", "a")), returns="b")
    world = completed(looped(3, body))
    assert world.resume(from_nodes=["r#2/b"]).status == "completed"
    assert world.ran == ["r#2/b", "r#3/a", "r#3/b"]
    assert world.resume(from_nodes=["r#3/a", "r#1/b"]).status == "completed"
    assert world.keys == ["r#1/b/1", "r#2/a/1", "r#2/b/2", "r#3/a/2", "r#3/b/2"]


def test_a_death_in_the_middle_of_it_is_resumed_as_any_other() -> None:
    world = completed(looped(3), node("z", "r"))
    world.watch = cut_after(len(world.types()) + 2)
    with pytest.raises(PowerCut):
        world.resume(from_nodes=["r#2"])
    world.watch = lambda state, events: None
    assert world.resume().status == "completed"
    assert world.statuses()["z"] == "success"


def test_a_node_that_is_not_cannot_begin_anew() -> None:
    world = completed(*chain(2))
    before = world.types()
    with pytest.raises(NotFoundError, match="run r1 has no node 'n9'"):
        world.resume(from_nodes=["n9"])
    assert world.types() == before


def broken() -> World:
    world = World(lambda attempt: ERROR if attempt.node_id == "n2" else None)
    assert world.start(*chain(3)).status == "failed"
    world.work = lambda attempt: None
    return world


def test_a_changed_definition_is_adopted_when_what_was_done_is_the_same() -> None:
    world = broken()
    first, second, third = chain(3)
    fixed = Node(id="n2", body=Bash(command="./fixed"), depends_on=("n1",))
    new = node("n4", "n3")
    assert world.resume(definition=changed(first, fixed, third, new)).status == "completed"
    assert world.ran == ["n2", "n3", "n4"]
    assert last_opening(world).changed == ("n2", "n4")
    again = open_log(world.store, "r1")
    assert again.plan.definition.nodes[1] == fixed
    assert again.state.nodes["n2"].attempt == 2
    assert second != fixed


def test_a_node_that_is_gone_is_forgotten() -> None:
    world = broken()
    first, *_ = chain(3)
    assert world.resume(definition=changed(first)).status == "completed"
    assert world.statuses() == {"n1": "success"}


def test_what_has_been_done_may_not_differ_unless_it_begins_anew() -> None:
    world = broken()
    _, *rest = chain(3)
    other = Node(id="n1", body=Bash(command="a\nb"))
    before = world.types()
    with pytest.raises(DefinitionError) as caught:
        world.resume(definition=changed(other, *rest))
    said = str(caught.value)
    assert "node n1: it differs, but is success in run r1" in said
    assert "-true" in said
    assert "+b" in said
    assert "--from n1" in said
    assert world.types() == before
    state = world.resume(definition=changed(other, *rest), from_nodes=["n1"])
    assert (state.status, world.ran) == ("completed", ["n1", "n2", "n3"])


def test_a_composite_that_has_started_may_not_differ() -> None:
    world = World(lambda attempt: ERROR if attempt.node_id == "c/b" else None)
    world.start(inside("c", node("a"), node("b", "a")))
    with pytest.raises(DefinitionError, match="node c: it differs"):
        world.resume(definition=changed(inside("c", node("a"))))
    world.work = lambda attempt: None
    state = world.resume(definition=changed(inside("c", node("a"))), from_nodes=["c"])
    assert (state.status, world.ran) == ("completed", ["c/a"])


def test_started_containers_that_are_the_same_go_on_under_the_new_definition() -> None:
    nodes = (inside("c", node("a"), node("b", "a")), mapped("m", max_parallel=1), looped(3))
    calm = completed(*nodes)
    for moment in range(2, len(calm.types()) - 1):
        world = World(lambda attempt: _iteration(attempt.node_id))
        world.watch = cut_after(moment)
        with pytest.raises(PowerCut):
            world.start(*nodes)
        world.watch = lambda state, events: None
        new = changed(node("first"), *nodes, node("last", "c"), max_parallel=2)
        assert world.resume(definition=new).status == "completed"
        expected = {**calm.statuses(), "first": "success", "last": "success"}
        assert world.statuses() == expected
        assert world.types().count("node_completed") == len(expected)


def test_the_same_definition_changes_nothing() -> None:
    world = broken()
    assert world.resume(definition=changed(*chain(3))).status == "completed"
    assert last_opening(world).definition_blob is None
    assert last_opening(world).changed == ()


def test_inputs_that_the_new_definition_adds_take_their_defaults() -> None:
    world = World(lambda attempt: ERROR if attempt.node_id == "a" else None)
    day = Definition(name="w", nodes=(node("a"),), inputs={"day": Input()})
    drive.start(world.store, day, {"day": "mon"}, run_id="r1", shell=world.shell())
    world.work = lambda attempt: None
    both = {"day": Input(), "hour": Input(default="noon", has_default=True)}
    needed = {"day": Input(), "hour": Input(required=True)}
    with pytest.raises(InputError, match="hour"):
        world.resume(definition=changed(node("a"), inputs=needed))
    outputs = {"at": "${{ inputs.day }} ${{ inputs.hour }}"}
    state = world.resume(definition=changed(node("a"), inputs=both, outputs=outputs))
    assert bytes(state.outputs) == b'{"at":"mon noon"}'  # type: ignore[arg-type]


def first_try() -> None: ...


def second_try() -> str:
    return "better"


def test_changed_source_of_a_node_that_has_not_completed_is_adopted() -> None:
    from indelible.definition.callables import source_digest

    digest = source_digest(first_try)
    nodes = tuple(
        Node(id=name, body=Python(target="m:f", source_digest=digest)) for name in ("a", "b")
    )
    world = World(lambda attempt: ERROR if attempt.node_id == "b" else None)
    world.start(*nodes)
    world.work = lambda attempt: None
    shell = drive.Shell(
        functions={"a": second_try, "b": second_try},
        executor=world.shell().executor,
        now=world.clock,
        roll=lambda: 0.5,
    )
    assert drive.resume(world.store, "r1", shell=shell).status == "completed"
    assert last_opening(world).changed == ("b",)
    body = open_log(world.store, "r1").plan.definition.nodes[1].body
    assert isinstance(body, Python)
    assert body.source_digest == source_digest(second_try)
