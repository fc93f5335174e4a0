"""What becomes of a failure: made again after a while, or final.  Pure: the dice are handed in."""

from __future__ import annotations

from datetime import datetime, timedelta

from indelible.definition.model import OnInterrupt, Retry
from indelible.engine.state import NodeState
from indelible.engine.status import INTERRUPTED, STOPPED
from indelible.events import NodeError


def retry_at(node: NodeState, error: NodeError, *, now: datetime, roll: float) -> datetime | None:
    """When the node is tried again after ``error``; None if the failure is final.

    ``roll`` is a random number from 0 to 1 that spreads the wait by the policy's jitter.
    """
    if error.type == STOPPED:
        return None
    if error.type == INTERRUPTED:
        return now if node.planned.node.on_interrupt is OnInterrupt.RERUN else None
    policy = node.planned.node.retry
    tries = node.tries + 1
    if policy is None or tries >= policy.max_attempts or not covers(policy, error):
        return None
    return now + delay_after(policy, tries, roll)


def covers(policy: Retry, error: NodeError) -> bool:
    """Whether the policy retries this kind of failure: by its type, or by a base class of it."""
    return (
        not policy.on or error.type in policy.on or any(base in policy.on for base in error.bases)
    )


def delay_after(policy: Retry, tries: int, roll: float) -> timedelta:
    """The wait after failure number ``tries`` (1, 2, …)."""
    longest = policy.max_delay.total_seconds()
    try:
        seconds = min(policy.delay.total_seconds() * policy.backoff ** (tries - 1), longest)
    except OverflowError:
        seconds = longest
    return timedelta(seconds=seconds * (1 + policy.jitter * (2 * roll - 1)))
