"""What is true of the project's own files."""

from __future__ import annotations

import re
import tomllib

from tests.commands import ROOT

LOCK = (ROOT / "requirements.lock").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def named(requirement: str) -> str:
    """The name of a requirement, as an index spells it."""
    return re.split(r"[^A-Za-z0-9._-]", requirement)[0].lower().replace("_", "-")


def test_the_lock_names_versions_and_hashes_and_no_place() -> None:
    assert not re.search(r"://|--index|--find-links|--extra-index|@ |file:|^-", LOCK, re.M)
    pins = re.findall(
        r"^([a-z0-9-]+)==\S+.*?((?:\\\n    --hash=sha256:[0-9a-f]{64} ?)+)$", LOCK, re.M
    )
    assert len(pins) == len(re.findall(r"^[a-z]", LOCK, re.M))


def test_every_dependency_is_in_the_lock() -> None:
    extras = PROJECT["project"]["optional-dependencies"]
    wanted = [*PROJECT["project"]["dependencies"], *extras["test"], *extras["dev"]]
    wanted += PROJECT["build-system"]["requires"]
    locked = set(re.findall(r"^([a-z0-9-]+)==", LOCK, re.M))
    assert {named(each) for each in wanted} - {"indelible"} <= locked


def test_continuous_integration_runs_check_and_test_and_nothing_else() -> None:
    script = (ROOT / ".ci" / "run").read_text()
    lines = [line for line in script.splitlines() if line and not line.startswith("#")]
    assert lines == ["set -euo pipefail", 'cd "$(dirname "$0")/.."', "make check", "make test"]


def test_every_decision_says_its_context_its_choice_and_its_price() -> None:
    pages = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    for number, page in enumerate(pages, start=1):
        text = page.read_text()
        assert page.name.startswith(f"{number:04}-")
        assert re.match(rf"# {number}\. \S", text)
        assert re.findall(r"^\*\*(\w+)\.\*\*", text, re.M) == ["Context", "Choice", "Price"]
