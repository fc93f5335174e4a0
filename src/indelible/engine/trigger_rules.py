"""When may a node start?  One row per rule; names and bookkeeping are Airflow's trigger rules.

Each row answers for upstream that has ended, all of it: waiting until then makes the verdict
independent of the order in which the upstream finished.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum

import msgspec

from indelible.definition.model import TriggerRule


class Upstream(msgspec.Struct):
    """How many direct upstream nodes ended in which way."""

    success: int = 0
    failed: int = 0
    allowed: int = 0
    upstream_failed: int = 0
    skipped: int = 0

    @property
    def total(self) -> int:
        return self.success + self.failed + self.allowed + self.upstream_failed + self.skipped

    @property
    def passed(self) -> int:
        """Those that do not block what waits for success."""
        return self.success + self.allowed

    @property
    def blocked(self) -> int:
        """Those behind which a failure stands that nobody allowed."""
        return self.failed + self.upstream_failed

    @property
    def unsuccessful(self) -> int:
        """Those that a watcher of failures sees, allowed or not."""
        return self.failed + self.allowed + self.upstream_failed

    def counts(self) -> dict[str, int]:
        """The outcomes that occur, by name."""
        return {name: count for name, count in msgspec.structs.asdict(self).items() if count}


class Verdict(StrEnum):
    """What a rule says of a node whose upstream has ended."""

    START = "start"
    SKIP = "skipped"
    UPSTREAM_FAILED = "upstream_failed"


class Rule(msgspec.Struct, frozen=True):
    """``starts`` decides; if it says no, ``otherwise`` names what the node becomes."""

    starts: Callable[[Upstream], bool]
    otherwise: Callable[[Upstream], Verdict]


def _skip(up: Upstream) -> Verdict:
    return Verdict.SKIP


def _blocked(up: Upstream) -> Verdict:
    return Verdict.UPSTREAM_FAILED


def _blocked_if_failed(up: Upstream) -> Verdict:
    return Verdict.UPSTREAM_FAILED if up.blocked else Verdict.SKIP


def _skip_if_any_skipped(up: Upstream) -> Verdict:
    return Verdict.SKIP if up.skipped else Verdict.UPSTREAM_FAILED


def _skip_if_all_skipped(up: Upstream) -> Verdict:
    return Verdict.SKIP if up.skipped == up.total else Verdict.UPSTREAM_FAILED


RULES: Mapping[TriggerRule, Rule] = {
    TriggerRule.ALL_SUCCESS: Rule(
        lambda up: not (up.failed or up.upstream_failed or up.skipped), _blocked_if_failed
    ),
    TriggerRule.ALL_FAILED: Rule(lambda up: up.unsuccessful == up.total, _skip),
    TriggerRule.ALL_DONE: Rule(lambda up: True, _skip),
    TriggerRule.ALL_DONE_MIN_ONE_SUCCESS: Rule(
        lambda up: up.passed >= 1 and up.skipped == 0, _skip_if_any_skipped
    ),
    TriggerRule.ALL_SKIPPED: Rule(lambda up: up.skipped == up.total, _skip),
    TriggerRule.ONE_SUCCESS: Rule(lambda up: up.passed >= 1, _skip_if_all_skipped),
    TriggerRule.ONE_FAILED: Rule(lambda up: up.unsuccessful >= 1, _skip),
    TriggerRule.ONE_DONE: Rule(lambda up: up.success + up.failed + up.allowed >= 1, _skip),
    TriggerRule.NONE_FAILED: Rule(lambda up: up.blocked == 0, _blocked),
    TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS: Rule(
        lambda up: up.blocked == 0 and up.passed >= 1, _blocked_if_failed
    ),
    TriggerRule.NONE_SKIPPED: Rule(lambda up: up.skipped == 0, _skip),
}


def judge(rule: TriggerRule, upstream: Upstream) -> Verdict:
    """What becomes of a node all of whose upstream has ended.  Without upstream it starts."""
    row = RULES[rule]
    if row.starts(upstream) or upstream.total == 0:
        return Verdict.START
    return row.otherwise(upstream)
