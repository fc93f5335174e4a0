"""A workflow file becomes a definition, or every complaint about it at once."""

from __future__ import annotations

import os

import msgspec

from indelible.definition.check import check
from indelible.definition.fields import WORKFLOW
from indelible.definition.model import Definition
from indelible.definition.places import Report, Spot, merged
from indelible.definition.shapes import At, UnfitError
from indelible.definition.yaml_source import LARGEST, Source, read_yaml
from indelible.errors import Complaint, DefinitionError, NotFoundError


def load_workflow(path: str | os.PathLike[str], *, text: bytes | None = None) -> Definition:
    """The definition in the file at ``path``; with ``text``, in that, as if it stood there.

    Raises ``DefinitionError`` with all complaints, ``NotFoundError`` if there is no such file.
    """
    file = os.fspath(path)
    source, complaints = read_yaml(_content(file) if text is None else text, file)
    definition, unfit = _read(source)
    complaints = merged(complaints, unfit)
    complaints = merged(complaints, check(definition, source.locate))
    if complaints:
        raise DefinitionError(complaints)
    folder, base = os.path.split(os.path.abspath(file))
    name = definition.name or os.path.splitext(base)[0]
    return msgspec.structs.replace(definition, name=name, folder=folder)


def _read(source: Source) -> tuple[Definition, list[Complaint]]:
    report = Report(source.locate)
    at = At(Spot(report), source.locate_key)
    try:
        definition: Definition = WORKFLOW.read(source.data, at)
    except UnfitError:
        at.complain(
            "is not a workflow: the file must hold a mapping", "It needs at least `nodes:`."
        )
        definition = Definition(name="")
    return definition, report.complaints


def _content(file: str) -> bytes:
    try:
        with open(file, "rb") as stream:
            return stream.read(LARGEST + 1)  # enough to see that it is too large
    except FileNotFoundError:
        raise NotFoundError(f"{file}: there is no such file") from None
    except IsADirectoryError:
        raise NotFoundError(f"{file} is a folder, not a workflow file") from None
    except (OSError, ValueError) as error:
        said = Complaint(message=f"the file cannot be read: {error}", file=file)
        raise DefinitionError([said]) from None
