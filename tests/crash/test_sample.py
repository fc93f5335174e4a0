"""A few trials of each row of ``make crash``, drawn by a seed that is printed.

They need the fault tools, which are not part of the project; the tests in ``tests/faults`` do not.
"""

from __future__ import annotations

import sys
from pathlib import Path
from random import SystemRandom

import pytest

from tests.commands import ROOT, environment, program
from tests.crash import rows
from tests.crash.flips import flip_all
from tests.crash.rows import Outcome, Row, outcome

LATE = "FAIL n=7 before [race] run [0, 7, 'timeout'] rival None: a racer timed out"

SEED = SystemRandom().randrange(1_000_000)

needs_tools = pytest.mark.skipif(
    not rows.are_there(), reason="the fault tools are not beside the project (INDELIBLE_FAULTS)"
)


@needs_tools
@pytest.mark.real
@pytest.mark.parametrize("row", list(rows.rows()), ids=lambda row: row.title)
def test_a_sample_of_each_row_of_the_crash_suite_holds(row: Row) -> None:
    print(f"seed {SEED}: make crash ROWS='{row.title}' SEED={SEED}")
    found = rows.perform(row, is_whole=False, seed=SEED, jobs=1)
    assert found.trials > 0, found.said
    assert found.failed == 0, found.said


@pytest.mark.real
@pytest.mark.parametrize("store", rows.STORES)
def test_a_flipped_bit_is_noticed_or_changes_nothing(store: str) -> None:
    print(f"seed {SEED}")
    found = flip_all(store, seed=SEED, jobs=1, most=300)
    assert (found.trials, found.failed) == (300, 0), found.said


@pytest.mark.parametrize(
    ("code", "last", "expected"),
    [
        (0, "PASS: 79 trials, 60 injected, 0 failed, 13.9 s", (60, 0)),
        (0, "PASS: 25 states checked, 0 failed, 1.0 s", (25, 0)),
        (1, "FAIL: 9 trials, 2 failed, 24.7 s", (9, 2)),
        (1, "FAIL: 60 mutations: CRASH 1, SILENT 2, detected 57, 1.0 s", (60, 3)),
        (2, "BASELINE FAILED: check exited 1", (0, 1)),
        (0, "", (0, 1)),
        (1, f"  {LATE}\nFAIL: 50 trials, 1 failed, 9.0 s", (49, 0)),
        (1, f"  {LATE}\n  FAIL n=8: lost\nFAIL: 50 trials, 2 failed, 9.0 s", (49, 1)),
        (1, f"  {LATE}\nFAIL: 1 trials, 1 failed, 9.0 s", (0, 1)),
    ],
)
def test_a_row_that_tried_nothing_or_failed_is_never_taken_for_one_that_held(
    code: int, last: str, expected: tuple[int, int]
) -> None:
    found: Outcome = outcome(code, f"baseline: 79 calls\n{last}\n")
    assert (found.trials, found.failed) == expected


def test_make_crash_fails_without_the_tools_and_says_what_it_needs(tmp_path: Path) -> None:
    env = {**environment(), "INDELIBLE_FAULTS": str(tmp_path)}
    done = program(sys.executable, "-m", "tests.crash", cwd=ROOT, expect=2, env=env)
    assert "make crash needs the fault tools" in done.stderr
