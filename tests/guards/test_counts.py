"""What a run costs, in counts that are the same each time; no test here looks at a clock.

A bound is what was counted when it was written down.  Fewer is welcome, and then the bound comes
down with it; more is a decision.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import msgspec
import pytest

import indelible as ink
from indelible.cli.main import main
from indelible.engine.state import RunState
from indelible.events import Sealed
from indelible.runtime import drive
from indelible.runtime.config import open_executor
from indelible.runtime.drive import Shell
from indelible.runtime.log import open_log, unwatched
from indelible.stores.blobs import INLINE_LIMIT
from tests.commands import python
from tests.guards.operations import operations_of, system_calls

FEW, MANY = 100, 1000
GROWTH = 1.25
"""By how much a node may become dearer from FEW nodes to MANY; a scan of all of them in each event
makes it several times as dear."""

CALLS_A_NODE = {"stat": 1, "lstat": 2, "fstat": 3, "write": 1, "pwrite": 1}
"""For each append the places of log and head are looked at, the log is written, then the head."""

OWN_MODULES = 127
"""How many modules of ours ``indelible run`` needs for a file with one command."""

FOREIGN = {"click", "msgspec", "typing_extensions", "uuid_utils", "yaml"}
"""Packages that it needs; so does no Python flow, but for ``yaml``."""

UNNEEDED = (
    "apsw",
    "argparse",
    "asyncio",
    "concurrent.futures",
    "dataclasses",
    "email",
    "fastjsonschema",
    "http",
    "importlib.metadata",
    "logging",
    "multiprocessing",
    "pickle",
    "rich",
    "shutil",
    "simpleeval",
    "socket",
    "sqlite3",
    "ssl",
    "tempfile",
    "traceback",
)
"""Each costs milliseconds, or drags in many others."""

ONE_NODE = 'name: one\nnodes:\n  - {id: only, bash: "true"}\n'
ONE_FUNCTION = """
import indelible as ink
flow = ink.Workflow("one")
@flow.node
def only() -> int:
    return 1
