"""Workflow files as texts, and what is said about them."""

from __future__ import annotations

from indelible.definition.model import Definition
from indelible.definition.yaml_file import load_workflow
from indelible.errors import Complaint, DefinitionError

FILE = "flow.yaml"


def loaded(text: str) -> Definition:
    return load_workflow(FILE, text=text.encode())


def complaints(text: str | bytes) -> list[Complaint]:
    """The complaints about ``text``, in order; none if it is a workflow."""
    try:
        load_workflow(FILE, text=text if isinstance(text, bytes) else text.encode())
    except DefinitionError as error:
        return list(error.complaints)
    return []


def only(text: str | bytes) -> str:
    """The one complaint about ``text``, as a reader sees it."""
    (complaint,) = complaints(text)
    return str(complaint)
