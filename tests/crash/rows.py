"""The rows of the crash suite: which tool breaks which store in which way, whole and as a sample.

The tools drive command lines and know nothing of the project; ``INDELIBLE_FAULTS`` says where they
are, by default beside the project.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import msgspec

from tests.commands import ROOT, SHARED, environment
from tests.crash.drive import RUN, URLS
from tests.crash.sound import sound_run

TOOLS = Path(os.environ.get("INDELIBLE_FAULTS") or SHARED / "tools" / "faults")
STORES = tuple(URLS)

INJECTIONS = (
    *("kill", "killafter", "tear", "tear:1", "tear:-1"),
    *("EIO", "ENOSPC", "EROFS", "EMFILE", "EINTR", "short"),
)
SOUND, OTHER = "SOUND", "OTHER"
"""Words of a command in whose place come the directories of two finished runs."""

SOURCE = environment()["PYTHONPATH"]
FAILURES = re.compile(r"(\d+) failed|(?:SILENT|CRASH) (\d+)")

NOT_ALL_BEGAN = "a racer timed out"
"""What the duel tool says of a race that the check finds sound, but not all racers took part in."""

STATES = 3000
"""After failed syncs a store has tens of thousands of disk states; so many of them are drawn."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One call of one tool on one store.  ``whole`` and ``sample`` are its arguments for each."""

    name: str
    store: str
    tool: str
    whole: tuple[str, ...]
    sample: tuple[str, ...]
    is_seeded: bool = True

    @property
    def title(self) -> str:
        return f"{self.store}: {self.name}"

    def command(self, *, is_whole: bool, seed: int, jobs: int) -> list[str]:
        arguments = self.whole if is_whole else self.sample
        seeded = ("--seed", str(seed)) if self.is_seeded else ()
        tool = str(TOOLS / f"{self.tool}.py")
        return [sys.executable, tool, *arguments, *seeded, "--jobs", str(jobs)]


class Outcome(msgspec.Struct, frozen=True):
    """What a tool said in the end, and all that it said."""

    trials: int
    failed: int
    said: str


def are_there() -> bool:
    return (TOOLS / "crashpoint.py").is_file()


def python(module: str, *arguments: str) -> str:
    """A shell command; the tools put the directory of the trial in the place of ``{dir}``."""
    return " ".join([shlex.quote(sys.executable), "-m", f"tests.crash.{module}", *arguments])


def rows() -> Iterator[Row]:
    for store in STORES:
        yield from crash_points(store)
        yield from power_cuts(store)
        yield from duels(store)
        yield from full_disks(store)
        yield from damage(store)


def crash_points(store: str) -> Iterator[Row]:
    """A process is killed at, or a fault put into, each call that it makes on its store."""
    drive, check = python("drive", "{dir}", store), python("check", "{dir}", store)
    run = ("--run", drive, "--check", check)
    extras: dict[str, tuple[str, ...]] = {
        **{kind: ("--inject", kind) for kind in INJECTIONS},
        "ENOSPC, sticky": ("--inject", "ENOSPC", "--sticky"),
        "kill, recovery too": ("--inject", "kill", "--recover", check, "--double", "5"),
    }
    for name, extra in extras.items():
        most = ("--max", "1") if "--double" in extra else ("--max", "4")
        yield Row(
            name=name,
            store=store,
            tool="crashpoint",
            whole=(*run, *extra),
            sample=(*run, *extra, *most),
        )


def power_cuts(store: str) -> Iterator[Row]:
    """The power goes; every state that the disk may then be in, also after a sync that failed."""
    drive, check = python("drive", "{dir}", store), python("check", "{dir}", store)
    judged = ("--check", check, "--ignore", "*-shm")
    for model in ("strict", "ordered"):
        once = ("--run", drive, *judged, "--model", model)
        yield Row(
            name=f"power cut, {model}",
            store=store,
            tool="powercut",
            whole=once,
            sample=(*once, "--max", "15"),
        )
    again = ("--run", f"({drive}) || ({drive})", *judged, "--only-fail", "--fsync-fail")
    yield Row(
        name="power cut after a failed sync",
        store=store,
        tool="powercut",
        whole=(*again, "each", "--max", str(STATES)),
        sample=(*again, "5", "--max", "15"),
    )