"""
LOADED = """
import json, sys
before = set(sys.modules)
from indelible.cli.main import main
code = main(["run", sys.argv[1], "--quiet"])
loaded = set(sys.modules) - before
print(json.dumps(sorted(loaded)))
sys.exit(code)
"""


def nothing() -> None:
    """A step."""


def chain(nodes: int) -> ink.Workflow:
    flow = ink.Workflow("chain")
    before: list[str] = []
    for number in range(nodes):
        before = [flow.add(nothing, id=f"n{number}", depends_on=before)]
    return flow


def fan(nodes: int) -> ink.Workflow:
    flow = ink.Workflow("fan", max_parallel=0)
    wide = [flow.add(nothing, id=f"n{number}") for number in range(nodes)]
    flow.add(nothing, id="join", depends_on=wide)
    return flow


def run(
    flow: ink.Workflow,
    store: str,
    *,
    run_id: str = "r",
    watch: Callable[[RunState, list[Sealed]], None] = unwatched,
) -> None:
    """One attempt after the other in this thread, so that nothing depends on timing."""
    opened = ink.open_store(store)
    make = partial(open_executor, is_inline=True)
    shell = Shell(functions=flow.functions, executor=make, watch=watch)
    state = drive.start(opened, flow.build(), {}, run_id=run_id, shell=shell)
    opened.close()
    assert state.status == "completed"


def fold(store: str) -> None:
    """What a resume begins with."""
    opened = ink.open_store(store)
    assert open_log(opened, "r").state.status == "completed"
    opened.close()


def command(*arguments: str) -> None:
    assert main(arguments) == 0


def stores_of(folder: Path) -> Iterator[str]:
    yield str(folder / "runs")
    yield f"sqlite:///{folder / 'runs.db'}"


def assert_flat(few: int, many: int) -> None:
    """The counts of FEW and of MANY nodes, both of the second time."""
    dearer = (many / MANY) / (few / FEW)
    assert 1 / GROWTH < dearer < GROWTH, f"{few / FEW:.0f} steps a node, then {many / MANY:.0f}"


# ---- appends and system calls -------------------------------------------------------------------


def test_a_node_of_a_chain_costs_one_sync_of_the_log(tmp_path: Path) -> None:
    syncs = []
    for nodes in (20, 120):
        store = tmp_path / str(nodes)
        with system_calls() as made:
            run(chain(nodes), str(store))
        log = (store / "r" / "events.jsonl").stat().st_ino
        syncs.append(made[f"fdatasync {log}"])
    assert syncs[0] <= 20 + 1  # the last outcome and the end of the run are one append
    assert syncs[1] - syncs[0] <= 100


def test_a_node_of_a_chain_costs_a_constant_number_of_system_calls(tmp_path: Path) -> None:
    counts = []
    for nodes in (20, 120):
        with system_calls() as made:
            run(chain(nodes), str(tmp_path / str(nodes)))
        counts.append(made)
    few, many = counts
    # Syncs of the head come once a second, so they are not counted; those of the log are above.
    names = [name for name in many if not name.startswith("fdatasync")]
    grown = {name: (many[name] - few[name]) / 100 for name in names if many[name] > few[name]}
    assert all(grown[name] <= CALLS_A_NODE.get(name, 0) for name in grown), grown


def test_all_starts_that_are_ready_go_in_one_append(tmp_path: Path) -> None:
    for store in stores_of(tmp_path):
        appends: list[Sequence[str]] = []

        def watch(
            state: RunState, events: list[Sealed], seen: list[Sequence[str]] = appends
        ) -> None:
            seen.append([event.event_type for event in events])

        run(fan(50), store, watch=watch)
        assert appends[0] == ["workflow_started", *["node_started"] * 50]
        assert appends[-2][-1] == "node_started"  # the join, with the outcome it waited for
        assert appends[-1] == ["node_completed", "workflow_completed"]


# ---- work per event -----------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [chain, fan])
def test_a_run_of_many_nodes_does_no_more_for_each_than_one_of_few(
    tmp_path: Path, shape: Callable[[int], ink.Workflow], capsys: pytest.CaptureFixture[str]
) -> None:
    counts: dict[str, list[int]] = {}
    run(shape(2), str(tmp_path / "warm"))
    for nodes in (FEW, MANY):
        store, flow = str(tmp_path / str(nodes)), shape(nodes)
        works: dict[str, Callable[[], object]] = {
            "run": partial(run, flow, store),
            "fold": partial(fold, store),
            "list": partial(command, "list", "--store", store),
            "show": partial(command, "show", "r", "--store", store),
        }
        for name, work in works.items():
            if name != "run":
                work()  # what it imports is imported
            counts.setdefault(name, []).append(operations_of(work))
    capsys.readouterr()
    for few, many in counts.values():
        assert_flat(few, many)


def test_a_list_of_many_runs_does_no_more_for_each_than_one_of_few(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store, flow = str(tmp_path / "runs"), chain(1)
    counts = []
    for number in range(FEW + 1):
        run(flow, store, run_id=f"r{number:04}")
        if number in {FEW // 10, FEW}:
            listing = partial(command, "list", "--limit", "0", "--store", store)
            listing()
            counts.append(operations_of(listing) / (number + 1))
    capsys.readouterr()
    assert counts[1] < counts[0] * GROWTH


@pytest.mark.parametrize("url", ["{}", "sqlite:///{}.db"])
def test_a_run_that_a_list_does_not_show_is_not_read(
    tmp_path: Path, url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    store, flow = url.format(tmp_path / "runs"), chain(1)
    for number in range(FEW):
        run(flow, store, run_id=f"r{number:04}")
    shown = {limit: partial(command, "list", "--limit", limit, "--store", store) for limit in "10"}
    shown["1"]()  # what it imports is imported
    operations = {limit: operations_of(listing) for limit, listing in shown.items()}
    capsys.readouterr()
    assert operations["1"] < operations["0"] / 5


def test_nothing_that_looks_at_a_run_loads_an_output(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flow = ink.Workflow("large")
    flow.add(lambda: "x" * INLINE_LIMIT, id="large")
    run(flow, str(tmp_path))
    shutil.rmtree(tmp_path / "r" / "blobs")
    for looking in (("list",), ("show", "r"), ("show", "r", "--json"), ("events", "r")):
        command(*looking, "--store", str(tmp_path))
    capsys.readouterr()
    assert main(["show", "r", "large", "--store", str(tmp_path)]) == 8  # the output itself is gone


# ---- imports ------------------------------------------------------------------------------------


def loaded_by(target: str, *, cwd: Path) -> set[str]:
    said = python("-c", LOADED, target, cwd=cwd).stdout
    found: list[str] = msgspec.json.decode(said.splitlines()[-1])
    return set(found)


@pytest.mark.real
def test_a_run_of_one_command_imports_what_it_needs(tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text(ONE_NODE)
    loaded = loaded_by("one.yaml", cwd=tmp_path)
    assert not loaded & set(UNNEEDED)
    assert len([name for name in loaded if name.startswith("indelible")]) <= OWN_MODULES
    packages = {name.partition(".")[0] for name in loaded} - sys.stdlib_module_names
    foreign = {name for name in packages if "cython" not in name} - {"indelible"}
    assert foreign <= FOREIGN


@pytest.mark.real
def test_a_run_of_one_function_imports_neither_yaml_nor_subprocess(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text(ONE_FUNCTION)
    loaded = loaded_by("one.py:flow", cwd=tmp_path)
    assert not loaded & {*UNNEEDED, "subprocess", "yaml"}
