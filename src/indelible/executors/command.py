"""Run a command as one attempt: in a group of its own, its prints logged, its end explained."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from signal import Signals
from typing import IO, TYPE_CHECKING

import msgspec

from indelible.executors.attempt import Control
from indelible.executors.failures import AttemptFailedError, error_of, failure
from indelible.executors.log import DiskRefusedError
from indelible.executors.port import Attempt

if TYPE_CHECKING:
    from subprocess import Popen

    from indelible.executors.group import AttemptLock, Watchdog
    from indelible.executors.supervision import Supervision

MAX_STDOUT = 256 * 1024 * 1024
"""Bytes of stdout that can be a node's output."""

MAX_LINES, MAX_TAIL = 10, 2048
"""Lines and bytes of a command's last words that its failure quotes."""


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """``fds`` are inherited by the process; what it reads on stdin is ``stdin``, to its end.

    Unless ``keeps_stdout``, stdout is only logged.
    """

    argv: Sequence[str]
    keeps_stdout: bool = False
    fds: Sequence[int] = ()
    stdin: bytes = b""


def run_command(command: Command, attempt: Attempt, control: Control) -> bytearray:
    """What the command printed on stdout, if it keeps that, after it ended with exit code 0.

    Raises ``AttemptFailedError``: ExitCode, Timeout, SpawnError, OutputError, or what ``control``
    was cancelled with; ``DiskRefusedError`` after it stopped a command whose prints it cannot keep.
    """
    # Loaded by the first command: with it come subprocess, selectors and friends.
    from indelible.executors.supervision import Supervision

    watchdog = _watchdog_of(control)
    wake, waker = os.pipe()
    try:
        with (
            control.stoppable(lambda: os.write(waker, b".")),
            _locked(attempt) as lock,
            _spawn(command, attempt, lock) as process,
            _watching(watchdog, process, attempt),  # at once: until then only the lock tells of it
            Supervision(process, control, attempt.node) as watch,
        ):
            lock.hand_over(process.pid)
            watch.wake_on(wake)
            prints = _Prints(command, control, watch)
            watch.read(process.stdout, prints.take_stdout)
            watch.read(process.stderr, prints.take_stderr)
            code = watch.run()
    finally:
        os.close(wake)
        os.close(waker)
    prints.finish()
    if watch.stopped_by is not None:
        raise AttemptFailedError(watch.stopped_by)
    if code != 0:
        raise _exit_failure(code, prints.last_words())
    return prints.stdout


class _Prints:
    """Sorts what a process prints: all of it to the log, stdout kept, the last words remembered.

    What is kept of stdout is as it was printed; the last words are what the log shows.
    """

    def __init__(self, command: Command, control: Control, watch: Supervision) -> None:
        self.stdout = bytearray()
        self._tails = {"stdout": b"", "stderr": b""}
        self._keeps = command.keeps_stdout
        self._log = control.log
        self._watch = watch
        self._is_refused = False

    def take_stdout(self, data: bytes) -> None:
        self._take("stdout", data)
        if not self._keeps or self._watch.stopped_by is not None:
            return
        if len(self.stdout) + len(data) > MAX_STDOUT:
            self.stdout.clear()
            self._watch.stop(too_large().error)
        else:
            self.stdout += data

    def take_stderr(self, data: bytes) -> None:
        self._take("stderr", data)

    def finish(self) -> None:
        """Nothing follows.  Raises ``DiskRefusedError`` if a part of it could not be kept."""
        for stream in self._tails:
            self._remember(stream, self._log.flush(stream))

    def last_words(self) -> str:
        """The last lines of stderr, or if there are none, of stdout; after ``finish``."""
        tail = self._tails["stderr"].strip() or self._tails["stdout"].strip()
        return "\n".join(tail.decode(errors="replace").splitlines()[-MAX_LINES:])

    def _take(self, stream: str, data: bytes) -> None:
        if self._is_refused:
            return
        try:
            self._remember(stream, self._log.write(data, stream))
        except DiskRefusedError as refusal:  # raised again by the flush that follows the end
            self._is_refused = True
            self._watch.stop(error_of(refusal))

    def _remember(self, stream: str, shown: bytes) -> None:
        self._tails[stream] = (self._tails[stream] + shown[-MAX_TAIL:])[-MAX_TAIL:]


