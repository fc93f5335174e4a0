"""A workflow as data: frozen, complete, with no behaviour.  YAML and Python both make this.

Its JSON form (``msgspec.json``) is what the log keeps in ``workflow_started``, and what the
definition's digest is taken over; so fields are only ever added, always with a default.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from enum import StrEnum

import msgspec

from indelible.values import Json


class Model(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What all parts of a definition have in common."""


class TriggerRule(StrEnum):
    """When a node may start, judged once every upstream has ended.  The names are Airflow's."""

    ALL_SUCCESS = "all_success"
    ALL_FAILED = "all_failed"
    ALL_DONE = "all_done"
    ALL_DONE_MIN_ONE_SUCCESS = "all_done_min_one_success"
    ALL_SKIPPED = "all_skipped"
    ONE_SUCCESS = "one_success"
    ONE_FAILED = "one_failed"
    ONE_DONE = "one_done"
    NONE_FAILED = "none_failed"
    NONE_FAILED_MIN_ONE_SUCCESS = "none_failed_min_one_success"
    NONE_SKIPPED = "none_skipped"


class InputType(StrEnum):
    """The JSON types an input can have; ``any`` is every one of them, and null."""

    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    ARRAY = "array"
    OBJECT = "object"
    ANY = "any"


class OutputFormat(StrEnum):
    """How stdout becomes a node's output: as text without its last newline, or parsed."""

    TEXT = "text"
    JSON = "json"


class OnInterrupt(StrEnum):
    """What becomes of an attempt that was in flight when its driver died or was stopped."""

    RERUN = "rerun"
    FAIL = "fail"


class ExecutorKind(StrEnum):
    """Where a sync Python callable runs; coroutines always run on the loop thread."""

    THREAD = "thread"
    PROCESS = "process"


class Retry(Model, frozen=True):
    """How often, and how long after which failure, an attempt is made again.

    ``max_attempts`` counts the first; ``on`` lists error types (empty: any).  The wait before
    attempt n + 1 is ``delay * backoff ** (n - 1)``, at most ``max_delay``, times 1 ± ``jitter``.
    """

    max_attempts: int = 3
    delay: timedelta = timedelta(seconds=1)
    backoff: float = 2.0
    max_delay: timedelta = timedelta(minutes=5)
    jitter: float = 0.1
    on: tuple[str, ...] = ()


class Bash(Model, frozen=True, tag="bash", tag_field="kind"):
    """``bash -e -o pipefail -c command``; stdin is empty, data reaches it through ``env`` only."""

    command: str


class Script(Model, frozen=True, tag="script", tag_field="kind"):
    """Inline Python in a child process; sees the keys of ``with``, leaves ``output``."""

    source: str


class Python(Model, frozen=True, tag="python", tag_field="kind"):
    """A callable: ``target`` is ``module:qualname``, or with ``file`` its qualified name in there.

    ``parameters`` maps a parameter to ``inputs.NAME`` or ``nodes.ID``, as the decorator found them,
    in a map or loop also to ``item``, ``index``, ``previous``; ``with`` is for values written out.
    ``source_digest`` tells a changed function from the same.
    """

    target: str
    file: str = ""
    parameters: Mapping[str, str] = {}
    source_digest: str = ""
    is_async: bool = False


class Prompt(Model, frozen=True, tag="prompt", tag_field="kind"):
    """A text for an agent: ``command`` reads it on stdin and answers on stdout.

    ``text`` is a template.  Without a command the workflow's agent answers, else the
    configured one.
    """

    text: str
    command: tuple[str, ...] = ()


class Choice(Model, frozen=True):
    """One answer to an approval; ``fails`` makes it fail the node for good."""

    id: str
    fails: bool = False


APPROVE, REJECT = Choice(id="approve"), Choice(id="reject", fails=True)


class Approval(Model, frozen=True, tag="approval", tag_field="kind"):
    """A question to a person; ``message`` is a template, ``answer_schema`` a JSON Schema."""

    message: str
    choices: tuple[Choice, ...] = (APPROVE, REJECT)
    answer_schema: Json = None


