"""Runs of nodes inside nodes, by real executors: each attempt is known by its path."""

from __future__ import annotations

from datetime import timedelta

from indelible.definition.model import Bash, Composite, Definition, ForEach, Input, Loop, Node, Wait
from indelible.runtime import drive
from indelible.runtime.log import open_log
from indelible.stores.memory import MemoryStore
from tests.engine.given import node
from tests.runtime.worlds import ERROR, World


def test_instances_of_a_map_are_told_apart_by_the_executor() -> None:
    bash = Bash(command='echo "$INDELIBLE_NODE_ID"')
    flow = Definition(
        name="w",
        nodes=(
            Node(id="m", body=bash, for_each=ForEach(items="[1, 2, 3]")),
            Node(id="c", body=Composite(nodes=(Node(id="m", body=bash),), returns="m")),
            Node(id="l", body=bash, loop=Loop(until="output == 'l#2'", max_iterations=3)),
        ),
        outputs={name: f"${{{{ nodes.{name}.output }}}}" for name in ("m", "c", "l")},
    )
    store = MemoryStore()
    state = drive.start(store, flow, {}, run_id="r1")
    assert str(state.status) == "completed"
    assert bytes(state.outputs) == b'{"m":["m[0]","m[1]","m[2]"],"c":"c/m","l":"l#2"}'  # type: ignore[arg-type]
    store.close()


def test_a_composite_that_is_refused_as_it_begins_gives_its_places_back() -> None:
    body = Composite(
        nodes=(node("x"), node("y")), is_isolated=True, inputs={"day": Input(required=True)}
    )
    world = World()
    state = world.start(
        Node(id="c", body=body, allow_failure=True), node("after", "c"), max_parallel=1
    )
    assert state.status == "completed"
    assert world.statuses() == {"c": "allowed", "after": "success"}


def test_a_failed_item_is_made_again_by_a_resume_and_the_others_stay() -> None:
    world = World(lambda attempt: ERROR if attempt.node_id == "m[1]" else attempt.node_id)
    mapped = Node(id="m", body=Bash(command="true"), for_each=ForEach(items="[1, 2, 3]"))
    assert world.start(mapped, node("z", "m")).status == "failed"
    world.work = lambda attempt: attempt.node_id
    assert world.resume().status == "completed"
    assert world.ran == ["m[1]", "z"]


def test_a_timer_that_came_due_while_nothing_ran_fires_at_resume() -> None:
    world = World()
    world.start(Node(id="w", body=Wait(duration=timedelta(hours=1))), node("z", "w"))
    assert open_log(world.store, "r1").state.status == "completed"
