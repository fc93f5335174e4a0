"""A damaged log stops nothing but itself, and a database is more than its logs; on both stores."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.cli.invoking import CHAIN, Invoke, succeed
from tests.commands import ROOT

from indelible.definition.model import Definition
from indelible.runtime import drive
from indelible.runtime.config import open_store
from indelible.runtime.drive import Shell
from indelible.testing.worlds import Clock, ScriptedExecutor

BUT_ONE = ("a", "b", "c")


def damaged_store(folder: Path, kind: str) -> str:
    """A store with three runs, of which ``b`` is damaged; gives its URL."""
    url = str(folder / "runs") if kind == "directory" else f"sqlite:///{folder / 'runs.db'}"
    store = open_store(url)
    clock = Clock()
    shell = Shell(executor=lambda functions: ScriptedExecutor(succeed, clock), now=clock)
    for name in BUT_ONE:
        drive.start(store, Definition(name="w", nodes=CHAIN), {}, run_id=name, shell=shell)
    store.close()
    if kind == "directory":
        log = folder / "runs" / "b" / "events.jsonl"
        log.write_bytes(log.read_bytes().replace(b'"node_id":"b"', b'"node_id":"B"', 1))
    else:
        execute(
            folder / "runs.db",
            "DROP TRIGGER workflow_events_no_update",
            "UPDATE workflow_events SET payload = replace(payload, '\"b\"', '\"B\"') "
            "WHERE run_id = 'b' AND sequence = 4",
            trigger("no_update"),
        )
    return url


def execute(path: Path, *statements: str) -> None:
    import apsw

    connection = apsw.Connection(str(path))
    for statement in statements:
        connection.execute(statement)
    connection.close()


def trigger(name: str) -> str:
    """How the trigger is made."""
    schema = (ROOT / "src/indelible/stores/sql/schema.sql").read_text()
    (made,) = re.findall(rf"^CREATE TRIGGER workflow_events_{name}.*?END;$", schema, re.M | re.S)
    return str(made)


@pytest.mark.parametrize("kind", ["directory", "database"])
def test_a_damaged_log_stops_nothing_but_itself(invoke: Invoke, tmp_path: Path, kind: str) -> None:
    where = ("--store", damaged_store(tmp_path, kind))
    listed = invoke("list", "--json", *where)
    assert listed.code == 0
    statuses = {run["run_id"]: run["status"] for run in listed.document["runs"]}
    assert statuses == {"a": "completed", "b": "corrupt", "c": "completed"}
    assert invoke("show", "a", *where).code == 0
    assert invoke("show", "b", *where).code == 8
    said = invoke("verify", "--all", "--json", *where)
    assert said.code == 8
    assert {run["run_id"]: run.get("exit_code", 0) for run in said.document["runs"]} == {
        "a": 0,
        "b": 8,
        "c": 0,
    }
    assert "store" not in said.document


@pytest.mark.parametrize("name", ["no_update", "no_delete", "in_order", "no_replace"])
def test_a_database_without_one_of_its_triggers_is_told(
    invoke: Invoke, tmp_path: Path, name: str
) -> None:
    where = ("--store", damaged_store(tmp_path, "database"))
    execute(tmp_path / "runs.db", f"DROP TRIGGER workflow_events_{name}")
    said = invoke("verify", "a", *where)
    assert said.code == 8
    assert f"is not as it was made: CREATE TRIGGER workflow_events_{name}" in said.err
    every = invoke("verify", "--all", "--json", *where)
    assert every.code == 8
    assert name in every.document["store"]["problem"]
    assert len(every.document["runs"]) == 3


def test_a_trigger_that_is_not_ours_is_told(invoke: Invoke, tmp_path: Path) -> None:
    where = ("--store", damaged_store(tmp_path, "database"))
    execute(
        tmp_path / "runs.db",
        "CREATE TRIGGER quiet BEFORE INSERT ON workflow_events BEGIN SELECT RAISE(IGNORE); END",
    )
    said = invoke("verify", "a", *where)
    assert said.code == 8
    assert "a trigger in it is not ours: CREATE TRIGGER quiet" in said.err


def test_a_page_that_no_query_reads_is_found_damaged(invoke: Invoke, tmp_path: Path) -> None:
    where = ("--store", damaged_store(tmp_path, "database"))
    path = tmp_path / "runs.db"
    execute(
        path,
        "PRAGMA writable_schema = 1",
        "UPDATE sqlite_schema SET rootpage = 2 WHERE name = 'sqlite_autoindex_workflow_events_1'",
    )
    said = invoke("verify", "a", *where)
    assert said.code == 8
    assert "Traceback" not in said.err
