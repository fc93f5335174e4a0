"""``indelible schema``: workflow files, as editors understand them."""

from __future__ import annotations

from indelible.cli.options import verb
from indelible.cli.streams import put_bytes, put_json

EXAMPLES = """
indelible schema > workflow.schema.json
# and in the first line of a workflow file:
# yaml-language-server: $schema=workflow.schema.json
"""


@verb("schema", EXAMPLES)
def command(store: str | None, as_json: bool) -> int:
    """Print the JSON Schema of workflow files.

    For completion and checks while typing.  With --json it is on one line.
    """
    import msgspec

    from indelible.definition.schema import yaml_schema

    if as_json:
        put_json(yaml_schema())
    else:
        put_bytes(msgspec.json.format(msgspec.json.encode(yaml_schema()), indent=2) + b"\n")
    return 0
