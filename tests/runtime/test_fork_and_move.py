"""Forks, exports, imports and copies: what of a log goes where, and what is refused."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from msgspec import Raw

from indelible.definition.model import (
    Approval,
    Bash,
    Composite,
    Definition,
    ForEach,
    Input,
    Loop,
    Node,
    TriggerRule,
)
from indelible.errors import (
    CorruptLogError,
    InputError,
    NotFoundError,
    RunExistsError,
    UsageError,
    WaitingError,
)
from indelible.events import Event, ForkedFrom, NodeCompleted, WorkflowStarted
from indelible.runtime import drive
from indelible.runtime.config import open_store
from indelible.runtime.fork import fork
from indelible.runtime.log import open_log
from indelible.runtime.move import copy_run, export_run, import_run
from indelible.stores.codec import line_of, open_event
from indelible.stores.memory import MemoryStore
from indelible.stores.port import IWorkflowStore
from tests.engine.given import node
from tests.runtime.worlds import ERROR, World, chain


def lines(store: IWorkflowStore, run_id: str = "r1") -> list[bytes]:
    return [line_of(event) for event in store.read(run_id)]


def test_a_fork_at_a_sequence_keeps_what_had_ended_by_then() -> None:
    world = World(lambda attempt: attempt.node_id)
    world.start(*chain(4))
    before = lines(world.store)
    assert fork(world.store, "r1", at=6, run_id_of_fork="r2") == "r2"  # n3 was in flight
    assert world.statuses("r2") == {
        "n1": "success",
        "n2": "success",
        "n3": "pending",
        "n4": "pending",
    }
    assert world.resume("r2").status == "completed"
    assert world.ran == ["n3", "n4"]
    assert world.keys == ["n3/0", "n4/0"]
    assert lines(world.store) == before


def test_a_fork_says_where_it_comes_from_and_when_things_happened() -> None:
    world = World()
    world.start(*chain(2))
    fork(world.store, "r1", at=3, run_id_of_fork="r2")
    opening, _, completed = (open_event(event) for event in world.store.read("r2"))
    assert isinstance(opening, WorkflowStarted)
    assert opening.forked_from == ForkedFrom(run_id="r1", sequence=3)
    assert isinstance(completed, NodeCompleted)
    assert completed.at == list(world.store.read("r1"))[2].at


def test_a_fork_from_a_node_drops_it_and_everything_behind_it() -> None:
    world = World()
    world.start(*chain(3), node("other"))
    fork(world.store, "r1", from_node="n2", run_id_of_fork="r2")
    world.resume("r2")
    assert world.ran == ["n2", "n3"]


def test_a_fork_of_a_failed_run_takes_up_what_a_resume_would() -> None:
    world = World(lambda attempt: ERROR if attempt.node_id == "n2" else None)
    clean = node("clean", "n2", trigger_rule=TriggerRule.ALL_DONE)
    world.start(*chain(3), clean)
    world.work = lambda attempt: None
    fork(world.store, "r1", run_id_of_fork="r2")
    assert world.resume("r2").status == "completed"
    assert world.ran == ["n2", "n3", "clean"]


def test_a_fork_at_any_sequence_of_nested_nodes_ends_as_the_run_did() -> None:
    pair = Composite(nodes=(node("a"), node("b", "a")), returns="b")
    nodes = (
        Node(id="c", body=pair),
        Node(id="m", body=pair, for_each=ForEach(items="[1, 2]"), depends_on=("c",)),
        Node(id="r", body=pair, loop=Loop(until="output == 'r#2/b'", max_iterations=3)),
    )
    world = World(lambda attempt: attempt.node_id)
    outputs = {name: f"${{{{ nodes.{name}.output }}}}" for name in ("c", "m", "r")}
    whole = world.start(*nodes, outputs=outputs)
    ran = list(world.ran)
    for at in range(1, len(world.types()) + 1):
        events = [open_event(event) for event in world.store.read("r1")][:at]
        done = {each.node_id for each in events if isinstance(each, NodeCompleted)}
        fork(world.store, "r1", at=at, run_id_of_fork=f"f{at}")
        state = world.resume(f"f{at}")
        assert bytes(state.outputs) == bytes(whole.outputs)  # type: ignore[arg-type]
        assert sorted(world.ran) == sorted(set(ran) - done)


def test_a_fork_of_a_run_that_was_repaired_keeps_the_last_outcome_of_each_node() -> None:
    world = World(lambda attempt: ERROR if attempt.node_id == "n2" else attempt.number)
    clean = node("clean", "n2", trigger_rule=TriggerRule.ALL_DONE)
    world.start(*chain(2), clean)
    world.work = lambda attempt: attempt.number
    world.resume()
    fork(world.store, "r1", run_id_of_fork="r2")
    assert world.state("r2").nodes["n2"].output == Raw(b"2")
    world.resume("r2")
    assert world.ran == []


def test_a_fork_from_an_iteration_goes_on_with_the_loop_from_there() -> None:
    world = World(lambda attempt: attempt.node_id)
    loop = Loop(until="output == 'r#3'", max_iterations=3)
    world.start(Node(id="r", body=Bash(command="true"), loop=loop), node("z", "r"))
    fork(world.store, "r1", from_node="r#2", run_id_of_fork="r2")
    assert world.resume("r2").status == "completed"
    assert world.ran == ["r#2", "r#3", "z"]


def test_what_waited_asks_again_in_the_fork() -> None:
    world = World()
    with pytest.raises(WaitingError):
        world.start(Node(id="gate", body=Approval(message="?")), waits=False)
    fork(world.store, "r1", run_id_of_fork="r2")
    with pytest.raises(WaitingError, match="gate"):
        world.resume("r2", waits=False)


def given_day(world: World) -> None:
    flow = Definition(name="w", nodes=tuple(chain(2)), inputs={"day": Input(required=True)})
    drive.start(world.store, flow, {"day": "mon"}, run_id="r1", shell=world.shell())


def test_other_inputs_keep_outcomes_only_where_it_is_said_which() -> None:
    world = World()
    given_day(world)
    fork(world.store, "r1", inputs={"day": "tue"}, run_id_of_fork="r2")
    assert world.state("r2").inputs == Raw(b'{"day":"tue"}')
    world.resume("r2")
    assert world.ran == ["n1", "n2"]
    fork(world.store, "r1", inputs={"day": "tue"}, from_node="n2", run_id_of_fork="r3")
    world.resume("r3")
    assert world.ran == ["n2"]


def test_a_fork_that_cannot_be_is_refused_and_leaves_nothing() -> None:
    world = World()
    given_day(world)
    for at in (0, -1, 7, 1000):
        with pytest.raises(UsageError, match=rf"no event {at}: it has 6"):
            fork(world.store, "r1", at=at)
    with pytest.raises(NotFoundError, match="no node 'n9'"):
        fork(world.store, "r1", from_node="n9")
    with pytest.raises(NotFoundError, match="no run r9"):
        fork(world.store, "r9")
    with pytest.raises(RunExistsError):
        fork(world.store, "r1", run_id_of_fork="r1")
    with pytest.raises(InputError, match="hour"):
        fork(world.store, "r1", inputs={"hour": 3})
    assert list(world.store.runs()) == ["r1"]


def test_a_fork_has_copies_of_the_values_beside_the_log() -> None:
    world = World(lambda attempt: "x" * 100_000)
    world.start(node("a"), node("b", "a"), outputs={"a": "${{ nodes.a.output }}"})
    fork(world.store, "r1", from_node="b", run_id_of_fork="r2")
    world.store._blobs = {key: raw for key, raw in world.store._blobs.items() if key[0] == "r2"}
    assert world.resume("r2").status == "completed"


Opener = Callable[[str], IWorkflowStore]
KINDS = {"memory": "memory:", "filesystem": "{}", "sqlite": "sqlite:///{}/runs.db"}


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opener]:
    stores: list[IWorkflowStore] = []

    def open_one(kind: str) -> IWorkflowStore:
        folder = tmp_path / str(len(stores))
        folder.mkdir()
        stores.append(open_store(KINDS[kind].format(folder)))
        return stores[-1]

    yield open_one
    for store in stores:
        store.close()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("origin", KINDS)
def test_a_copied_log_is_byte_for_byte_the_same(opened: Opener, origin: str, kind: str) -> None:
    world = World(lambda attempt: "x" * 70_000 if attempt.node_id == "n2" else "é")
    source, target = opened(origin), opened(kind)
    flow = Definition(name="w", nodes=tuple(chain(3)), outputs={"n": "${{ nodes.n2.output }}"})
    drive.start(source, flow, {}, run_id="r1", shell=world.shell())
    assert copy_run(source, target, "r1") == 8
    assert lines(target) == lines(source)
    assert open_log(target, "r1").state.status == "completed"
    blob = open_log(target, "r1").state.nodes["n2"].output
    assert not isinstance(blob, Raw | None)
    assert target.get_blob("r1", blob) == b'"' + b"x" * 70_000 + b'"'
    with pytest.raises(RunExistsError):
        copy_run(source, target, "r1")


@pytest.mark.parametrize("kind", KINDS)
def test_an_export_is_imported_as_the_same_lines(opened: Opener, kind: str) -> None:
    world = World(lambda attempt: ERROR if attempt.node_id == "n2" else "é")
    world.start(*chain(3))
    file = io.BytesIO()
    assert export_run(world.store, "r1", file) == len(lines(world.store))
    assert file.getvalue() == b"".join(line + b"\n" for line in lines(world.store))
    target = opened(kind)
    file.seek(0)
    assert import_run(target, file) == "r1"
    assert lines(target) == lines(world.store)
    with pytest.raises(RunExistsError):
        import_run(target, file.getvalue())
    world.work = lambda attempt: None
    assert drive.resume(target, "r1", shell=world.shell()).status == "completed"


def exported() -> bytes:
    world = World()
    world.start(*chain(2))
    file = io.BytesIO()
    export_run(world.store, "r1", file)
    return file.getvalue()


DAMAGE: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "nothing in it": (lambda raw: b"", "no event in it"),
    "a torn end": (lambda raw: raw[:-9], "line 6: the line has no end"),
    "no line at all": (lambda raw: b"hello\n", "line 1: not an event"),
    "another payload": (lambda raw: raw.replace(b'"n2"', b'"n3"'), "digest does not match"),
    "an empty line": (lambda raw: raw + b"\n", "line 7: not an event"),
    "a lost line": (lambda raw: raw.replace(raw.splitlines(True)[2], b""), "sequence 4 where 3"),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_a_damaged_export_is_refused_whole(name: str) -> None:
    damage, message = DAMAGE[name]
    store = MemoryStore()
    with pytest.raises(CorruptLogError, match=message):
        import_run(store, damage(exported()), place="r1.jsonl")
    assert list(store.runs()) == []


def test_a_log_that_is_chained_but_not_legal_is_refused() -> None:
    from indelible.testing.logs import sealed_log
    from tests.engine.given import opened as begun
    from tests.engine.given import started

    definition = Raw(b'{"name":"w","nodes":[]}')
    cases: list[tuple[list[Event], str]] = [
        ([begun(definition=definition), started("n1")], "n1 is not a node"),
        ([begun(definition=Raw(b"[]"))], "not a definition"),
        ([begun()], "holds no definition"),
    ]
    for events, message in cases:
        log = sealed_log("r1", events)
        store = MemoryStore()
        with pytest.raises(CorruptLogError, match=message):
            import_run(store, b"".join(line_of(event) + b"\n" for event in log))
        assert list(store.runs()) == []


def test_an_export_that_names_values_beside_it_is_refused_with_the_way_out() -> None:
    world = World(lambda attempt: "x" * 100_000)
    world.start(node("a"))
    file = io.BytesIO()
    export_run(world.store, "r1", file)
    with pytest.raises(CorruptLogError, match=r"1 values(.|\n)*indelible copy"):
        import_run(MemoryStore(), file.getvalue())


def test_a_run_that_is_not_cannot_be_moved() -> None:
    with pytest.raises(NotFoundError, match="no run r9"):
        export_run(MemoryStore(), "r9", io.BytesIO())
    with pytest.raises(NotFoundError, match="no run r9"):
        copy_run(MemoryStore(), MemoryStore(), "r9")