def too_large() -> AttemptFailedError:
    """An output that no log should carry."""
    return failure(
        "OutputError",
        f"the output is larger than {MAX_STDOUT // 1024**2} MiB; "
        "write it to a file and let the output be the file's path",
    )


@contextmanager
def nameless_file(content: bytes = b"") -> Iterator[IO[bytes]]:
    """A file that others can inherit and nobody can find; read from the start of ``content``.

    Unlike a pipe it never fills up, and a grandchild that holds it open keeps nobody waiting.
    """
    with _nameless() as file:
        rest = memoryview(content)
        while rest:
            rest = rest[file.write(rest) :]
        file.seek(0)  # the position is shared with whoever inherits it
        yield file


def _nameless() -> IO[bytes]:
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("indelible"), "r+b", buffering=0)
    from tempfile import TemporaryFile

    return TemporaryFile(buffering=0)


def _watchdog_of(control: Control) -> Watchdog | None:
    """Running before what it is to watch.  An executor of somebody else's may have none."""
    try:
        return None if control.watchdog is None else control.watchdog()
    except OSError as error:
        raise failure(
            "SpawnError", f"cannot start /bin/sh to watch over the node: {error}"
        ) from error


def _watching(
    watchdog: Watchdog | None, process: Popen[bytes], attempt: Attempt
) -> AbstractContextManager[None]:
    if watchdog is None:
        return nullcontext()
    return watchdog.watching(process.pid, attempt.node.grace.total_seconds())


@contextmanager
def _locked(attempt: Attempt) -> Iterator[AttemptLock]:
    from indelible.executors.group import AttemptLock

    lock = AttemptLock(attempt.lock)
    try:
        lock.open()
    except OSError as error:
        if isinstance(error, DiskRefusedError):
            raise
        raise failure("SpawnError", f"cannot lock what marks the attempt: {error}") from error
    try:
        yield lock
    finally:
        lock.close()


def _spawn(command: Command, attempt: Attempt, lock: AttemptLock) -> Popen[bytes]:
    import subprocess

    nothing = nullcontext(subprocess.DEVNULL)
    try:
        with nameless_file(command.stdin) if command.stdin else nothing as stdin:
            # Without a preexec_fn Python uses vfork, which does not copy the driver's page table.
            return subprocess.Popen(
                command.argv,
                bufsize=0,
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=attempt.node.cwd,
                env=_environment(attempt),
                pass_fds=(*command.fds, *lock.fds),
                start_new_session=True,
            )
    except (OSError, ValueError) as error:
        raise failure("SpawnError", _spawn_problem(command, attempt, error)) from error


def _environment(attempt: Attempt) -> dict[str, str]:
    return {
        **os.environ,
        **attempt.env,
        "INDELIBLE_RUN_ID": attempt.run_id,
        "INDELIBLE_NODE_ID": attempt.node_id,
        "INDELIBLE_ATTEMPT": str(attempt.number),
        "INDELIBLE_IDEMPOTENCY_KEY": attempt.idempotency_key,
    }


def _spawn_problem(command: Command, attempt: Attempt, error: Exception) -> str:
    import errno

    program, cwd = command.argv[0], attempt.node.cwd
    code = error.errno if isinstance(error, OSError) else None
    if cwd is not None and not os.path.isdir(cwd):
        return f"cannot start {program} in {cwd}: no such folder; correct the node's `cwd`"
    if code == errno.ENOENT:
        return f"cannot start {program}: it is not on the PATH; install it, or set PATH in `env`"
    if code == errno.E2BIG:
        return (
            f"cannot start {program}: the command or its environment is too large for the system; "
            "hand large values over in a file"
        )
    return f"cannot start {program}: {error}"


def _exit_failure(code: int, last_words: str) -> AttemptFailedError:
    if code < 0:
        message = f"killed by {_signal_name(-code) or f'signal {-code}'}"
    elif name := _signal_name(code - 128):
        message = f"exit code {code} (as after {name})"
    else:
        message = f"exit code {code}"
    if last_words:
        message += f", after:\n{last_words}"
    # A signal gives the exit code that every shell gives it.
    return failure("ExitCode", message, exit_code=code if code > 0 else 128 - code)


def _signal_name(number: int) -> str:
    try:
        return Signals(number).name
    except ValueError:
        return ""
