"""``resume --definition`` through the command line: what is told, what is done, what is refused."""

from __future__ import annotations

from pathlib import Path

from tests.cli.invoking import Invoke, log_of

BROKEN = """
name: import
inputs: {day: {default: monday}}
nodes:
  - {id: fetch, bash: echo ready}
  - id: count
    depends_on: [fetch]
    bash: |
      echo counting
      wc -l < numbers.txt
  - {id: tell, depends_on: [count], bash: echo done}
"""
FIXED = """
name: import
inputs: {day: {default: monday}}
outputs: {said: "${{ nodes.shout.output }}"}
nodes:
  - {id: fetch, bash: echo ready}
  - id: count
    depends_on: [fetch]
    timeout: 30s
    bash: |
      echo counting
      echo 7
  - {id: shout, depends_on: [count], bash: echo DONE}
"""
DIFF = """\
  count: command:
  count:   @@ -1,2 +1,2 @@
  count:    echo counting
  count:   -wc -l < numbers.txt
  count:   +echo 7
  count: timeout: (not set) -> "PT30S"
  tell: it is gone
  shout: it is new
"""


def a_failed_run(invoke: Invoke, folder: Path, fixed: str = FIXED) -> None:
    (folder / "broken.yaml").write_text(BROKEN)
    (folder / "fixed.yaml").write_text(fixed)
    assert invoke("run", "broken.yaml", "--run-id", "r", "-q").code == 1


def test_a_run_goes_on_with_another_definition_and_says_what_is_different(
    invoke: Invoke, tmp_path: Path
) -> None:
    a_failed_run(invoke, tmp_path)
    said = invoke("resume", "r", "--definition", "fixed.yaml", "-q")
    assert said.code == 0, said.err
    assert said.out == '{"said":"DONE"}\n'
    assert said.err.startswith(DIFF)
    names = [node["node_id"] for node in invoke("show", "r", "--json").document["nodes"]]
    assert names == ["fetch", "count", "shout"]
    (listed,) = invoke("list", "--json").document["runs"]
    assert (listed["status"], listed["nodes"]) == ("completed", {"success": 3})
    fetched = invoke("events", "r", "--type", "node_started").out
    assert fetched.count(" fetch") == 1, "what completed is not executed again"
    assert invoke("verify", "r").code == 0


def test_what_has_completed_must_be_the_same_unless_it_begins_anew(
    invoke: Invoke, tmp_path: Path
) -> None:
    a_failed_run(invoke, tmp_path, FIXED.replace("echo ready", "echo steady"))
    before = log_of(tmp_path, "r").read_bytes()
    refused = invoke("resume", "r", "--definition", "fixed.yaml", "-q")
    assert refused.code == 3
    assert 'fetch: command: "echo ready" -> "echo steady"' in refused.err
    assert "Begin it anew: indelible resume r --from fetch --definition FILE" in refused.err
    assert log_of(tmp_path, "r").read_bytes() == before
    anew = invoke("resume", "r", "--definition", "fixed.yaml", "--from", "fetch", "-q")
    assert anew.code == 0, anew.err


def test_a_definition_that_is_wrong_or_missing_changes_nothing(
    invoke: Invoke, tmp_path: Path
) -> None:
    a_failed_run(invoke, tmp_path, "nodes: [{id: fetch, bsh: echo}]")
    before = log_of(tmp_path, "r").read_bytes()
    wrong = invoke("resume", "r", "--definition", "fixed.yaml")
    assert wrong.code == 3
    assert "fixed.yaml:1:" in wrong.err
    assert invoke("resume", "r", "--definition", "missing.yaml").code == 4
    assert log_of(tmp_path, "r").read_bytes() == before


def test_the_same_definition_is_no_difference(invoke: Invoke, tmp_path: Path) -> None:
    a_failed_run(invoke, tmp_path, BROKEN)
    (tmp_path / "numbers.txt").write_text("1\n2\n")
    said = invoke("resume", "r", "--definition", "fixed.yaml", "-q")
    assert said.code == 0
    assert said.err.startswith("completed: 3 success")
