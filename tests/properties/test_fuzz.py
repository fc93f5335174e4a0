"""Whatever comes through a door, what comes out is a value or an error of ours, in bounded time.

The doors are the workflow file, the expressions and the reader of logs.  Each input that was found
to break one stays here as an example.
"""

from __future__ import annotations

import json
import warnings
from contextlib import suppress
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from indelible.definition.normal import decode_definition, encode_definition
from indelible.definition.yaml_file import load_workflow
from indelible.errors import (
    CorruptLogError,
    DefinitionError,
    ExpressionError,
    IndelibleError,
    NewerLogError,
    ValueNotJsonError,
)
from indelible.events import Sealed
from indelible.expressions import parse_expression, parse_template
from indelible.plan import make_plan
from indelible.projections.summary import summarise
from indelible.runtime.log import open_log
from indelible.stores.filesystem import FilesystemStore
from indelible.stores.memory import MemoryStore
from indelible.stores.port import TornTailWarning
from indelible.testing.store_cases import resealed
from indelible.values import encode
from tests.engine.given import node
from tests.properties.mutations import spoiled_bytes, spoiled_text
from tests.runtime.worlds import ERROR, World

FLOW = """\
name: everything
inputs: {rows: {type: array, default: [1, 2]}, day: {type: string, required: false}}
outputs: {all: "${{ nodes.each.output }}"}
max_parallel: 3
env: {DAY: "${{ inputs.day }}"}
nodes:
  - id: fetch
    bash: |
      echo '{"rows": [1, 2]}'
    output: json
    retry: {max_attempts: 3, delay: 1s, backoff: 2, on: [Timeout]}
    timeout: 30s
  - id: each
    depends_on: [fetch]
    for_each: "${{ nodes.fetch.output.rows }}"
    script: output = item
    with: {item: "${{ item }}"}
  - id: refine
    loop: {until: "${{ output.ok }}", max_iterations: 3}
    nodes:
      - {id: draft, prompt: "Write. ${{ default(previous, '') }}", agent: {command: [cat]}}
  - {id: ask, approval: {message: "Go?", choices: [yes-please, no]}, depends_on: [each]}
  - {id: rest, wait: 10m, depends_on: [ask], when: "nodes.ask.output.choice == 'no'"}
  - {id: end, python: "mod:main", trigger_rule: all_done, allow_failure: true, depends_on: [rest]}
"""
BARE = '{"nodes": [{"id": "a", "bash": "true"}]}'
EXPRESSIONS = (
    "nodes.fetch.output.rows[0] + len(inputs.rows) * 2 >= 3 and not (item.a == 'x' or false)",
    "default(inputs.day, join(split(trim(' a,b '), ','), '-')) if 1 < 2 else {'a': [1, 2.5, null]}",
    "max(sorted([3, 1, 2])) + round(2.345, 2) + number('1e3') - integer('7')",
    "from_json(json({'a': [item, true]}))['a'][-1] != upper('\\u00e9') + string(inputs.rows)",
)
NAMES = {
    "nodes": {"fetch": {"output": {"rows": [1, 2]}, "status": "success"}},
    "inputs": {"rows": [1, 2], "day": "monday"},
    "item": {"a": "x"},
    "index": 1,
    "run": {"id": "r"},
}


# The workflow file.


@given(spoiled_text(FLOW, BARE) | st.text(max_size=200))
@example("&a [*a]")
@example("nodes: [{id: a, bash: '\ud800'}]")
def test_any_workflow_file_is_a_definition_or_has_complaints(text: str) -> None:
    check_workflow(text.encode(errors="surrogatepass"))


@given(spoiled_bytes(FLOW.encode()) | spoiled_bytes(FLOW.encode("utf-16")) | st.binary())
@example(b"\xff\xfe" + BARE.encode("utf-16-le"))
def test_any_bytes_are_a_definition_or_have_complaints(raw: bytes) -> None:
    check_workflow(raw)


def check_workflow(raw: bytes) -> None:
    try:
        definition = load_workflow("/nowhere/flow.yaml", text=raw)
    except DefinitionError:
        return
    assert decode_definition(encode_definition(definition)) == definition
    make_plan(definition)


# Expressions and templates.


