"""The targets, and how far a session is from each of them."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from subjects import INSTANCES, Measurement, Subject

Statistic = Callable[[Iterable[float]], float]
DURABLE_ENGINES = ("dbos", "langgraph")
"""Peers that drive a workflow and keep it; the others do one of the two."""

A_FEW = 0.05
"""Syncs a node that opening and closing the run of a long chain may add to one a node."""


class Session(NamedTuple):
    """What was measured, by the keys of the subjects; ``syncs`` are of a whole process,
    ``version`` is ours."""

    subjects: Sequence[Subject]
    measured: Mapping[str, Sequence[Measurement]]
    syncs: Mapping[str, int]
    version: str

    def of(self, key: str, statistic: Statistic) -> float | None:
        found = self.measured.get(key)
        return statistic([each.seconds for each in found]) if found else None

    def steps(self, key: str) -> int:
        return self.measured[key][0].steps

    def syncs_per_step(self, key: str) -> float | None:
        if key not in self.syncs or not self.measured.get(key):
            return None
        return self.syncs[key] / self.steps(key)


Value = Callable[[Session, Statistic], float | None]


class Target(NamedTuple):
    """``value`` may be at most ``limit``, or at least, if ``is_least``."""

    workload: str
    says: str
    value: Value
    limit: float
    is_least: bool = False

    def is_met(self, value: float) -> bool:
        return value >= self.limit if self.is_least else value <= self.limit


class Verdict(NamedTuple):
    """A target with what a session says; None where something it needs was not measured."""

    target: Target
    median: float | None
    best: float | None

    @property
    def word(self) -> str:
        if self.median is None or self.best is None:
            return "not measured"
        if self.target.is_met(self.median):
            return "met"
        return "in the best runs" if self.target.is_met(self.best) else "missed"


def judge(session: Session, workloads: Iterable[str]) -> list[Verdict]:
    return [
        Verdict(target, target.value(session, statistics.median), target.value(session, min))
        for target in TARGETS
        if target.workload in set(workloads)
    ]


def seconds(key: str) -> Value:
    return lambda session, statistic: session.of(key, statistic)


def milliseconds_a_step(key: str) -> Value:
    def value(session: Session, statistic: Statistic) -> float | None:
        found = session.of(key, statistic)
        return None if found is None else 1000 * found / session.steps(key)

    return value


def ratio(over: str, under: str) -> Value:
    def value(session: Session, statistic: Statistic) -> float | None:
        above, below = session.of(over, statistic), session.of(under, statistic)
        return above / below if above is not None and below else None

    return value


def times_faster(key: str, workload: str, engines: Sequence[str] = DURABLE_ENGINES) -> Value:
    """Than the fastest of ``engines``."""

    def value(session: Session, statistic: Statistic) -> float | None:
        found = (session.of(f"{workload}/{engine}", statistic) for engine in engines)
        theirs = min((each for each in found if each is not None), default=None)
        mine = session.of(key, statistic)
        return theirs / mine if theirs is not None and mine else None

    return value


def best(values: Sequence[Value]) -> Value:
    def value(session: Session, statistic: Statistic) -> float | None:
        found = [each(session, statistic) for each in values]
        return max((each for each in found if each is not None), default=None)

    return value


def all_of(values: Sequence[Value]) -> Value:
    """The worst; None unless all were measured."""

    def value(session: Session, statistic: Statistic) -> float | None:
        found = [each(session, statistic) for each in values]
        known = [each for each in found if each is not None]
        return max(known) if len(known) == len(found) else None

    return value


def steps_a_second(key: str) -> Value:
    def value(session: Session, statistic: Statistic) -> float | None:
        found = session.of(key, statistic)
        return session.steps(key) / found if found else None

    return value


def peak_memory(key: str) -> Value:
    """Megabytes; the largest of all rounds, whatever the statistic."""

    def value(session: Session, _: Statistic) -> float | None:
        return max((each.rss_mb for each in session.measured.get(key, ())), default=None)

    return value


def reruns(key: str) -> Value:
    def value(session: Session, _: Statistic) -> float | None:
        return max((float(each.reruns) for each in session.measured.get(key, ())), default=None)

    return value


def spread(session: Session, statistic: Statistic) -> float | None:
    """The dearest node of W7 in cheapest ones."""
    keys = [each.key for each in session.subjects if each.workload == "W7"]
    found = [milliseconds_a_step(key)(session, statistic) for key in keys]
    known = [each for each in found if each]
    return max(known) / min(known) if known else None


def largest(of: Callable[[str], Value]) -> Value:
    """``of`` the largest DAG of W7."""

    def value(session: Session, statistic: Statistic) -> float | None:
        sizes = {each.n: each.key for each in session.subjects if each.workload == "W7"}
        return of(sizes[max(sizes)])(session, statistic) if sizes else None

    return value


def stretch(key: str) -> Value:
    """The makespan in critical paths."""

    def value(session: Session, statistic: Statistic) -> float | None:
        found = session.measured.get(key)
        return statistic([each.seconds / each.ideal for each in found]) if found else None

    return value


TARGETS: Sequence[Target] = (
    Target(
        "W1", "≤ 1.6 times write + fdatasync of the same bytes", ratio("W1/files", "W1/floor"), 1.6
    ),
    Target(
        "W1",
        "≤ 1 sync a node, and a few for the run",
        lambda session, _: session.syncs_per_step("W1/files"),
        1 + A_FEW,
    ),
    Target("W1", "≥ 7 times as fast as dbos", times_faster("W1/files", "W1", ("dbos",)), 7, True),
    Target("W2", "≤ 0.04 ms a node", milliseconds_a_step("W2/files"), 0.04),
    Target(
        "W2",
        "≥ 25 times as fast as the best durable engine",
        times_faster("W2/files", "W2"),
        25,
        True,
    ),
    Target(
        "W3",
        "≥ 700 runs/s on either store",
        best([steps_a_second("W3/files"), steps_a_second("W3/sqlite")]),
        700,
        True,
    ),
    Target(
        "W3",
        "≥ 10 times as fast as the best durable engine",
        best([times_faster("W3/files", "W3"), times_faster("W3/sqlite", "W3")]),
        10,
        True,
    ),
    Target("W4", "≤ 0.15 s to the first new node", seconds("W4/files"), 0.15),
    Target("W4", "no completed node runs again", reruns("W4/files"), 0),
    Target("W5", "≤ 0.15 s", seconds("W5/files"), 0.15),
    Target("W5", "≤ 40 MB peak", peak_memory("W5/files"), 40),
    Target("W6", "≤ 0.6 s", seconds("W6/files"), 0.6),
    Target(
        "W6",
        "≥ 60 times as fast as the best durable engine",
        times_faster("W6/files", "W6"),
        60,
        True,
    ),
    Target("W7", "a node costs at most 1.25 times as much at another size", spread, 1.25),
    Target("W7", "the largest in ≤ 6 s", largest(seconds), 6),
    Target("W7", "the largest in ≤ 400 MB", largest(peak_memory), 400),
    Target("W8", "≤ 5 s", seconds("W8/files"), 5),
    Target("W8", "≤ 600 MB", peak_memory("W8/files"), 600),
    Target(
        "W9", "≤ 0.5 s on every store", all_of([seconds("W9/files"), seconds("W9/sqlite")]), 0.5
    ),
    Target("W10", "≤ 1.3 times a subprocess loop", ratio("W10/files", "W10/floor"), 1.3),
    *(
        Target("W11", f"{name}: ≤ 1.05 times the critical path", stretch(f"W11/{name}"), 1.05)
        for name in INSTANCES
    ),
    *(
        Target("W12", f"{name}: ≤ 2 times the files", ratio(f"{name}/sqlite", f"{name}/files"), 2)
        for name in ("W1", "W2", "W6")
    ),
    Target("W12", "W1: ≤ 1.5 times one-row commits", ratio("W1/sqlite", "W12/floor"), 1.5),
)
