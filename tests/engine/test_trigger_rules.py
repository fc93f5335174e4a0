"""Every rule against the contract's table, over all small mixtures of outcomes."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import pytest

from indelible.definition.model import TriggerRule
from indelible.engine.trigger_rules import RULES, Upstream, Verdict, judge

SMALL_MIXTURES = [
    Upstream(*counts) for counts in product(range(3), repeat=5) if 0 < sum(counts) <= 4
]

# The table of SPEC section 4, written out a second time in its own letters.
Row = Callable[[int, int, int, int, int, int], str]
CONTRACT: dict[str, Row] = {
    "all_success": lambda s, f, a, u, k, n: (
        "start" if s + a == n else "upstream_failed" if f + u > 0 else "skipped"
    ),
    "all_failed": lambda s, f, a, u, k, n: "start" if f + a + u == n else "skipped",
    "all_done": lambda s, f, a, u, k, n: "start",
    "all_done_min_one_success": lambda s, f, a, u, k, n: (
        "start" if s + a >= 1 and k == 0 else "skipped" if k > 0 else "upstream_failed"
    ),
    "all_skipped": lambda s, f, a, u, k, n: "start" if k == n else "skipped",
    "one_success": lambda s, f, a, u, k, n: (
        "start" if s + a >= 1 else "skipped" if k == n else "upstream_failed"
    ),
    "one_failed": lambda s, f, a, u, k, n: "start" if f + a + u >= 1 else "skipped",
    "one_done": lambda s, f, a, u, k, n: "start" if s + f + a >= 1 else "skipped",
    "none_failed": lambda s, f, a, u, k, n: "start" if f + u == 0 else "upstream_failed",
    "none_failed_min_one_success": lambda s, f, a, u, k, n: (
        "start" if f + u == 0 and s + a >= 1 else "upstream_failed" if f + u > 0 else "skipped"
    ),
    "none_skipped": lambda s, f, a, u, k, n: "start" if k == 0 else "skipped",
}


def test_no_rule_is_missing() -> None:
    assert set(RULES) == set(TriggerRule)
    assert set(CONTRACT) == {rule.value for rule in TriggerRule}


@pytest.mark.parametrize("rule", TriggerRule)
def test_a_rule_says_what_the_contract_says(rule: TriggerRule) -> None:
    for up in SMALL_MIXTURES:
        s, f, a, u, k = up.success, up.failed, up.allowed, up.upstream_failed, up.skipped
        assert judge(rule, up) == CONTRACT[rule.value](s, f, a, u, k, up.total), up


@pytest.mark.parametrize("rule", TriggerRule)
def test_without_upstream_every_rule_starts(rule: TriggerRule) -> None:
    assert judge(rule, Upstream()) is Verdict.START
