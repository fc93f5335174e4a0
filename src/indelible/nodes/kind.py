"""What another package gives to add a kind of node: the port for authors.

The package names it by an entry point in the group ``indelible.nodes``::

    [project.entry-points."indelible.nodes"]
    sql = "my_package:SQL"

What ``run`` may rely on is said at ``NodeKind``; ``indelible.testing.node_contract`` tests what it
has to keep.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

import msgspec

from indelible.errors import UsageError
from indelible.executors.attempt import Context

Fields = TypeVar("Fields", bound=msgspec.Struct)


class NodeKind(msgspec.Struct, Generic[Fields], frozen=True, kw_only=True):
    """A kind of node: what its fields are, and what it does with them.

    ``name`` is the entry point's, and the key in workflow files.  ``fields`` is a struct; its types
    say what is right, and its ``__post_init__`` may refuse the rest with ``ValueError``.  In the
    fields named in ``templates`` `${{ }}` is filled before the node runs; elsewhere it is refused.

    ``run`` is called with the attempt's context and the fields, with templates filled and secrets
    in them.  Its result is the node's output: JSON, or what its return hint can write as JSON.
    An exception fails the attempt.  It may be ``async``.  A sync one runs in a thread, and can only
    look at ``context.cancelled``; where the node has a `timeout`, `env` or `cwd`, or
    `executor: process`, in a process of its own, which is stopped with SIGTERM.

    Raises ``UsageError`` for templates that are no fields, ``TypeError`` for a struct with fields
    that no JSON can be read into.
    """

    name: str
    fields: type[Fields]
    run: Callable[[Context, Fields], object]
    templates: tuple[str, ...] = ()
    description: str = ""

    def __post_init__(self) -> None:
        known = {field.encode_name for field in msgspec.structs.fields(self.fields)}
        unknown = [name for name in self.templates if name not in known]
        if unknown:
            raise UsageError(f"the kind {self.name} has no field {', '.join(unknown)}")
        msgspec.json.schema(self.fields)