@given(spoiled_text(*EXPRESSIONS) | st.text(max_size=60))
@example("'a' * 9999999999")
@example("[[1] * 100000] * 100000")
@example("9999999999 * 9999999999")
@example("2 ** 99999")
@example("().__class__.__bases__[0].__subclasses__()")
def test_any_expression_has_a_json_value_or_an_expression_error(source: str) -> None:
    with suppress(ExpressionError, ValueNotJsonError):
        encode(parse_expression(source).evaluate(NAMES))


@given(spoiled_text(*(f"a ${{{{ {source} }}}} b" for source in EXPRESSIONS)))
def test_any_template_has_a_json_value_or_an_expression_error(text: str) -> None:
    with suppress(ExpressionError, ValueNotJsonError):
        encode(parse_template(text).evaluate(NAMES))


# The reader of logs.


@cache
def a_log() -> tuple[Sealed, ...]:
    """A run with a failure, a retry, a skip, and a second attempt of the whole."""
    world = World(lambda attempt: ERROR if attempt.node_id == "b" else {"n": attempt.number})
    world.start(node("a"), node("b", "a"), node("c", "b"), node("d", "a"), inputs={})
    world.resume()
    return tuple(world.store.read("r1"))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_log_file_is_read_as_it_was_or_refused(tmp_path: Path, data: st.DataObject) -> None:
    store = FilesystemStore(tmp_path)
    if not list(store.runs()):
        with store.claim("r1"):
            store.append("r1", a_log(), expected=0)
    name = data.draw(st.sampled_from(["events.jsonl", "events.jsonl", "head"]))
    path = tmp_path / "r1" / name
    sound = path.read_bytes()
    path.write_bytes(data.draw(spoiled_bytes(sound)))
    try:
        with warnings.catch_warnings(), suppress(CorruptLogError):
            warnings.simplefilter("ignore", TornTailWarning)
            # Behind the head of a closed log nothing was acknowledged, so nothing is lost or added.
            assert tuple(store.read("r1")) == a_log()
        assert list(store.runs()) in (["r1"], [])
    finally:
        path.write_bytes(sound)
        store.close()


@given(data=st.data())
def test_any_payload_under_a_sound_chain_is_folded_or_refused(data: st.DataObject) -> None:
    """As somebody writes it who knows how the chain is made."""
    place = data.draw(st.integers(0, len(a_log()) - 1))
    payload = a_log()[place].payload
    forged = data.draw(spoiled_bytes(payload) | forged_values(payload))
    check_forged(place, forged)


@st.composite
def forged_values(draw: st.DrawFn, payload: bytes) -> bytes:
    """``payload`` with one of its fields, or of those in its definition, taken out or replaced."""
    whole = json.loads(payload)
    at = whole
    while True:
        key = draw(st.sampled_from(sorted(at) if isinstance(at, dict) else range(len(at))))
        if isinstance(at[key], dict | list) and at[key] and draw(st.booleans()):
            at = at[key]
            continue
        if isinstance(at, dict) and draw(st.booleans()):
            del at[key]
        else:
            at[key] = draw(ODD)
        return json.dumps(whole, separators=(",", ":")).encode()


ODD: st.SearchStrategy[object] = st.sampled_from(
    [None, True, -1, 0, 2, 2**62, 1e300, "", "x", "a", "b", "9999-12-31T23:59:59Z", [], {}, ["a"]]
)


def check_forged(place: int, payload: bytes) -> None:
    log = list(a_log())
    log[place] = resealed(log[place], payload=payload, previous=previous_of(log, place))
    for later in range(place + 1, len(log)):
        log[later] = resealed(log[later], previous=log[later - 1].digest)
    store = MemoryStore()
    store.append("r1", log, expected=0)
    with suppress(CorruptLogError, NewerLogError):
        open_log(store, "r1")
    with suppress(IndelibleError):
        summarise(log)


def previous_of(log: list[Sealed], place: int) -> str | None:
    return log[place - 1].digest if place else None


def test_a_payload_that_is_not_utf_8_is_refused_by_listings_too() -> None:
    check_forged(1, b'{"node_id":"\x80a","attempt":1}')


@pytest.mark.parametrize("field", ["definition", "inputs", "attempt", "workflow"])
def test_a_first_event_without_one_of_its_fields_is_refused_or_complete(field: str) -> None:
    whole = json.loads(a_log()[0].payload)
    del whole[field]
    check_forged(0, json.dumps(whole).encode())
