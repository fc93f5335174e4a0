"""Which run is meant."""

from __future__ import annotations

from pathlib import Path

from tests.cli.invoking import HELLO, Invoke, a_run, damage, log_of

from indelible.testing.worlds import EPOCH, Clock


def shown(invoke: Invoke, text: str) -> str:
    said = invoke("show", text, "--json")
    assert said.code == 0, said.err
    found: str = said.document["run_id"]
    return found


def test_a_run_is_named_by_its_id_or_a_beginning_that_only_it_has(
    invoke: Invoke, tmp_path: Path
) -> None:
    for name in ("alpha-1", "alpha-2", "beta"):
        a_run(tmp_path, name)
    assert shown(invoke, "alpha-2") == "alpha-2"
    assert shown(invoke, "b") == "beta"


def test_a_whole_id_wins_over_longer_ones_that_begin_with_it(
    invoke: Invoke, tmp_path: Path
) -> None:
    a_run(tmp_path, "r")
    a_run(tmp_path, "r2")
    assert shown(invoke, "r") == "r"


def test_a_beginning_that_several_have_is_a_usage_error_that_lists_ten(
    invoke: Invoke, tmp_path: Path
) -> None:
    for number in range(10, 22):
        a_run(tmp_path, f"r{number}")
    said = invoke("show", "r")
    assert said.code == 2
    assert "error: r is the beginning of 12 runs" in said.err
    assert [line for line in said.err.splitlines() if line.startswith("    r")] == [
        f"    r{number}" for number in range(10, 20)
    ]
    assert "    and 2 more" in said.err


def test_latest_is_the_run_that_started_last_and_ties_go_by_id(
    invoke: Invoke, tmp_path: Path
) -> None:
    a_run(tmp_path, "z-early", clock=Clock(EPOCH))
    late = EPOCH.replace(year=2027)
    a_run(tmp_path, "b-late", clock=Clock(late))
    a_run(tmp_path, "a-late", clock=Clock(late))
    assert shown(invoke, "latest") == "b-late"


def test_a_damaged_run_is_still_found_by_its_id_and_told(invoke: Invoke, tmp_path: Path) -> None:
    a_run(tmp_path, "r1")
    damage(tmp_path, "r1")
    said = invoke("show", "r1")
    assert said.code == 8
    assert "events.jsonl" in said.err


def test_a_run_that_is_not_is_not_found_with_a_guess(invoke: Invoke, tmp_path: Path) -> None:
    a_run(tmp_path, "nightly-1")
    said = invoke("show", "nihgtly-1")
    assert said.code == 4
    assert said.err == "error: there is no run nihgtly-1\n    Did you mean nightly-1?\n"


def test_an_empty_store_says_that_it_is_empty(invoke: Invoke) -> None:
    assert "The store is empty" in invoke("show", "r").err
    latest = invoke("resume", "latest")
    assert latest.code == 4
    assert "there are no runs yet" in latest.err


def test_what_can_be_no_run_id_is_refused(invoke: Invoke) -> None:
    for text in ("../secret", ".hidden", "a/b", "x" * 200, ""):
        said = invoke("show", text)
        assert said.code == 2
        assert "is not a run id" in said.err


def test_no_new_run_is_called_latest(invoke: Invoke, tmp_path: Path) -> None:
    a_run(tmp_path, "r")
    (tmp_path / "hello.yaml").write_text(HELLO)
    for arguments in (("run", "hello.yaml", "-q"), ("fork", "r", "--no-run")):
        said = invoke(*arguments, "--run-id", "latest")
        assert said.code == 2
        assert "no run can be called 'latest'" in said.err
    assert [entry["run_id"] for entry in invoke("list", "--json").document["runs"]] == ["r"]


def test_a_run_id_that_looks_like_an_option_stands_behind_two_dashes(
    invoke: Invoke, tmp_path: Path
) -> None:
    (tmp_path / "asks.yaml").write_text("nodes: [{id: gate, approval: {message: Publish?}}]")
    waits = invoke("run", "asks.yaml", "--run-id", "-x", "--no-wait", "--store", "s")
    assert waits.code == 5
    assert "Answer: indelible approve --store s -- -x gate." in waits.err
    answered = invoke("approve", "--store", "s", "--", "-x", "gate")
    assert answered.code == 0
    assert answered.err == "Unless somebody drives it: indelible resume --store s -- -x\n"
    assert invoke("resume", "-q", "--store", "s", "--", "-x").code == 0
    assert invoke("show", "--store", "s", "--", "-x").out.startswith("run         -x\n")
    again = invoke("run", "asks.yaml", "--run-id", "-x", "--store", "s")
    assert "Go on with it: indelible resume --store s -- -x. Or" in again.err


def test_a_torn_tail_is_told_once(invoke: Invoke, tmp_path: Path) -> None:
    a_run(tmp_path, "r")
    with log_of(tmp_path, "r").open("ab") as log:
        log.write(b'{"run_id":"r","seq')
    for verb in ("show", "list", "explain"):
        said = invoke(verb, *([] if verb == "list" else ["r"]))
        assert said.code == 0
        assert said.err.count("an append that was cut short") == 1, verb
