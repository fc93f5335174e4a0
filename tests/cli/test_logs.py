"""``logs``: what a node printed, which attempt of it, and what it prints later."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from tests.cli.invoking import Invoke, a_run
from tests.cli.logs_made import an_open_run, begun
from tests.engine.given import AT, completed, node, started

from indelible.cli.logs import followed
from indelible.cli.main import main
from indelible.events import NodeError, NodeFailed
from indelible.runtime.log import open_log
from indelible.stores.filesystem import FilesystemStore
from indelible.testing.logs import sealed_log

NODES = (node("a"), node("b"))
RETRY = NodeFailed(node_id="a", attempt=1, error=NodeError(type="T", message="m"), retry_at=AT)


def printed(folder: Path, name: str, text: str | bytes) -> None:
    file = folder / ".indelible" / "r" / "logs" / name
    file.parent.mkdir(exist_ok=True)
    with file.open("ab") as log:
        log.write(text.encode() if isinstance(text, str) else text)


def test_the_last_attempt_is_printed_unless_another_is_asked_for(
    invoke: Invoke, tmp_path: Path
) -> None:
    an_open_run(tmp_path, "r", nodes=NODES, events=(started("a"), RETRY, started("a", 2)))
    printed(tmp_path, "a.1.log", "first\n")
    printed(tmp_path, "a.2.log", "second\n")
    assert invoke("logs", "r", "a").out == "second\n"
    assert invoke("logs", "r", "a", "--attempt", "1").out == "first\n"
    too_many = invoke("logs", "r", "a", "--attempt", "3")
    assert too_many.code == 4
    assert "a has had 2 attempts, not 3" in too_many.err


def test_bytes_that_are_no_text_are_replaced_in_the_document_only(
    invoke: Invoke, tmp_path: Path
) -> None:
    an_open_run(tmp_path, "r", nodes=NODES, events=(started("a"),))
    printed(tmp_path, "a.1.log", b"\x1b[1mbold\xff\r\n")
    found = invoke("logs", "r", "a", "--json").document
    assert found == {"run_id": "r", "node_id": "a", "attempt": 1, "log": "\x1b[1mbold\ufffd\r\n"}


def test_bytes_come_as_they_were_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    monkeypatch.chdir(tmp_path)
    an_open_run(tmp_path, "r", nodes=NODES, events=(started("a"),))
    printed(tmp_path, "a.1.log", b"\x1b[1mbold\xff\r\n")
    assert main(["logs", "r", "a", "--store", ".indelible"]) == 0
    assert capfdbinary.readouterr().out == b"\x1b[1mbold\xff\r\n"


def test_a_node_that_printed_nothing_says_so(invoke: Invoke, tmp_path: Path) -> None:
    a_run(tmp_path, "r")
    said = invoke("logs", "r", "a")
    assert (said.code, said.out, said.err) == (0, "", "a printed nothing\n")


def test_a_node_that_has_not_started_has_no_log(invoke: Invoke, tmp_path: Path) -> None:
    an_open_run(tmp_path, "r", nodes=NODES)
    said = invoke("logs", "r", "b")
    assert said.code == 4
    assert "b has not started: it is pending" in said.err


def test_following_an_ended_node_ends(invoke: Invoke, tmp_path: Path) -> None:
    a_run(tmp_path, "r")
    printed(tmp_path, "b.1.log", "all of it\n")
    assert invoke("logs", "r", "b", "--follow").out == "all of it\n"


def test_following_goes_on_with_the_next_attempt_until_the_node_has_ended(tmp_path: Path) -> None:
    first, *later = sealed_log(
        "r", [begun(*NODES), started("a"), RETRY, started("a", 2), completed("a", 2)]
    )
    store = FilesystemStore(tmp_path / ".indelible")
    store.append("r", [first, later[0]], expected=0)
    printed(tmp_path, "a.1.log", "one\n")
    pieces = followed(open_log(store, "r"), "a", None)

    assert next(pieces) == b"one\n"
    printed(tmp_path, "a.1.log", "two\n")
    assert next(pieces) == b"two\n"
    printed(tmp_path, "a.1.log", "three\n")
    store.append("r", later[1:3], expected=2)
    assert next(pieces) == b"three\n"
    printed(tmp_path, "a.2.log", "four\n")
    store.append("r", later[3:], expected=4)
    assert list(pieces) == [b"four\n"]
    store.close()


def test_following_one_attempt_ends_with_it(tmp_path: Path) -> None:
    log = sealed_log("r", [begun(*NODES), started("a"), RETRY])
    store = FilesystemStore(tmp_path / ".indelible")
    store.append("r", log, expected=0)
    printed(tmp_path, "a.1.log", "one\n")
    assert list(followed(open_log(store, "r"), "a", 1)) == [b"one\n"]
    store.close()


def a_link(log: Path) -> None:
    log.with_name("secret").write_text("a secret")
    log.symlink_to("secret")


@pytest.mark.parametrize(
    ("put", "says"), [(a_link, "symbolic link"), (os.mkfifo, "file"), (Path.mkdir, "file")]
)
@pytest.mark.parametrize("options", [(), ("--follow",), ("--json",)])
def test_what_stands_in_the_place_of_a_log_is_neither_followed_nor_waited_for(
    invoke: Invoke,
    tmp_path: Path,
    options: Sequence[str],
    put: Callable[[Path], None],
    says: str,
) -> None:
    a_run(tmp_path, "r")
    folder = tmp_path / ".indelible" / "r" / "logs"
    folder.mkdir()
    put(folder / "a.1.log")
    said = invoke("logs", "r", "a", *options)
    assert said.code == 9
    assert "a.1.log: cannot read: " in said.err
    assert says in said.err
    assert "a secret" not in said.out
