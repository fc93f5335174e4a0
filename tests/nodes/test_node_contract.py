"""The contract of kinds of nodes: two kinds keep it, and what does not keep it is found."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.plug_ins import add_shelf, importable

from indelible.definition.plugged import load_kind
from indelible.definition.shapes import UnfitError
from indelible.testing.node_contract import Fields, NodeContract, NodeKind


@pytest.fixture(autouse=True)
def site(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "site"
    folder.mkdir()
    add_shelf(folder)
    with importable(folder):
        yield folder


def shelf(name: str) -> NodeKind[Any]:
    kind = load_kind(name)
    assert isinstance(kind, NodeKind)
    return kind


class TestSync(NodeContract):
    """A function, which runs in a thread or in a process."""

    @pytest.fixture
    def kind(self) -> NodeKind[Any]:
        return shelf("shelf")

    @pytest.fixture
    def good(self) -> Fields:
        return {"label": "L", "items": [1, "b"], "boxes": {"a": {"size": 2}}}

    @pytest.fixture
    def bad(self) -> Fields:
        return {"label": 3, "height": 0, "items": [None], "mode": "x", "box": {"size": "x"}}

    @pytest.fixture
    def failing(self) -> Fields:
        return {"label": "break"}

    @pytest.fixture
    def endless(self) -> Fields:
        return {"label": "for ever"}


class TestAsync(TestSync):
    """A coroutine, which runs on the loop thread."""

    @pytest.fixture
    def kind(self) -> NodeKind[Any]:
        return shelf("soon")


GOOD: Fields = {"label": "L"}


def test_a_kind_that_is_not_installed_is_found() -> None:
    installed = shelf("shelf")
    other = msgspec.structs.replace(installed, name="shelves")
    another = msgspec.structs.replace(installed, templates=())
    with pytest.raises(UnfitError):
        NodeContract().test_1_the_kind_is_installed_under_its_name(other)
    with pytest.raises(AssertionError):
        NodeContract().test_1_the_kind_is_installed_under_its_name(another)


def test_a_field_that_takes_what_it_should_refuse_is_found() -> None:
    with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"):
        NodeContract().test_3_a_bad_field_is_refused(shelf("shelf"), GOOD, {"anything": 3})


def test_a_kind_that_swallows_its_errors_is_found(tmp_path: Path) -> None:
    with pytest.raises(AssertionError):
        NodeContract().test_5_an_exception_fails_the_attempt(shelf("shelf"), GOOD, tmp_path)


def test_a_kind_that_fails_when_it_should_complete_is_found(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="broken with"):
        NodeContract().test_4_the_output_is_json(shelf("shelf"), {"label": "break"}, tmp_path)
