"""Where in an author's words something stands, and the complaints gathered there."""

from __future__ import annotations

from typing import Protocol

import msgspec

from indelible.errors import Complaint, DefinitionError

Path = tuple[str | int, ...]
"""The way to a value: ``("nodes", 3, "env", "URL")``."""


def inside_node(path: Path) -> Path:
    """``path`` as seen from the innermost node it leads into: ``("env", "URL")``."""
    while len(path) > 1 and path[0] == "nodes" and isinstance(path[1], int):
        path = path[2:]
    return path


MOST_COMPLAINTS = 1_000
"""Nobody reads more; a file of a million mistakes must not take minutes to be refused."""


class Place(msgspec.Struct, frozen=True):
    """Lines and columns count from 1; 0 is unknown."""

    file: str = ""
    line: int = 0
    column: int = 0


class Locate(Protocol):
    """From a path to its place; ``offset`` counts characters inside the text that stands there.

    A path that was never written has the place of the nearest part of it that was.
    """

    def __call__(self, path: Path, offset: int = 0) -> Place: ...


def nowhere(path: Path, offset: int = 0) -> Place:
    """A ``Locate`` for definitions that were not written in a file."""
    return Place()


class Report:
    """The complaints so far.  At the thousandth it gives up and raises ``DefinitionError``."""

    def __init__(self, locate: Locate = nowhere) -> None:
        self.locate = locate
        self.complaints: list[Complaint] = []

    def add(self, place: Place, message: str, *, hint: str = "", node: str = "") -> None:
        self.complaints.append(
            Complaint(
                message=message,
                file=place.file,
                line=place.line,
                column=place.column,
                node=node,
                hint=hint,
            )
        )
        if len(self.complaints) >= MOST_COMPLAINTS:
            raise DefinitionError(self.complaints)


class Spot(msgspec.Struct, frozen=True):
    """A value in a definition, and the node it belongs to; complaints about it are made here."""

    report: Report
    path: Path = ()
    node: str = ""

    def below(self, *steps: str | int) -> Spot:
        return Spot(self.report, self.path + steps, self.node)

    def complain(self, message: str, *, hint: str = "", offset: int = 0) -> None:
        """``offset`` counts characters inside the text that stands here."""
        place = self.report.locate(self.path, offset)
        self.report.add(place, message, hint=hint, node=self.node)


def merged(first: list[Complaint], second: list[Complaint]) -> list[Complaint]:
    """Both, in file order, without what ``second`` says of a place that ``first`` complains about.

    A value that is wrong as it stands is replaced by a stand-in while the rest is looked at, so a
    second complaint at its place is an echo.
    """
    spoiled = {(said.line, said.column) for said in first}
    fresh = [said for said in second if not said.line or (said.line, said.column) not in spoiled]
    return sorted(first + fresh, key=lambda said: (said.line, said.column))
