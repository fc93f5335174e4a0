"""A command line whose stdout and stderr are read after each command."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest
from tests.cli.invoking import Invoke, Said

from indelible.cli.main import main
from indelible.runtime.config import STORE_VARIABLE


@pytest.fixture
def invoke(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Invoke:
    """Runs a command in ``tmp_path``, without a store of the developer's."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(STORE_VARIABLE, raising=False)

    def invoke(*arguments: str, stdin: bytes = b"") -> Said:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        code = main(arguments)
        captured = capsys.readouterr()
        return Said(code, captured.out, captured.err)

    return invoke
