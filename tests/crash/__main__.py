"""``make crash``: every row of the crash suite, whole, and a table of what was tried.

    python -m tests.crash [TEXT] [--jobs N] [--seed N] [--sample]

TEXT selects rows: ``duel``, ``sqlite``, ``files: kill``.  Exit code 1 if anything failed, 2 if the
fault tools are not there.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial

from tests.crash import rows
from tests.crash.flips import flip_all
from tests.crash.rows import Outcome

MISSING = f"""\
make crash needs the fault tools, and they are not in {rows.TOOLS}
They break storage from outside: crashpoint, powercut, duel, bitflip, diskfull.
Say where they are:  make crash INDELIBLE_FAULTS=/path/to/faults
"""

SAMPLED_FLIPS = 200

Trial = tuple[str, Callable[[], Outcome]]


def trials(*, is_whole: bool, seed: int, jobs: int) -> Iterator[Trial]:
    """All rows by their titles, and how to perform each."""
    for row in rows.rows():
        how = partial(rows.perform, row, is_whole=is_whole, seed=seed, jobs=jobs)
        yield f"{row.title} ({row.tool})", how
    most = 0 if is_whole else SAMPLED_FLIPS
    for store in rows.STORES:
        how = partial(flip_all, store, seed=seed, jobs=jobs, most=most)
        yield f"{store}: a flipped bit (in process)", how


def main() -> int:
    arguments = parsed()
    if not rows.are_there():
        print(MISSING, file=sys.stderr)
        return 2
    print(f"seed {arguments.seed}, tools in {rows.TOOLS}")
    print(f"{'row':<52} {'trials':>8} {'failed':>7} {'seconds':>8}", flush=True)
    began = time.monotonic()
    tried = failed = 0
    for title, perform in trials(
        is_whole=not arguments.sample, seed=arguments.seed, jobs=arguments.jobs
    ):
        if arguments.text not in title:
            continue
        start = time.monotonic()
        outcome = perform()
        print(line(title, outcome, time.monotonic() - start), flush=True)
        if outcome.failed:
            print(outcome.said, flush=True)
        tried, failed = tried + outcome.trials, failed + outcome.failed
    print(line("all", Outcome(tried, failed, ""), time.monotonic() - began))
    return 1 if failed or not tried else 0


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("text", nargs="?", default="")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sample", action="store_true", help="what make test tries of each row")
    return parser.parse_args()


def line(title: str, outcome: Outcome, seconds: float) -> str:
    return f"{title:<52} {outcome.trials:>8,} {outcome.failed:>7} {seconds:>8.1f}"


if __name__ == "__main__":
    sys.exit(main())
