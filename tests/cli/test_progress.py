"""What a drive tells, on a pipe and on a terminal."""

from __future__ import annotations

import errno
import io
import re
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta

import pytest
from tests.engine.given import chain, completed, node, opened, plan, ran, started

from indelible.cli.live import MOST_SHOWN, LiveView
from indelible.cli.progress import Progress, progress_to
from indelible.engine.fold import evolve, initial_state
from indelible.engine.state import RunState
from indelible.events import Event, NodeError, NodeFailed, NodeSkipped
from indelible.plan import Plan
from indelible.testing.logs import BEGINNING, sealed_log

ERROR = NodeError(type="ExitCode", message="exit code 3\nsecond line")


def followed(watch: Progress | LiveView, of: Plan, *events: Event) -> RunState:
    """One append after the other, each a second later, as the runner tells of them."""
    state = initial_state(of, "r")
    for event, sealed in zip(events, sealed_log("r", events), strict=True):
        evolve(state, event)
        if isinstance(watch, Progress):
            watch.watch(state, [sealed])
        else:
            watch.watch(state)
    return state


def told(of: Plan, *events: Event, **options: bool) -> list[str]:
    lines: list[str] = []
    followed(Progress("runs", write=lines.extend, **options), of, opened(), *events)
    return [re.sub(r"^\d\d:\d\d:\d\d ", "", line) for line in lines]


HEADING = "run r: w, 2 nodes, store runs"
LINES: list[tuple[Event, str]] = [
    (started("n1", 1), "● n1"),
    (completed("n1"), "✓ n1 0 ms"),
    (NodeFailed(node_id="n1", attempt=1, error=ERROR), "✗ n1 ExitCode: exit code 3"),
    (
        NodeFailed(
            node_id="n1", attempt=1, error=ERROR, retry_at=BEGINNING + timedelta(seconds=5.5)
        ),
        "↻ n1 ExitCode: exit code 3; again in 2.5s",
    ),
]


@pytest.mark.parametrize(("event", "line"), LINES)
def test_a_transition_is_a_line(event: Event, line: str) -> None:
    before = () if line.startswith("●") else (started("n1"),)
    assert told(chain(2), *before, event)[-1] == line


def test_the_first_line_names_the_run_and_the_store() -> None:
    assert told(chain(2)) == [HEADING]
    again = told(chain(2), *ran("n1"), started("n2"), opened(attempt=2, interrupted=("n2",)))
    assert again[-1] == f"{HEADING}, attempt 2, 1 ended before"


def test_an_attempt_that_is_not_the_first_says_so() -> None:
    retry = NodeFailed(node_id="n1", attempt=1, error=ERROR, retry_at=BEGINNING)
    assert told(chain(2), started("n1"), retry, started("n1", 2))[-1] == "● n1 (attempt 2)"


def test_a_failure_that_is_allowed_has_a_mark_of_its_own() -> None:
    failure = NodeFailed(node_id="a", attempt=1, error=ERROR)
    lines = told(plan(node("a", allow_failure=True)), started("a"), failure)
    assert lines[-1] == "! a ExitCode: exit code 3"


def test_a_skip_says_why() -> None:
    skip = NodeSkipped(node_id="a", reason="when", when="false", cause=("a",), cause_count=1)
    assert told(plan(node("a")), skip)[-1] == "⊘ a skipped: when: false"


def test_starts_can_be_left_out() -> None:
    assert told(chain(2), *ran("n1"), has_starts=False) == [HEADING, "✓ n1 0 ms"]


def test_what_others_wrote_cannot_act_on_the_terminal() -> None:
    error = NodeError(type="T", message="\x1b[2Jgone")
    failure = NodeFailed(node_id="n1", attempt=1, error=error)
    assert told(chain(1), started("n1"), failure)[-1] == "✗ n1 T: \\x1b[2Jgone"


def test_the_times_are_those_of_the_first_and_the_last_event() -> None:
    progress = Progress("runs", write=lambda lines: None)
    assert progress.began is None
    followed(progress, chain(1), opened(), *ran("n1"))
    assert progress.began == BEGINNING + timedelta(seconds=1)
    assert progress.ended == BEGINNING + timedelta(seconds=3)


# Where it goes.


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Closed(io.StringIO):
    def write(self, text: str) -> int:
        raise OSError(errno.EIO, "the terminal was closed")


def is_live(view: AbstractContextManager[object]) -> bool:
    return not isinstance(view, nullcontext)


def test_only_a_terminal_that_can_be_redrawn_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    assert is_live(progress_to(Terminal(), "runs", is_quiet=False)[2])
    assert not is_live(progress_to(Terminal(), "runs", is_quiet=True)[2])
    assert not is_live(progress_to(io.StringIO(), "runs", is_quiet=False)[2])
    monkeypatch.setenv("TERM", "dumb")
    assert not is_live(progress_to(Terminal(), "runs", is_quiet=False)[2])


def test_a_pipe_gets_every_append_at_once_and_in_its_encoding() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    progress, _, _ = progress_to(stream, "runs", is_quiet=False)
    followed(progress, chain(1), opened(), *ran("n1"))
    assert raw.getvalue().splitlines()[0] == b"run r: w, 1 node, store runs"
    assert raw.getvalue().splitlines()[2].endswith(b" + n1 0 ms")


# The part that is redrawn.


def test_the_picture_shows_what_runs_and_how_far_it_is() -> None:
    view = LiveView(Terminal())
    followed(view, chain(3), opened(), *ran("n1"), started("n2"))
    running, summary = view.picture()
    assert re.fullmatch(r"  ● n2 \d+\.\ds", running)
    assert re.fullmatch(r"1 of 3 done · 1 running · \d+\.\ds", summary)


def test_a_picture_of_many_is_not_longer_than_a_few_lines() -> None:
    view = LiveView(Terminal())
    wide = [f"n{number}" for number in range(MOST_SHOWN + 3)]
    followed(view, plan(*map(node, wide)), opened(), *map(started, wide))
    shown = view.picture()
    assert len(shown) == MOST_SHOWN + 2
    assert shown[-2] == "  and 3 more"


def test_a_picture_counts_failures() -> None:
    view = LiveView(Terminal())
    failure = NodeFailed(node_id="n1", attempt=1, error=ERROR)
    followed(view, chain(1), opened(), started("n1"), failure)
    assert " · 1 failed · " in view.picture()[-1]


def test_nothing_is_drawn_before_anything_is_known() -> None:
    assert LiveView(Terminal()).picture() == []


def test_lines_stay_when_the_picture_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    terminal = Terminal()
    with LiveView(terminal) as view:
        view.write(["12:00:00 ✓ n1 0 ms"])
    assert "12:00:00 ✓ n1 0 ms" in terminal.getvalue()


def test_a_terminal_that_was_closed_harms_nobody() -> None:
    view = LiveView(Closed())
    view.write(["a line"])
    with view:
        followed(view, chain(1), opened(), started("n1"))
