"""Hypothesis strategies: JSON values and the eight events, in all their shapes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st
from msgspec import UNSET, Raw

from indelible import events as facts
from indelible import values

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
names = st.from_regex(r"[a-z][a-z0-9_-]{0,12}", fullmatch=True)
run_ids = st.from_regex(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,20}", fullmatch=True)
counts = st.integers(1, 10**6)
moments = st.datetimes(datetime(1970, 1, 1), datetime(9998, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
digests = st.from_regex(r"[0-9a-f]{64}", fullmatch=True)

json_values: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
    max_leaves=10,
)
raw = json_values.map(lambda value: Raw(values.encode(value)))
blob_refs = st.builds(facts.BlobRef, sha256=digests, bytes=counts)
_few = st.lists(names, max_size=3).map(tuple)
_maybe_raw = st.just(UNSET) | raw

node_errors = st.builds(
    facts.NodeError,
    type=names,
    message=text,
    exit_code=st.none() | st.integers(-64, 255),
    traceback=st.none() | text,
    bases=_few,
)
events: st.SearchStrategy[facts.Event] = st.one_of(
    st.builds(
        facts.WorkflowStarted,
        format=st.just(facts.FORMAT),
        workflow=names,
        attempt=counts,
        definition_digest=digests,
        engine=text,
        definition=_maybe_raw,
        definition_blob=st.none() | blob_refs,
        source=text,
        inputs=_maybe_raw,
        inputs_blob=st.none() | blob_refs,
        deadline=st.none() | moments,
        interrupted=_few,
        reset=_few,
        changed=_few,
    ),
    st.builds(facts.WorkflowCompleted, outputs=_maybe_raw, outputs_blob=st.none() | blob_refs),
    st.builds(facts.WorkflowFailed, error=node_errors, failed=_few, failed_count=counts),
    st.builds(facts.WorkflowCancelled, reason=text, by=text),
    st.builds(facts.NodeStarted, node_id=names, attempt=counts),
    st.builds(
        facts.NodeCompleted,
        node_id=names,
        attempt=counts,
        duration=st.floats(0, 1e9),
        output=_maybe_raw,
        output_blob=st.none() | blob_refs,
    ),
    st.builds(
        facts.NodeFailed,
        node_id=names,
        attempt=counts,
        error=node_errors,
        duration=st.floats(0, 1e9),
        retry_at=st.none() | moments,
    ),
    st.builds(
        facts.NodeSkipped,
        node_id=names,
        reason=st.sampled_from(["trigger_rule", "when"]),
        rule=st.none() | names,
        when=st.none() | text,
        upstream=st.dictionaries(names, counts, max_size=3),
        cause=_few,
        cause_count=counts,
        upstream_failed=st.booleans(),
    ),
)
