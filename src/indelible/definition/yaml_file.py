"""A workflow file becomes a definition, or every complaint about it at once."""

from __future__ import annotations

import os

from indelible.definition.files import Files
from indelible.definition.model import Definition
from indelible.errors import DefinitionError


def load_workflow(path: str | os.PathLike[str], *, text: bytes | None = None) -> Definition:
    """The definition in the file at ``path``; with ``text``, in that, as if it stood there.

    Files that it names as bodies of nodes are read too, and are part of it.  Raises
    ``DefinitionError`` with all complaints, ``NotFoundError`` if there is no such file.
    """
    files = Files()
    definition = files.load(os.fspath(path), text)
    if files.complaints:
        raise DefinitionError(files.complaints)
    return definition
