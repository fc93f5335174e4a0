from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.definition.written import loaded

from indelible.definition.model import Bash, Composite, Definition, Node
from indelible.definition.normal import decode_definition, digest_of, encode_definition
from indelible.errors import DefinitionError

TEXT = """\
name: n
inputs: {a: {type: number, default: 1, enum: [1, 2.5]}}
timeout: 90s
nodes:
  - {id: a, bash: x, retry: {backoff: 2, delay: 1ms, on: [Timeout]}, env: {B: "1", A: "2"}}
  - {id: b, python: "m:f", depends_on: [a], with: {x: [1, 1.5, null, {y: "${{ inputs.a }}"}]}}
  - {id: c, script: "output = 1", trigger_rule: none_failed, executor: }
"""


def written() -> Definition:
    return loaded(TEXT.replace(", executor: ", ""))


def test_a_definition_comes_back_from_its_bytes_as_it_was() -> None:
    flow = written()
    raw = encode_definition(flow)
    assert decode_definition(raw) == flow
    assert encode_definition(decode_definition(raw)) == raw


def test_defaults_are_left_out_of_the_bytes() -> None:
    assert encode_definition(Definition(name="x")) == b'{"name":"x"}'


def test_the_digest_is_the_sha_256_of_the_bytes() -> None:
    raw = encode_definition(written())
    assert digest_of(raw) == hashlib.sha256(raw).hexdigest()


def test_what_a_later_version_adds_is_ignored() -> None:
    assert decode_definition(b'{"name":"x","later":[1]}') == Definition(name="x")


@pytest.mark.parametrize("raw", [b"", b"{}", b'{"name":3}', b'{"name":"x","nodes":[{"id":"a"}]}'])
def test_other_bytes_are_not_a_definition(raw: bytes) -> None:
    with pytest.raises(ValueError, match="not a definition: "):
        decode_definition(raw)


@given(st.binary())
def test_nothing_but_value_error_comes_of_other_bytes(raw: bytes) -> None:
    with pytest.raises(ValueError, match="not a definition: "):
        decode_definition(raw)


@pytest.mark.parametrize(("depth", "is_kept"), [(80, True), (90, False), (900, False)])
def test_a_definition_that_no_log_could_hold_is_refused(depth: int, is_kept: bool) -> None:
    node = Node(id="n", body=Bash(command="true"))
    for _ in range(depth):
        node = Node(id="n", body=Composite(nodes=(node,)))
    definition = Definition(name="w", nodes=(node,))
    if is_kept:
        assert decode_definition(encode_definition(definition)) == definition
        return
    with pytest.raises(DefinitionError, match="nested too deeply: more than 249 levels"):
        encode_definition(definition)