class Wait(Model, frozen=True, tag="wait", tag_field="kind"):
    """A durable timer: for a ``duration``, or ``until`` a moment (RFC 3339; a template)."""

    duration: timedelta | None = None
    until: str | None = None


class Composite(Model, frozen=True, tag="composite", tag_field="kind"):
    """A graph as the body of a node.  ``returns`` names the inner node whose output it has.

    A body from another workflow file is ``isolated``: it sees its own ``inputs``, given by the
    node's ``with``, and nothing of the nodes around it; its ``outputs`` are the node's output.
    ``folder`` is where that file stood, if not beside the one that names it; ``max_parallel`` is
    that file's, beside that of the node.
    """

    nodes: tuple[Node, ...]
    returns: str | None = None
    is_isolated: bool = False
    inputs: Mapping[str, Input] = {}
    env: Mapping[str, str] = {}
    outputs: Mapping[str, Json] = {}
    folder: str = ""
    max_parallel: int | None = None


class Plugged(Model, frozen=True, tag="plugged", tag_field="kind"):
    """A node of a kind that another package adds under ``name``; ``fields`` are as written.

    ``templates`` are those of them in which `${{ }}` is filled when the node starts; it stands here
    so that a log can be read without that ``package``, which is the one to install.
    """

    name: str
    fields: Mapping[str, Json] = {}
    templates: tuple[str, ...] = ()
    package: str = ""

    @property
    def filled(self) -> Iterator[tuple[str, Json]]:
        """The fields in which templates are filled."""
        return ((name, value) for name, value in self.fields.items() if name in self.templates)


Body = Bash | Script | Python | Prompt | Approval | Wait | Composite | Plugged


class OnItemFailure(StrEnum):
    """Whether one failed item fails a map, or stands as null among its results."""

    FAIL = "fail"
    COLLECT = "collect"


class ForEach(Model, frozen=True):
    """One instance of the node for each item; ``items`` is an expression for a list or object."""

    items: str
    on_item_failure: OnItemFailure = OnItemFailure.FAIL


class Loop(Model, frozen=True):
    """The node again and again, until the expression ``until`` holds of its ``output``."""

    until: str
    max_iterations: int


class Input(Model, frozen=True):
    """One declared input of a workflow.  ``default`` counts only if ``has_default``."""

    type: InputType = InputType.STRING
    required: bool = False
    default: Json = None
    has_default: bool = False
    enum: tuple[Json, ...] = ()
    description: str = ""


class Node(Model, frozen=True):
    """One step of a workflow.  Field by field as in LANGUAGE; ``with_`` is ``with`` in files."""

    id: str
    body: Body
    description: str = ""
    depends_on: tuple[str, ...] = ()
    when: str | None = None
    trigger_rule: TriggerRule = TriggerRule.ALL_SUCCESS
    retry: Retry | None = None
    timeout: timedelta | None = None
    grace: timedelta = timedelta(seconds=5)
    allow_failure: bool = False
    on_interrupt: OnInterrupt = OnInterrupt.RERUN
    max_interruptions: int = 3
    env: Mapping[str, str] = {}
    with_: Mapping[str, Json] = msgspec.field(name="with", default_factory=dict)
    cwd: str | None = None
    output: OutputFormat | None = None
    executor: ExecutorKind | None = None
    for_each: ForEach | None = None
    loop: Loop | None = None
    max_parallel: int | None = None
    output_schema: Json = None


class Definition(Model, frozen=True):
    """A whole workflow.  ``max_parallel`` 0 means no limit, None the default (4 per CPU).

    ``folder`` is where the file stood; it comes first on ``sys.path`` of Python nodes.  ``agent``
    is the command for prompts that have none of their own.
    """

    name: str
    description: str = ""
    inputs: Mapping[str, Input] = {}
    env: Mapping[str, str] = {}
    max_parallel: int | None = None
    fail_fast: bool = False
    timeout: timedelta | None = None
    outputs: Mapping[str, Json] = {}
    folder: str = ""
    agent: tuple[str, ...] = ()
    nodes: tuple[Node, ...] = ()
