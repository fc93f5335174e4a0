"""``verify``: what is sound is told with its head, what is not with where and why."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from msgspec import Raw
from tests.cli.invoking import CHAIN, Invoke, a_run, damage, fail_at, log_of
from tests.cli.logs_made import a_question, begun
from tests.engine.given import node

from indelible.cli.verify import verified
from indelible.definition.model import Node, Python
from indelible.errors import CorruptLogError, NewerLogError, NotFoundError
from indelible.events import Event, NodeSkipped, WorkflowCompleted
from indelible.stores.blobs import INLINE_LIMIT
from indelible.stores.codec import first_digest, open_event, seal
from indelible.stores.filesystem import FilesystemStore
from indelible.testing.logs import sealed_log


def head_of(folder: Path, run_id: str) -> str:
    last = log_of(folder, run_id).read_bytes().splitlines()[-1]
    digest: str = msgspec.json.decode(last)["digest"]
    return digest


def test_a_sound_log_is_told_with_its_head(invoke: Invoke, tmp_path: Path) -> None:
    a_run(tmp_path, "r")
    head = head_of(tmp_path, "r")
    said = invoke("verify", "r")
    assert (said.code, said.out) == (0, f"r: ok, 8 events, head {head}\n")
    assert invoke("verify", "r", "--json").document == {"run_id": "r", "events": 8, "head": head}


def test_a_changed_letter_is_found_and_placed(invoke: Invoke, tmp_path: Path) -> None:
    a_run(tmp_path, "r")
    damage(tmp_path, "r")
    said = invoke("verify", "r", "--json")
    assert said.code == 8
    assert f"error: {log_of(tmp_path, 'r')}, line 4, byte " in said.err
    assert said.document["error"]["line"] == 4


def test_a_kept_head_vouches_for_everything_before_it(invoke: Invoke, tmp_path: Path) -> None:
    a_question(tmp_path, "r")
    kept = head_of(tmp_path, "r")
    assert invoke("verify", "r", "--head", kept).out == f"r: ok, 4 events, head {kept}\n"
    invoke("cancel", "r")
    grown = invoke("verify", "r", "--head", kept)
    assert grown.code == 0
    assert "r: ok, 5 events, 1 of them since that head, head " in grown.out


def test_a_log_without_the_kept_head_was_changed(invoke: Invoke, tmp_path: Path) -> None:
    a_run(tmp_path, "r")
    said = invoke("verify", "r", "--head", "0" * 64)
    assert said.code == 8
    assert "none of its 8 events has the digest 000" in said.err


USAGE = [
    ((), "verify needs a RUN or --all, and not both"),
    (("r", "--all"), "verify needs a RUN or --all, and not both"),
    (("--all", "--head", "0" * 64), "--head belongs to one run"),
    (("r", "--head", "abc"), "abc is not a digest"),
]


@pytest.mark.parametrize(("arguments", "text"), USAGE, ids=str)
def test_what_makes_no_sense_is_a_usage_error(
    invoke: Invoke, arguments: tuple[str, ...], text: str
) -> None:
    said = invoke("verify", *arguments)
    assert said.code == 2
    assert text in said.err


def test_all_goes_on_after_a_damaged_run(invoke: Invoke, tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        a_run(tmp_path, name)
    damage(tmp_path, "b")
    said = invoke("verify", "--all")
    assert said.code == 8
    first, second, third = said.out.splitlines()
    assert first.startswith("a: ok, 8 events")
    assert second.startswith(f"b: not sound: {log_of(tmp_path, 'b')}, line 4")
    assert third.startswith("c: ok")
    runs = invoke("verify", "--all", "--json").document["runs"]
    assert [run.get("exit_code", 0) for run in runs] == [0, 8, 0]


def test_all_of_nothing_is_sound(invoke: Invoke) -> None:
    assert invoke("verify", "--all").code == 0


def appended(folder: Path, *events: Event) -> None:
    store = FilesystemStore(folder / ".indelible")
    store.append("r", sealed_log("r", events), expected=0)
    store.close()


def test_a_chained_log_that_no_engine_wrote_is_found(invoke: Invoke, tmp_path: Path) -> None:
    appended(tmp_path, begun(*CHAIN), WorkflowCompleted())
    said = invoke("verify", "r")
    assert said.code == 8
    assert "error: run r: event 2 may not stand there" in said.err
    assert "workflow_completed, but nodes have not ended" in said.err


@pytest.mark.parametrize("definition", [b"[]", b'{"name":"w","nodes":[{"id":1}]}'])
def test_a_definition_that_is_none_is_damage(
    invoke: Invoke, tmp_path: Path, definition: bytes
) -> None:
    appended(tmp_path, msgspec.structs.replace(begun(node("a")), definition=Raw(definition)))
    for verb in ("verify", "show", "graph"):
        said = invoke(verb, "r")
        assert said.code == 8
        assert "error: run r, event 1: not a definition" in said.err
    assert invoke("list", "--json").document["runs"][0]["status"] == "corrupt"


def test_a_log_of_a_newer_version_is_told_to_be_one(invoke: Invoke, tmp_path: Path) -> None:
    appended(tmp_path, msgspec.structs.replace(begun(node("a")), format=99))
    said = invoke("verify", "r")
    assert said.code == 9
    assert "written in format 99; this version reads up to 1" in said.err
    assert invoke("list", "--json").document["runs"][0]["status"] == "newer"
    assert invoke("verify", "--all").code == 9


def test_a_value_beside_the_log_that_is_gone_is_damage(invoke: Invoke, tmp_path: Path) -> None:
    a_run(tmp_path, "r", nodes=(node("a"),), work=lambda attempt: "x" * INLINE_LIMIT)
    assert invoke("verify", "r").code == 0
    (blob,) = (tmp_path / ".indelible" / "r" / "blobs").iterdir()
    blob.write_bytes(blob.read_bytes().replace(b"x", b"y", 1))
    said = invoke("verify", "r")
    assert said.code == 8
    assert blob.name in said.err


def forged(folder: Path, run_id: str, change: Callable[[Event], Event]) -> None:
    """Write the log of a run anew, with one event changed in each place where ``change`` does, and
    with digests and a head that are right."""
    source = FilesystemStore(folder / ".indelible")
    events = list(source.read(run_id))
    source.close()
    shutil.rmtree(folder / ".indelible" / run_id)
    previous, sealed = first_digest(run_id), []
    for event in events:
        timestamp, sequence = event.timestamp, event.sequence
        sealed.append(
            seal(
                change(open_event(event)),
                run_id=run_id,
                sequence=sequence,
                timestamp=timestamp,
                previous=previous,
            )
        )
        previous = sealed[-1].digest
    store = FilesystemStore(folder / ".indelible")
    store.append(run_id, sealed, expected=0)
    store.close()


def other_cause(event: Event) -> Event:
    return msgspec.structs.replace(event, cause=("c",)) if isinstance(event, NodeSkipped) else event


def test_a_forgery_under_right_digests_is_named_with_what_can_be_done(
    invoke: Invoke, tmp_path: Path
) -> None:
    a_run(tmp_path, "r", work=fail_at("a"))
    assert invoke("verify", "r").code == 0
    forged(tmp_path, "r", other_cause)
    said = invoke("verify", "r")
    assert said.code == 8
    assert "run r: event 4 could not have been written: b was skipped with cause" in said.err
    assert "indelible fork r --at 3" in said.err
    unaudited = invoke("verify", "r", "--no-audit")
    assert unaudited.code == 0
    assert "r: ok, 6 events, not audited, head " in unaudited.out
    assert invoke("verify", "--all").code == 8
    assert (
        invoke("verify", "--all", "--no-audit", "--json").document["runs"][0]["is_audited"] is False
    )


def test_a_node_whose_module_is_gone_is_verified_all_the_same(
    invoke: Invoke, tmp_path: Path
) -> None:
    body = Python(target="no_such_module:work", parameters={"a": "nodes.a"})
    gone = Node(id="b", body=body, depends_on=("a",))
    a_run(tmp_path, "r", nodes=(node("a"), gone))
    assert invoke("verify", "r").code == 0


def test_no_byte_of_a_small_log_can_be_changed_and_none_ends_in_a_traceback(
    tmp_path: Path,
) -> None:
    a_run(tmp_path, "r", nodes=(node("a"),))
    folder = tmp_path / ".indelible"
    log, head = log_of(tmp_path, "r"), folder / "r" / "head"
    store = FilesystemStore(folder)
    for path in (log, head):
        whole = path.read_bytes()
        damages = [*changed(whole), *(whole[:length] for length in range(0, len(whole), 41))]
        for damaged in damages:
            path.write_bytes(damaged)
            # A head has two slots, and one of them is enough.
            assert_told_or_sound(store, is_head=path == head)
        path.write_bytes(whole)
    store.close()


def changed(whole: bytes) -> Iterator[bytes]:
    """Every byte of it with one bit, another, or all bits the other way round."""
    masks = (0x01, 0x80, 0xFF)
    for place, byte in enumerate(whole):
        if byte:  # the rest of a head is empty, and nobody looks at it
            yield whole[:place] + bytes([byte ^ masks[place % 3]]) + whole[place + 1 :]


def assert_told_or_sound(store: FilesystemStore, *, is_head: bool) -> None:
    try:
        report = verified(store, "r", None, is_audited=True)
    except (CorruptLogError, NewerLogError, NotFoundError):
        return
    assert is_head
    assert report.events == 4
