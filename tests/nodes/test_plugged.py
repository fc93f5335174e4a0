"""Nodes of kinds that other packages add, in whole runs: as any other node, wherever they stand."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.commands import cli
from tests.plug_ins import add_package, add_shelf, importable

import indelible as ink
from indelible.definition.yaml_file import load_workflow
from indelible.errors import DefinitionError
from indelible.events import NodeFailed
from indelible.runtime.drive import resume, start
from indelible.runtime.run import Run, get_run
from indelible.stores.codec import open_event
from indelible.stores.filesystem import FilesystemStore

KINDS = ("shelf", "soon")
SECRET = "correct horse/battery+staple"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Path]:
    """A folder of installed packages, with shelves in it."""
    folder = tmp_path / "site"
    folder.mkdir()
    add_shelf(folder)
    with importable(folder):
        yield folder


@pytest.fixture
def store(tmp_path: Path) -> FilesystemStore:
    return FilesystemStore(tmp_path / "runs")


def run_of(store: FilesystemStore, text: str, **inputs: Any) -> Run:
    definition = load_workflow("flow.yaml", text=text.encode())
    return Run(store, start(store, definition, inputs, run_id="r"))


def output_of(store: FilesystemStore, fields: str, kind: str = "shelf") -> Any:
    """What one node with ``fields`` gives, which completes."""
    run = run_of(store, f"nodes:\n  - id: a\n    {kind}: {fields}\n")
    assert run.status == "completed", run.node("a").error
    return run.node("a").output


def failures_of(store: FilesystemStore, fields: str, kind: str = "shelf") -> list[NodeFailed]:
    """How one node with ``fields`` fails."""
    run = run_of(store, f"nodes:\n  - id: a\n    {kind}: {fields}\n")
    assert run.status == "failed"
    events = map(open_event, run.events())
    return [event for event in events if isinstance(event, NodeFailed)]


# What it is given, what it gives.


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize("kind", KINDS)
def test_it_runs_with_its_defaults_and_its_templates_filled(
    store: FilesystemStore, kind: str
) -> None:
    fields = "{label: 'L ${{ run.id }}', items: ['${{ 1 + 1 }}', b], height: '${{ 40 + 2 }}'}"
    assert output_of(store, fields, kind) == ["L r", 42, [2, "b"], None, os.getpid()]


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize("kind", KINDS)
def test_it_runs_in_a_process_of_its_own_if_the_node_asks_for_one(
    store: FilesystemStore, kind: str
) -> None:
    output = output_of(store, "{label: '${{ run.id }}'}\n    env: {A: b}", kind)
    assert output[:4] == ["r", 1, [], None]
    assert output[4] != os.getpid()


@pytest.mark.usefixtures("site")
def test_its_log_has_what_its_logger_was_told(store: FilesystemStore) -> None:
    output_of(store, "{label: L}")
    (log,) = store.folder("r").rglob("a*.log")
    assert log.read_text().endswith("attempt 1 of r/a/0\n")


@pytest.mark.usefixtures("site")
def test_it_takes_outputs_items_and_previous_ones(store: FilesystemStore) -> None:
    run = run_of(
        store,
        "nodes:\n"
        "  - id: each\n"
        "    for_each: '[7, 8]'\n"
        "    shelf: {label: x, items: ['${{ item }}']}\n"
        "  - id: again\n"
        "    depends_on: [each]\n"
        "    loop: {until: 'output[1] > 2', max_iterations: 5}\n"
        "    shelf: {label: x, height: '${{ index }}', anything: '${{ nodes.each.output[1] }}'}\n"
        "  - id: inside\n"
        "    depends_on: [again]\n"
        "    nodes: [{id: a, when: nodes.again.output, soon: {label: y}, output_schema: {}}]\n"
        "  - id: never\n"
        "    when: 'false'\n"
        "    shelf: {label: z}\n",
    )
    assert run.status == "completed"
    each: Any = run.node("each").output
    assert [item[2] for item in each] == [[7], [8]]
    again: Any = run.node("again").output
    assert (again[1], again[3]) == (3, each[1])
    assert run.node("inside/a").status == "success"
    assert run.node("never").status == "skipped"


# How it fails.


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize("kind", KINDS)
def test_an_exception_fails_the_attempt_and_is_retried(store: FilesystemStore, kind: str) -> None:
    fields = "{label: break}\n    retry: {max_attempts: 2, delay: 0, on: [LookupError]}"
    first, second = failures_of(store, fields, kind)
    assert (first.attempt, second.attempt, second.retry_at) == (1, 2, None)
    assert (first.error.type, first.error.message) == ("LookupError", "broken with []")
    assert first.error.traceback is not None
    assert "acme_shelves.py" in first.error.traceback.splitlines()[1]


@pytest.mark.usefixtures("site")
def test_a_value_that_does_not_fit_fails_the_node_and_names_the_field(
    store: FilesystemStore,
) -> None:
    (failed,) = failures_of(store, "{label: '${{ 3 }}'}")
    assert failed.error.type == "TypeError"
    assert failed.error.message == "fields of shelf: Expected `str`, got `int` - at `$.label`"


@pytest.mark.usefixtures("site")
def test_what_the_struct_itself_refuses_fails_the_node(store: FilesystemStore) -> None:
    (failed,) = failures_of(store, "{label: L, mode: closed, items: ['${{ 1 }}']}")
    assert "a closed shelf takes no items" in failed.error.message


@pytest.mark.usefixtures("site")
def test_an_output_that_is_no_json_fails_the_node(store: FilesystemStore) -> None:
    (failed,) = failures_of(store, "{label: odd}")
    assert failed.error.type == "OutputError"


@pytest.mark.usefixtures("site")
def test_an_output_is_held_against_its_schema(store: FilesystemStore) -> None:
    (failed,) = failures_of(store, "{label: L}\n    output_schema: {type: object}")
    assert failed.error.type == "SchemaMismatch"


@pytest.mark.real
@pytest.mark.usefixtures("site")
@pytest.mark.parametrize("kind", KINDS)
def test_one_that_takes_too_long_is_stopped(store: FilesystemStore, kind: str) -> None:
    (failed,) = failures_of(store, "{label: for ever}\n    timeout: 300ms\n    grace: 0", kind)
    assert failed.error.type == "Timeout"


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("more", ["", "\n    env: {A: b}"])
def test_a_secret_reaches_it_and_no_file(
    store: FilesystemStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, more: str
) -> None:
    monkeypatch.setenv("SHELF_KEY", SECRET)
    fields = "{label: break, items: ['${{ secrets.SHELF_KEY }}']}"
    (failed,) = failures_of(store, fields + more, kind)
    assert failed.error.message == "broken with ['***']"
    files = [path for path in (tmp_path / "runs").rglob("*") if path.is_file()]
    assert files
    assert not [path for path in files if SECRET.encode() in path.read_bytes()]


# The log and what is installed.


def test_a_log_with_a_kind_that_is_gone_is_read_and_not_resumed(
    store: FilesystemStore, site: Path, tmp_path: Path
) -> None:
    (failed,) = failures_of(store, "{label: break}")
    (site / "acme_shelves-1.0.dist-info" / "entry_points.txt").unlink()
    length = sum(1 for _ in store.read("r"))
    for verb in ("show", "verify", "events", "explain", "graph"):
        cli(verb, "r", "--store", "runs", cwd=tmp_path)
    cli("list", "--store", "runs", cwd=tmp_path)
    said = cli("resume", "r", "--store", "runs", cwd=tmp_path, expect=3).stderr
    assert "node a: `shelf` is no kind of node that is installed" in said
    assert "pip install acme-shelves" in said
    assert sum(1 for _ in store.read("r")) == length
    assert get_run(store, "r").node("a").error == failed.error


def test_a_run_goes_on_once_its_kind_is_repaired(store: FilesystemStore, site: Path) -> None:
    failures_of(store, "{label: break}")
    with importable(site / "newer"):
        (site / "newer").mkdir()
        add_package(
            site / "newer",
            "acme-shelves",
            {"shelf": "newer_shelves:SHELF"},
            version="1.1",
            newer_shelves=(site / "acme_shelves.py").read_text().replace('"break"', '"never"'),
        )
        run = Run(store, resume(store, "r"))
    assert run.status == "completed"


@pytest.mark.usefixtures("site")
def test_a_changed_field_of_a_node_that_completed_needs_it_to_begin_anew(
    store: FilesystemStore,
) -> None:
    run_of(store, "nodes: [{id: a, shelf: {label: L}}, {id: b, depends_on: [a], bash: 'false'}]")
    changed = load_workflow(
        "flow.yaml",
        text=b"nodes: [{id: a, shelf: {label: M}}, {id: b, depends_on: [a], bash: 'true'}]",
    )
    with pytest.raises(DefinitionError, match=r'shelf\.label: "L" -> "M"'):
        resume(store, "r", definition=changed)
    again = Run(store, resume(store, "r", definition=changed, from_nodes=["a"]))
    assert again.status == "completed"
    output: Any = again.node("a").output
    assert output[0] == "M"


@pytest.mark.usefixtures("site")
def test_python_runs_it_like_any_other_node(tmp_path: Path) -> None:
    flow = ink.Workflow("flow")

    @flow.node
    def first() -> int:
        return 3

    flow.plugged(
        "it", "shelf", {"label": "L", "items": ["${{ nodes.first.output }}"]}, depends_on=[first]
    )

    @flow.node(depends_on=["it"])
    def last(first: int) -> int:
        return first + 1

    run = flow.run(store=tmp_path / "runs")
    output: Any = run.node("it").output
    assert (run.status, output[2]) == ("completed", [3])