def duels(store: str) -> Iterator[Row]:
    """Two processes, or eight, drive one run."""
    drive, check = python("drive", "{dir}", store), python("check", "{dir}", store)
    # A rival of somebody frozen gives up after the patience of the stores, 10 seconds.
    run = ("--run", drive, "--check", check, "--patience", "40", "--timeout", "120")
    yield Row(
        name="a rival at every call",
        store=store,
        tool="duel",
        whole=run,
        sample=(*run, "--every", "61"),
        is_seeded=False,
    )
    race = (*run, "--race", "8", "--rounds")
    yield Row(
        name="eight at once",
        store=store,
        tool="duel",
        whole=(*race, "50"),
        sample=(*race, "2"),
        is_seeded=False,
    )


def full_disks(store: str) -> Iterator[Row]:
    """No file may grow beyond a limit: short writes, then errors, at each length."""
    drive, check = python("drive", "{dir}", store), python("check", "{dir}", store)
    run = ("--run", drive, "--check", check, "--min", "97", "--top")
    top, step, sampled = ("8000", "23", "1997") if store == "files" else ("90000", "331", "22003")
    yield Row(
        name="a full disk",
        store=store,
        tool="diskfull",
        whole=(*run, top, "--step", step),
        sample=(*run, top, "--step", sampled),
        is_seeded=False,
    )


def damage(store: str) -> Iterator[Row]:
    """A finished run's files, changed, cut, grown, exchanged; the tool asks the command line."""
    url = URLS[store].replace("store", "{dir}/store")
    command = " ".join([shlex.quote(sys.executable), "-m", "indelible"])
    made = ("--source", SOUND, "--other", OTHER, "--target", "store/*")
    asked = ("--verify", f"{command} verify {RUN} --store {url}")
    told = ("--dump", f"{command} events {RUN} --json --store {url}")
    yield Row(
        name="damaged files",
        store=store,
        tool="bitflip",
        whole=(*made, *asked, *told, "--max", "60"),
        sample=(*made, *asked, *told, "--max", "1"),
    )


def perform(row: Row, *, is_whole: bool, seed: int, jobs: int) -> Outcome:
    """Run a tool to its end.  A row that tried nothing, or could not begin, has failed."""
    compile_all()
    command = row.command(is_whole=is_whole, seed=seed, jobs=jobs)
    env = {**environment(), "PYTHONPATH": os.pathsep.join([SOURCE, str(ROOT)])}
    with ExitStack() as stack:
        made = {
            word: str(stack.enter_context(sound_run(row.store)))
            for word in (SOUND, OTHER)
            if word in command
        }
        done = subprocess.run(
            [made.get(word, word) for word in command],
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
    return outcome(done.returncode, done.stdout)


def compile_all() -> None:
    # The tools let Python write no bytecode; compiling all anew would take most of the time.
    compiling = [sys.executable, "-m", "compileall", "-q", SOURCE, str(ROOT / "tests" / "crash")]
    subprocess.run(compiling, check=False)


def outcome(code: int, said: str) -> Outcome:
    """What a tool that ended with ``code`` says in its last line."""
    last = (said.strip().splitlines() or [""])[-1]
    found = re.match(r"(?:PASS|FAIL): (?:\d+ trials, (?=\d+ injected))?(\d+) ", last)
    failures = sum(int(one or two) for one, two in FAILURES.findall(last))
    # The check has made sure that nobody who began was late.
    late = said.count(f": {NOT_ALL_BEGAN}\n")
    trials = (int(found.group(1)) if found else 0) - late
    is_held = trials > 0 and (code == 0 or (late > 0 and failures == late))
    return Outcome(trials, 0 if is_held else max(1, failures - late), said)
