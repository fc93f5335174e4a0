"""What every kind of node keeps, and what this one promises beyond that."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from indelible_sqlite import SQL, Sql

import indelible as ink
from indelible.definition.model import Plugged
from indelible.events import NodeError
from indelible.executors.local import LocalExecutor
from indelible.executors.port import Failed
from indelible.nodes import node_kinds
from indelible.testing.attempts import an_attempt, awaited, contents_of
from indelible.testing.node_contract import Fields, NodeContract, NodeKind

FOR_EVER = "with recursive n(i) as (select 1 union all select i + 1 from n) select max(i) from n"


@pytest.fixture
def database(tmp_path: Path) -> str:
    path = tmp_path / "shop.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("create table orders (id integer primary key, item text)")
        connection.execute("insert into orders values (1, 'tea'), (2, 'jam')")
    return str(path)


class TestSql(NodeContract):
    @pytest.fixture
    def kind(self) -> NodeKind[Any]:
        return SQL

    @pytest.fixture
    def good(self, database: str) -> Fields:
        return {
            "database": database,
            "query": "select * from orders where item = ?",
            "parameters": ["tea"],
        }

    @pytest.fixture
    def bad(self) -> Fields:
        return {"database": 3, "query": "", "parameters": "tea", "writes": "yes"}

    @pytest.fixture
    def failing(self, good: Fields) -> Fields:
        return {**good, "query": "select * from nothing"}

    @pytest.fixture
    def endless(self, good: Fields) -> Fields:
        return {**good, "query": FOR_EVER, "parameters": []}


def run_of(tmp_path: Path, fields: Sql) -> ink.Run:
    flow = ink.Workflow("shop")
    flow.plugged("q", "sql", fields)
    return flow.run(store=tmp_path / "runs")


def test_rows_come_back_as_objects(tmp_path: Path, database: str) -> None:
    run = run_of(tmp_path, Sql(database=database, query="select * from orders order by id"))
    rows = [{"id": 1, "item": "tea"}, {"id": 2, "item": "jam"}]
    assert run.node("q").output == {"rows": rows, "changed": 0}


def test_a_parameter_is_a_value_whatever_it_says(tmp_path: Path, database: str) -> None:
    evil = "'; drop table orders; --"
    query = "insert into orders values (:id, :item) returning item"
    fields = Sql(database=database, query=query, parameters={"id": 3, "item": evil}, writes=True)
    assert run_of(tmp_path, fields).node("q").output == {"rows": [{"item": evil}], "changed": 1}


def test_nothing_is_written_unless_the_node_says_so(tmp_path: Path, database: str) -> None:
    run = run_of(tmp_path, Sql(database=database, query="delete from orders"))
    error = run.node("q").error
    assert error is not None
    assert (error.type, error.message) == (
        "OperationalError",
        "attempt to write a readonly database",
    )


def test_a_statement_in_a_thread_ends_when_it_is_asked_to(tmp_path: Path, database: str) -> None:
    stopped = NodeError(type="Stopped", message="as asked")
    body = Plugged(name="sql", fields={"database": database, "query": FOR_EVER})
    attempt = an_attempt(body, tmp_path)
    executor = LocalExecutor(node_kinds())
    try:
        executor.submit([attempt])
        assert FOR_EVER in contents_of(attempt.log)
        executor.cancel("node", stopped)
        outcome = awaited(executor)["node"]
    finally:
        executor.close()
    assert isinstance(outcome, Failed)
    assert outcome.error == stopped
