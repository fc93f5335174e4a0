"""The example package with a kind of node of its own, as if it was installed."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest

from tests.commands import COMMAND, EXAMPLES, environment, program
from tests.plug_ins import add_package

PACKAGE = EXAMPLES / "sqlite_node"


@pytest.fixture
def installed(tmp_path: Path) -> Mapping[str, str]:
    """An environment in which what ``pip install`` would read in its ``pyproject.toml`` is true."""
    project = tomllib.loads((PACKAGE / "pyproject.toml").read_text())["project"]
    kinds = project["entry-points"]["indelible.nodes"]
    site = tmp_path / "site"
    site.mkdir()
    add_package(site, project["name"], kinds, version=project["version"])
    inherited = environment()
    path = f"{inherited['PYTHONPATH']}:{PACKAGE}:{site}"
    return {**inherited, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}


@pytest.mark.real
def test_the_example_package_passes_its_own_tests(
    installed: Mapping[str, str], tmp_path: Path
) -> None:
    tests = ("-m", "pytest", "-q", f"--basetemp={tmp_path / 'pytest'}", str(PACKAGE))
    said = program(sys.executable, *tests, cwd=tmp_path, env=installed).stdout
    assert " passed" in said
    assert "skipped" not in said


@pytest.mark.real
def test_the_example_workflow_sells_what_it_was_given(
    installed: Mapping[str, str], tmp_path: Path
) -> None:
    flow = str(PACKAGE / "workflow.yaml")
    for _ in range(2):
        said = program(*COMMAND, "run", flow, cwd=tmp_path, env=installed).stdout
        sold = [{"item": "jam", "sold": 1}, {"item": "tea", "sold": 1}]
        assert msgspec.json.decode(said) == {"sold": sold}
