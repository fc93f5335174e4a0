"""The JSON Schema of workflow files, for editors; made from the table that also reads them."""

from __future__ import annotations

from indelible.definition.fields import KEYS, WORKFLOW, node_schema
from indelible.definition.kinds import KINDS


def yaml_schema() -> dict[str, object]:
    """JSON Schema, draft 2020-12, with the kinds of nodes that are installed.

    It knows shapes only; ``indelible validate`` knows the rest.
    """
    from indelible.definition.plugged import kinds_for_schema

    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Indelible workflow",
        "description": "A workflow file of Indelible: nodes, and what each of them waits for.",
        **WORKFLOW.schema,
        "$defs": {"node": node_schema({**KINDS, **kinds_for_schema(KEYS)})},
    }
