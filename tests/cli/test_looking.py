"""``list``, ``show``, ``events`` and ``graph``: they look, and change nothing."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from tests.cli.invoking import HELLO, Invoke, a_run, damage, fail_at, log_of
from tests.cli.logs_made import a_question, an_open_run
from tests.engine.given import AT, node, ran, started

from indelible.definition.model import ForEach
from indelible.events import NodeError, NodeFailed, NodeSkipped, NodeStarted
from indelible.stores.blobs import INLINE_LIMIT
from indelible.stores.filesystem import FilesystemStore
from indelible.testing.worlds import EPOCH, Clock


def lines(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


# list


def test_the_newest_run_is_first(invoke: Invoke, tmp_path: Path) -> None:
    a_run(tmp_path, "old", clock=Clock(EPOCH))
    a_run(tmp_path, "new", clock=Clock(EPOCH.replace(year=2027)), work=fail_at("b"))
    heads, first, second = lines(invoke("list").out)
    assert heads == ["RUN", "STATUS", "WORKFLOW", "NODES", "STARTED", "TOOK"]
    assert first[:4] == ["new", "failed", "w", "3/3"]
    assert second[:4] == ["old", "completed", "w", "3/3"]


def test_a_list_can_be_cut_and_says_so(invoke: Invoke, tmp_path: Path) -> None:
    for number in range(3):
        a_run(tmp_path, f"r{number}")
    said = invoke("list", "--limit", "2")
    assert len(lines(said.out)) == 3
    assert said.err == "only the newest 2; all of them: indelible list --limit 0\n"
    found = invoke("list", "--limit", "2", "--json").document
    assert (len(found["runs"]), found["is_complete"]) == (2, False)
    assert len(invoke("list", "--limit", "0", "--json").document["runs"]) == 3


def test_a_list_can_be_of_one_status(invoke: Invoke, tmp_path: Path) -> None:
    a_run(tmp_path, "good")
    a_run(tmp_path, "bad", work=fail_at("b"))
    an_open_run(tmp_path, "open", nodes=(node("a"),), events=(started("a"),))
    for status, name in (("completed", "good"), ("failed", "bad"), ("interrupted", "open")):
        (found,) = invoke("list", "--status", status, "--json").document["runs"]
        assert found["run_id"] == name


def test_an_open_run_that_nobody_drives_is_interrupted_and_says_how_to_go_on(
    invoke: Invoke, tmp_path: Path
) -> None:
    an_open_run(tmp_path, "r", nodes=(node("a"),), events=(started("a"),))
    listed = invoke("list")
    assert lines(listed.out)[1][:4] == ["r", "interrupted", "w", "0/1"]
    assert listed.err == "nobody drives r; go on: indelible resume r\n"
    shown = invoke("show", "r").out
    assert ["status", "interrupted", "(attempt", "1)"] in lines(shown)
    assert ["go", "on", "indelible", "resume", "r"] in lines(shown)
    (entry,) = invoke("list", "--json").document["runs"]
    for found in (entry, invoke("show", "r", "--json").document):
        assert (found["status"], found["resume"]) == ("interrupted", "indelible resume r")
    assert invoke("explain", "r", "--json").document["status"] == "interrupted"
    an_open_run(tmp_path, "s", nodes=(node("a"),), events=(started("a"),))
    assert "; 2 runs like it; go on: indelible resume " in invoke("list").err


def test_a_run_that_somebody_drives_is_running_and_says_who(invoke: Invoke, tmp_path: Path) -> None:
    an_open_run(tmp_path, "r", nodes=(node("a"),), events=(started("a"),))
    store = FilesystemStore(tmp_path / ".indelible")
    with store.claim("r"):
        (entry,) = invoke("list", "--json").document["runs"]
        found = invoke("show", "r", "--json").document
        assert invoke("list").err == ""
        assert f"pid {os.getpid()} on" in invoke("show", "r").out
    assert entry["status"] == found["status"] == "running"
    assert f"pid {os.getpid()} on" in found["driver"]
    assert found["driver"] == entry["driver"]
    assert (found["resume"], "resume" in entry) == ("", False)
    store.close()


def test_a_run_that_only_waits_is_waiting_whoever_drives_it(invoke: Invoke, tmp_path: Path) -> None:
    a_question(tmp_path, "r")
    assert lines(invoke("list").out)[1][:2] == ["r", "waiting"]
    assert ["driver", "nobody"] in lines(invoke("show", "r").out)
    (found,) = invoke("list", "--status", "waiting", "--json").document["runs"]
    assert found["run_id"] == "r"


def test_what_is_inside_a_node_that_has_started_is_counted(invoke: Invoke, tmp_path: Path) -> None:
    each = node("each", for_each=ForEach(items="[1, 2, 3]"))
    events = (NodeStarted(node_id="each", attempt=1, instances=3), *ran("each[1]"))
    an_open_run(tmp_path, "r", nodes=(each,), events=events)
    assert lines(invoke("list").out)[1][3] == "1/4"


def test_a_damaged_run_is_a_line_and_stops_no_other(invoke: Invoke, tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        a_run(tmp_path, name)
    damage(tmp_path, "b")
    said = invoke("list")
    assert said.code == 0
    status = {cells[0]: cells[1] for cells in lines(said.out)[1:]}
    assert status == {"a": "completed", "b": "corrupt", "c": "completed"}
    documents = {each["run_id"]: each for each in invoke("list", "--json").document["runs"]}
    assert "digest does not match" in documents["b"]["problem"]
    assert documents["a"]["nodes"] == {"success": 3}


def a_fifo_as_its_head(run: Path) -> None:
    (run / "head").unlink()
    os.mkfifo(run / "head")


def a_fifo_as_its_log(run: Path) -> None:
    (run / "events.jsonl").unlink()
    os.mkfifo(run / "events.jsonl")


def a_link_in_its_place(run: Path) -> None:
    run.rename(run.parent.parent / "elsewhere")
    run.symlink_to("../elsewhere")


@pytest.mark.parametrize("spoil", [a_fifo_as_its_head, a_fifo_as_its_log, a_link_in_its_place])
def test_a_run_that_cannot_be_read_is_a_line_and_stops_no_other(
    invoke: Invoke, tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    for year, name in enumerate(("a", "b", "c"), start=2026):
        a_run(tmp_path, name, clock=Clock(EPOCH.replace(year=year)))
    spoil(tmp_path / ".indelible" / "c")
    said = invoke("list")
    assert said.code == 0
    status = {cells[0]: cells[1] for cells in lines(said.out)[1:]}
    assert status == {"a": "completed", "b": "completed", "c": "unreadable"}
    assert [cells[0] for cells in lines(invoke("list", "--status", "unreadable").out)[1:]] == ["c"]
    latest = invoke("show", "latest", "--json")
    assert (latest.code, latest.document["run_id"]) == (0, "b")
    assert invoke("resume", "latest", "-q").code == 0


def test_where_no_run_can_be_read_the_latest_says_why(invoke: Invoke, tmp_path: Path) -> None:
    a_run(tmp_path, "r")
    a_fifo_as_its_head(tmp_path / ".indelible" / "r")
    latest = invoke("show", "latest")
    assert latest.code == 9
    assert "head: cannot read: not a regular file" in latest.err


def test_no_runs_is_no_error(invoke: Invoke, tmp_path: Path) -> None:
    said = invoke("list")
    assert (said.code, said.out, said.err) == (0, "", "no runs\n")
    assert invoke("list", "--json").document == {"runs": [], "is_complete": True}
    assert not (tmp_path / ".indelible").exists()


# show


def test_a_run_is_shown_with_its_nodes_errors_and_skips(invoke: Invoke, tmp_path: Path) -> None:
    a_run(tmp_path, "r", work=fail_at("b", "exit code 3\nlast words"))
    shown = invoke("show", "r").out
    assert ["status", "failed", "(attempt", "1)"] in lines(shown)
    assert ["nodes", "1", "success,", "1", "failed,", "1", "upstream_failed"] in lines(shown)
    assert ["a", "success", "1", "0", "ms", "12", "bytes"] in lines(shown)
    assert "\nb: ExitCode: exit code 3\nlast words\n" in shown
    assert "\nc: upstream_failed: all_success with 1 failed, because of b\n" in shown


def test_the_document_of_a_run_has_all_of_it(invoke: Invoke, tmp_path: Path) -> None:
    a_run(tmp_path, "r", work=fail_at("b"), outputs={"x": "${{ nodes.c.output }}"})
    found = invoke("show", "r", "--json").document
    assert (found["run_id"], found["status"], found["events"]) == ("r", "failed", 7)
    assert (
        found["head"]
        == msgspec.json.decode(log_of(tmp_path, "r").read_bytes().splitlines()[-1])["digest"]
    )
    a, b, c = found["nodes"]
    assert (a["status"], a["attempt"], a["output_bytes"]) == ("success", 1, 12)
    assert b["error"] == {"type": "ExitCode", "message": "exit code 3", "exit_code": 3}
    assert c["skipped"]["cause"] == ["b"]
    assert found["started_at"] == "2026-01-01T00:00:00Z"


def test_a_large_output_is_shown_by_its_size_and_loaded_only_when_asked_for(
    invoke: Invoke, tmp_path: Path
) -> None:
    large = "x" * (INLINE_LIMIT + 1)
    a_run(tmp_path, "r", nodes=(node("a"),), work=lambda attempt: large)
    for blob in (tmp_path / ".indelible" / "r" / "blobs").iterdir():
        blob.unlink()
    assert ["a", "success", "1", "0", "ms", "64", "KiB"] in lines(invoke("show", "r").out)
    assert invoke("show", "r", "--json").document["nodes"][0]["output_bytes"] == INLINE_LIMIT + 3
    assert invoke("show", "r", "a").code == 8


def test_one_node_is_shown_with_its_error_in_full(invoke: Invoke, tmp_path: Path) -> None:
    error = NodeError(type="ValueError", message="no \x1b[2J", traceback="Traceback\n  line")
    failure = NodeFailed(node_id="a", attempt=1, error=error, duration=0.5)
    an_open_run(tmp_path, "r", nodes=(node("a"),), events=(started("a"), failure))
    shown = invoke("show", "r", "a").out
    assert ["took", "500", "ms"] in lines(shown)
    assert ["error", "ValueError:", "no", "\\x1b[2J"] in lines(shown)
    assert shown.endswith("\nTraceback\n  line\n")


def test_one_node_is_shown_with_its_output(invoke: Invoke, tmp_path: Path) -> None:
    a_run(tmp_path, "r")
    assert '{\n  "from": "a"\n}\n' in invoke("show", "r", "a").out
    assert invoke("show", "r", "a", "--json").document["output"] == {"from": "a"}


def test_one_node_is_shown_with_why_it_was_skipped(invoke: Invoke, tmp_path: Path) -> None:
    skip = NodeSkipped(node_id="a", reason="when", when="inputs.n > 1", cause=("a",))
    an_open_run(tmp_path, "r", nodes=(node("a"),), events=(skip,))
    assert ["skipped", "when:", "inputs.n", ">", "1"] in lines(invoke("show", "r", "a").out)


def test_a_node_that_is_not_is_not_found_with_a_guess(invoke: Invoke, tmp_path: Path) -> None:
    a_run(tmp_path, "r", nodes=(node("fetch"), node("load")))
    for verb in ("show", "logs"):
        said = invoke(verb, "r", "fecth")
        assert said.code == 4
        assert said.err == "error: run r has no node 'fecth'\n    Did you mean fetch?\n"


def test_a_retry_that_is_waited_for_is_shown(invoke: Invoke, tmp_path: Path) -> None:
    error = NodeError(type="ExitCode", message="exit code 3")
    retry = NodeFailed(node_id="a", attempt=1, error=error, retry_at=AT)
    an_open_run(tmp_path, "r", nodes=(node("a"),), events=(started("a"), retry))
    assert ["a", "retrying", "1", "0", "ms"] in lines(invoke("show", "r").out)
    assert invoke("show", "r", "--json").document["nodes"][0]["retry_at"] == "2026-11-23T12:00:00Z"


# events


def test_the_events_are_told_one_a_line(invoke: Invoke, tmp_path: Path) -> None:
    a_run(tmp_path, "r", work=fail_at("b"))
    told = lines(invoke("events", "r").out)
    assert [cells[0] for cells in told] == [str(number) for number in range(1, 8)]
    assert told[2][2:] == ["node_completed", "a", "in", "0.000", "s"]
    assert told[4][2:] == ["node_failed", "b", "ExitCode:", "exit", "code", "3"]


def test_the_events_as_json_are_the_log_byte_for_byte(invoke: Invoke, tmp_path: Path) -> None:
    a_run(tmp_path, "r")
    assert invoke("events", "r", "--json").out.encode() == log_of(tmp_path, "r").read_bytes()


def test_events_can_be_of_some_types(invoke: Invoke, tmp_path: Path) -> None:
    a_run(tmp_path, "r")
    said = invoke("events", "r", "--type", "node_started", "--type", "workflow_completed")
    assert [cells[2] for cells in lines(said.out)] == [*["node_started"] * 3, "workflow_completed"]
    ninth = invoke("events", "r", "--type", "node_paused")
    assert ninth.code == 2


def test_following_a_closed_run_ends_at_once(invoke: Invoke, tmp_path: Path) -> None:
    a_run(tmp_path, "r")
    assert len(lines(invoke("events", "r", "--follow").out)) == 8


def test_a_torn_tail_is_a_note_and_not_an_error(invoke: Invoke, tmp_path: Path) -> None:
    a_run(tmp_path, "r")
    with log_of(tmp_path, "r").open("ab") as log:
        log.write(b'{"run_id":"r","sequ')
    said = invoke("events", "r")
    assert said.code == 0
    assert said.err.startswith("note: ")
    assert "an append that was cut short" in said.err
    assert said.err.count("note: ") == 1


# graph


def test_a_workflow_is_drawn(invoke: Invoke, tmp_path: Path) -> None:
    (tmp_path / "hello.yaml").write_text(HELLO)
    assert invoke("graph", "hello.yaml").out == "○  say\n○  shout\n"
    assert invoke("graph", "hello.yaml", "--format", "dot").out.startswith('digraph "hello" {\n')
    mermaid = invoke("graph", "hello.yaml", "--format", "mermaid").out
    assert mermaid.splitlines()[1:] == ['    n0["say"]', '    n1["shout"]', "    n0 --> n1"]


def test_a_run_is_drawn_with_how_its_nodes_stand(invoke: Invoke, tmp_path: Path) -> None:
    nodes = (node("fetch"), node("left", "fetch"), node("right", "fetch"))
    a_run(tmp_path, "r", nodes=nodes, work=fail_at("left"))
    assert invoke("graph", "r").out == (
        "✓    fetch  success\n├─✗  left   failed\n✓    right  success\n"
    )
    assert ":::failed" in invoke("graph", "r", "--format", "mermaid").out


def test_the_graph_is_data_too(invoke: Invoke, tmp_path: Path) -> None:
    an_open_run(tmp_path, "r", nodes=(node("a"), node("b", "a")), events=tuple(ran("a")))
    found = invoke("graph", "r", "--json").document
    assert found["workflow"] == "w"
    assert found["nodes"] == [
        {"node_id": "a", "depends_on": [], "trigger_rule": "all_success", "status": "success"},
        {"node_id": "b", "depends_on": ["a"], "trigger_rule": "all_success", "status": "pending"},
    ]


@pytest.mark.parametrize("target", ["none.yaml", "none"])
def test_a_graph_of_nothing_is_not_found(invoke: Invoke, target: str) -> None:
    assert invoke("graph", target).code == 4
