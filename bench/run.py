"""Measure W1 to W12, ours, the floors and the peers alternately, and print how they compare.

    python bench/run.py [--only W1,W3] [--runs 5] [--peers DIR] [--json FILE] [--markdown FILE]

Each measurement is a process and a folder of its own.  A first round is not timed: it compiles
modules and counts syncs.  Progress goes to stderr, the tables to stdout.  Peers are measured where
their scripts are in DIR and their environments in ``$BENCH_ROOT/venvs`` (default ``.bench``).
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import report
from subjects import CLI, HERE, Measurement, Setting, Subject, subjects_of
from targets import Session, judge

import processes
from processes import FailedProcessError

WORKLOADS = tuple(f"W{number}" for number in range(1, 13))
SHARED = HERE.parent.parent / "shared"


class Rounds:
    """The rounds of one session."""

    def __init__(self, setting: Setting, subjects: Sequence[Subject]) -> None:
        self._setting = setting
        self._subjects = [subject for subject in subjects if not subject.absent]
        self.measured: dict[str, list[Measurement]] = {each.key: [] for each in self._subjects}
        self.syncs: dict[str, int] = {}

    def prepare(self) -> None:
        """Make what is only read, and go through everything once, untimed."""
        for subject in self._subjects:
            if subject.made_by:
                if Path(subject.made_by[subject.made_by.index("--dir") + 1]).exists():
                    continue
                say(f"making what {subject.key} reads")
                self._in_a_folder(subject._replace(command=subject.made_by, take=_make))
        for subject in tuple(self._subjects):
            self._take(subject, "warm-up")

    def measure(self, number: int) -> None:
        """In turns, so that a slow minute is slow for everybody."""
        for subject in tuple(self._subjects):
            if number > 1 and subject.is_slow:
                continue
            found = self._take(subject, f"round {number}")
            if found:
                self.measured[subject.key].append(found)
                say(f"round {number}: {subject.key:<18} {found.seconds:9.3f} s")

    def _take(self, subject: Subject, when: str) -> Measurement | None:
        is_counted = when == "warm-up"
        if is_counted:
            say(f"{when}: {subject.key}")
        try:
            if is_counted and subject.is_slow:
                return None
            return self._counted(subject) if is_counted else self._in_a_folder(subject)
        except FailedProcessError as error:
            if subject.is_ours:
                raise
            say(f"{subject.key} failed and is left out: {error}")
            self._subjects.remove(subject)
            return None

    def _counted(self, subject: Subject) -> Measurement:
        """One go with its syncs counted, which makes it slow."""
        if subject.workload == "W4":  # killed in the middle: nothing to count
            return self._in_a_folder(subject)
        counts = subject.counts or self._setting.folder / f"{subject.key.replace('/', '-')}.strace"
        command = subject.command
        if subject.counts:
            command = (*command, "--count", str(counts))
        else:
            command = tuple(processes.traced(command, counts))
        found = self._in_a_folder(subject._replace(command=command))
        syncs = _syncs_in(counts) if subject.counts else processes.traced_syncs(counts)
        if syncs is not None:
            self.syncs[subject.key] = syncs
        return found

    def _in_a_folder(self, subject: Subject) -> Measurement:
        folder = Path(tempfile.mkdtemp(dir=self._setting.folder))
        try:
            return subject.take(subject, folder, self._setting.env)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _make(subject: Subject, folder: Path, env: Mapping[str, str]) -> Measurement:
    ended = processes.measured(subject.command, folder, env)
    return Measurement(ended.seconds, subject.n, ended.rss_mb)


def _syncs_in(counts: Path) -> int:
    return int(json.loads(counts.read_text())["syncs"])


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", type=_names, default=WORKLOADS, help="for example W1,W3")
    parser.add_argument("--runs", type=int, default=5, help="rounds that are timed")
    parser.add_argument("--peers", type=Path, default=SHARED / "bench")
    parser.add_argument("--instances", type=Path, default=SHARED / "data" / "wfinstances")
    parser.add_argument("--threads", type=int, default=16, help="of W3")
    parser.add_argument("--parallel", type=int, default=8, help="commands at a time in W10")
    parser.add_argument("--smaller", type=int, default=1, help="divide all sizes, to try it out")
    parser.add_argument("--json", type=Path, help="one line a measurement is added to this file")
    parser.add_argument("--markdown", type=Path, help="the tables go into this page")
    return parser.parse_args()


def _names(text: str) -> tuple[str, ...]:
    names = tuple(text.split(","))
    if unknown := set(names) - set(WORKLOADS):
        raise argparse.ArgumentTypeError(f"there is no {', '.join(sorted(unknown))}")
    return names


def session_of(given: argparse.Namespace, setting: Setting) -> Session:
    table = subjects_of(setting)
    # By their keys: W12 has rows of other workloads.
    subjects = {row.key: row for name in given.only for row in table[name]}
    rounds = Rounds(setting, tuple(subjects.values()))
    version = version_of_ours(setting)
    rounds.prepare()
    for number in range(1, given.runs + 1):
        rounds.measure(number)
    in_order = sorted(subjects.values(), key=lambda row: WORKLOADS.index(row.workload))
    return Session(in_order, rounds.measured, rounds.syncs, version)


def version_of_ours(setting: Setting) -> str:
    """Also the first start, which is the slowest."""
    ended = processes.measured((*CLI, "--version"), setting.folder, setting.env)
    return ended.said.strip()


def write(given: argparse.Namespace, session: Session) -> None:
    figures, verdicts = report.measured_rows(session), judge(session, given.only)
    targets = report.target_rows(verdicts)
    around = report.circumstances()
    print(f"{report.text_of(figures)}\n\n{report.text_of(targets)}\n\n{around}")
    if given.json:
        with given.json.open("a") as file:
            file.writelines(f"{line}\n" for line in report.json_lines(session))
    if given.markdown:
        parts = [around + ".", report.markdown_of(targets), report.markdown_of(figures)]
        report.write_markdown(given.markdown, parts)


def main() -> None:
    given = read_arguments()
    root = Path(os.environ.get("BENCH_ROOT", ".bench")).resolve()
    root.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="session-", dir=root))
    setting = Setting(
        folder=folder,
        root=root,
        peers=given.peers.resolve(),
        instances=given.instances.resolve(),
        smaller=given.smaller,
        threads=given.threads,
        parallel=given.parallel,
    )
    try:
        write(given, session_of(given, setting))
    except FailedProcessError as error:
        raise SystemExit(str(error)) from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
