"""The name in a lock file, and the sign that a claim can be seen by without a lock."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest

from indelible.errors import HeldError
from indelible.stores.disk import Claim, driver_at
from indelible.stores.holder import (
    Holder,
    is_signed,
    name_in,
    name_once_written,
    sign,
    this_process,
    unsign,
)

LOCK = "driver.lock"


@pytest.fixture
def lock(tmp_path: Path) -> Iterator[int]:
    fd = os.open(tmp_path / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    yield fd
    os.close(fd)


@pytest.fixture
def other(lock: int, tmp_path: Path) -> Iterator[int]:
    """Another descriptor of the same file, as another process has one."""
    fd = os.open(tmp_path / LOCK, os.O_RDONLY)
    yield fd
    os.close(fd)


def named(pid: int, host: str = "") -> bytes:
    return msgspec.json.encode(Holder(host or os.uname().nodename, pid, "2026-11-23T00:00:00Z"))


def a_dead_pid() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_a_living_process_and_one_of_another_host_are_named(lock: int) -> None:
    os.pwrite(lock, this_process(), 0)
    assert name_in(lock).startswith(f"pid {os.getpid()} on {os.uname().nodename} since ")
    os.ftruncate(lock, 0)
    os.pwrite(lock, named(1, "elsewhere"), 0)
    assert name_in(lock) == "pid 1 on elsewhere since 2026-11-23T00:00:00Z"


@pytest.mark.parametrize("content", [b"", b"{", b'{"pid":1}', named(0), named(-1), named(2**70)])
def test_what_is_no_name_is_none(lock: int, content: bytes) -> None:
    os.pwrite(lock, content, 0)
    assert name_in(lock) == ""


@pytest.mark.real
def test_who_died_with_a_claim_is_not_taken_for_its_holder(lock: int, tmp_path: Path) -> None:
    os.pwrite(lock, named(a_dead_pid()), 0)
    assert name_in(lock) == ""
    with Claim(tmp_path / LOCK, "r"):
        with pytest.raises(HeldError, match=f"held by pid {os.getpid()} on"):
            Claim(tmp_path / LOCK, "r").__enter__()
        assert driver_at(tmp_path / LOCK).startswith(f"pid {os.getpid()} on")


def test_whoever_has_just_taken_a_claim_has_time_to_write_its_name(lock: int, other: int) -> None:
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(name_once_written, other)
        os.pwrite(lock, this_process(), 0)
        assert asked.result().startswith(f"pid {os.getpid()} on")
    os.ftruncate(lock, 0)
    assert name_once_written(other) == ""


def test_a_claim_that_has_ended_leaves_no_name(tmp_path: Path) -> None:
    with Claim(tmp_path / LOCK, "r"):
        pass
    assert (tmp_path / LOCK).read_bytes() == b""
    assert driver_at(tmp_path / LOCK) == ""


def test_a_file_that_is_not_there_is_claimed_by_nobody(tmp_path: Path) -> None:
    assert driver_at(tmp_path / LOCK) == ""
    assert list(tmp_path.iterdir()) == []


def test_a_sign_is_seen_by_others_and_ends_with_its_descriptor(lock: int, other: int) -> None:
    assert not is_signed(other)
    sign(lock)
    assert is_signed(other)
    unsign(lock)
    assert not is_signed(other)


def test_who_asks_keeps_nobody_from_claiming(lock: int, other: int, tmp_path: Path) -> None:
    assert not is_signed(other)
    with Claim(tmp_path / LOCK, "r"):
        assert is_signed(other)
        assert is_signed(lock)
    assert not is_signed(other)
