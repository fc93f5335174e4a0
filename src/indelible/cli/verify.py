"""``indelible verify``: is the log what was written, and could it have been written?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

import click
import msgspec

from indelible.cli.options import complete_runs, opened, verb
from indelible.cli.run_ids import find_run
from indelible.cli.streams import put, put_json
from indelible.cli.text import one_line, visible
from indelible.errors import CorruptLogError, IndelibleError, UsageError
from indelible.events import BlobRef
from indelible.runtime.log import Log, open_log
from indelible.stores.codec import open_event
from indelible.stores.medium import check_medium
from indelible.stores.port import IWorkflowStore

EXAMPLES = """
indelible verify latest
indelible verify --all
indelible verify --all --no-audit
indelible verify nightly-1 --head 3f7a…   # all 64 digits, as an earlier verify printed them
"""

_DIGEST = re.compile("[0-9a-f]{64}")


class Report(msgspec.Struct, frozen=True, omit_defaults=True):
    """``head`` is the last digest: whoever keeps it can tell later that nothing was changed.

    ``since_head`` counts the events after the digest that was asked for.  ``problem`` is empty for
    a log that is sound.  The report on the store itself has no ``run_id``.
    """

    run_id: str
    events: int = 0
    head: str = ""
    since_head: int = 0
    is_audited: bool = True
    problem: str = ""
    exit_code: int = 0


@verb("verify", EXAMPLES)
@click.argument("run", metavar="[RUN]", required=False, shell_complete=complete_runs)
@click.option("--all", "is_all", is_flag=True, help="Every run; goes on after a damaged one.")
@click.option("--head", metavar="DIGEST", help="A digest kept elsewhere; it must be in the log.")
@click.option("--no-audit", is_flag=True, help="Do not decide everything again; for huge logs.")
def command(
    run: str | None,
    is_all: bool,
    head: str | None,
    no_audit: bool,
    store: str | None,
    as_json: bool,
) -> int:
    """Check that the log of a run is what was written.

    Structure, digest chain, the legal order of events, and the values kept beside the log; of a
    database also its file, table and triggers.  Then every decision is made again and held against
    the log.  Prints the head digest; keep it elsewhere, and --head tells later whether anything
    before it changed.
    """
    _check_usage(run, head, is_all=is_all)
    with opened(store) as log_store:
        if run is not None:
            check_medium(log_store)
            found = find_run(log_store, run)
            _put(verified(log_store, found, head, is_audited=not no_audit), as_json=as_json)
            return 0
        reports = []
        for report in _all(log_store, is_audited=not no_audit):
            reports.append(report)
            if not as_json:
                _put(report, as_json=False)
    if as_json:
        _put_all(reports)
    return max((report.exit_code for report in reports), key=_gravity, default=0)


def _put_all(reports: list[Report]) -> None:
    """One document; ``store`` stands in it only if the store itself is not sound."""
    runs = [each for each in reports if each.run_id]
    of_store = [each for each in reports if not each.run_id]
    put_json({"runs": runs, **({"store": of_store[0]} if of_store else {})})


def _check_usage(run: str | None, head: str | None, *, is_all: bool) -> None:
    if (run is None) is not is_all:
        raise UsageError("verify needs a RUN or --all, and not both")
    if head is None:
        return
    if is_all:
        raise UsageError("--head belongs to one run", hint="Leave out --all.")
    if _DIGEST.fullmatch(head) is None:
        raise UsageError(
            f"{head} is not a digest", hint="It is the 64 hexadecimal digits that verify prints."
        )


def _gravity(exit_code: int) -> tuple[bool, int]:
    """Damage before all else."""
    return exit_code == CorruptLogError.exit_code, exit_code


def _all(store: IWorkflowStore, *, is_audited: bool) -> Iterator[Report]:
    try:
        check_medium(store)
    except IndelibleError as error:
        yield Report("", problem=error.problem, exit_code=error.exit_code)
    for run_id in sorted(store.runs()):
        try:
            yield verified(store, run_id, None, is_audited=is_audited)
        except IndelibleError as error:
            problem, code = error.problem, error.exit_code
            yield Report(run_id, problem=problem, exit_code=code)


def verified(store: IWorkflowStore, run_id: str, head: str | None, *, is_audited: bool) -> Report:
    """Raises whatever is wrong with the run."""
    log = open_log(store, run_id)
    for ref in _blobs(log):
        store.get_blob(run_id, ref)
    since = 0 if head is None else log.length - _place(log, head)
    if is_audited:
        _audit(log)
    return Report(run_id, events=log.length, head=log.head, since_head=since, is_audited=is_audited)


def _audit(log: Log) -> None:
    """Raises ``CorruptLogError`` for the first event that the engine could not have written."""
    from indelible.engine.audit import audit

    events = islice(log.store.read(log.run_id), log.length)
    found = audit(
        log.run_id,
        ((open_event(event), event.at) for event in events),
        lambda ref: log.store.get_blob(log.run_id, ref),
    )
    if found is not None:
        raise CorruptLogError(
            f"event {found.sequence} could not have been written: {found.problem}",
            place=f"run {log.run_id}",
            hint=found.hint,
        )


def _place(log: Log, head: str) -> int:
    """The sequence of the event with this digest.  Raises ``CorruptLogError`` if none has it."""
    for event in log.store.read(log.run_id):
        if event.digest == head:
            return min(event.sequence, log.length)
    raise CorruptLogError(
        f"none of its {log.length} events has the digest {head}",
        place=f"run {log.run_id}",
        hint="The log was changed or cut since that digest was taken, or it is of another run.",
    )


def _blobs(log: Log) -> Iterator[BlobRef]:
    """The values beside the log that the run goes on with; the definition was read already."""
    kept = [log.state.inputs, log.state.outputs]
    kept += [node.output for node in log.state.nodes.values()]
    yield from (each for each in kept if isinstance(each, BlobRef))


def _put(report: Report, *, as_json: bool) -> None:
    if as_json:
        put_json(report)
    elif report.problem:
        what = report.run_id or "the store"
        put(f"{what}: not sound: {one_line(visible(report.problem), 500)}")
    else:
        more = f", {report.since_head} of them since that head" if report.since_head else ""
        more += "" if report.is_audited else ", not audited"
        put(f"{report.run_id}: ok, {report.events} events{more}, head {report.head}")
