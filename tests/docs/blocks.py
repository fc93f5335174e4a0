"""The code blocks of a page, and running them as its reader would.

The convention, as CONTRIBUTING tells it: the second word behind a fence is the name of the file
that the block is.  ``yaml`` blocks are validated (with the third word ``invalid``, refused),
``python`` blocks are run, in ``console`` blocks the lines that begin with ``$`` are commands for
bash, and what stands below one is its output, in which ``…`` stands for anything, and each time of
day, duration and process id for any other.  All blocks of a page share one folder, in their order;
other languages are for reading.
"""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec

from tests.commands import CODE, EXAMPLES, environment, program

_FENCE = re.compile(r"^```([a-z]+)([^\n]*)\n(.*?)^```$", re.M | re.S)

RUN = ("yaml", "python", "console")
"""The languages of the blocks that are followed."""

SETTING_UP = ("git ", "cd ", "make test", "pip ")
"""Commands that would change more than the page's folder; make and CI run them for real."""

INSTEAD = {"make demo": f"{shlex.quote(sys.executable)} {shlex.quote(str(EXAMPLES / 'demo.py'))}"}
"""What the Makefile runs for them, once the environment is there."""


FLEETING = re.compile(r"\b\d\d:\d\d:\d\d\b|\b\d+(?:\.\d+)?(?: m?s|s|m\d\ds)\b|(?<=kill -9 )\d+")
"""What is different each time: a time of day, a duration, a process id."""


class Block(msgspec.Struct, frozen=True):
    """``line`` counts from 1 in the page."""

    language: str
    words: tuple[str, ...]
    text: str
    line: int

    @property
    def file(self) -> str:
        return self.words[0] if self.words else f"block_{self.line}.{self.language}"


class Command(msgspec.Struct, frozen=True):
    """A command of a console block, and the output below it; none means it does not matter."""

    line: str
    output: str


def blocks_of(page: str) -> Iterator[Block]:
    for found in _FENCE.finditer(page):
        language, words, text = found.groups()
        yield Block(language, tuple(words.split()), text, page.count("\n", 0, found.start()) + 1)


def commands_of(text: str) -> Iterator[Command]:
    for part in re.split(r"^\$ ", text, flags=re.M)[1:]:
        line, _, output = part.partition("\n")
        yield Command(line, output)


class Reader:
    """Does what a page says, in ``folder``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        programs = folder / "programs"
        programs.mkdir()
        _write_program(programs / "indelible", sys.executable, "-c", CODE)
        _write_program(programs / "python", sys.executable)
        inherited = environment()
        self._env = {**inherited, "PATH": f"{programs}:{inherited['PATH']}", "PYTHONWARNINGS": ""}
        (folder / "examples").symlink_to(EXAMPLES)

    def follow(self, block: Block) -> None:
        """Fails, with what was said, if the block does not do what the page promises."""
        doing = dict(zip(RUN, (self._validate, self._execute, self._type), strict=True))
        if block.language in doing:
            doing[block.language](block)

    def _validate(self, block: Block) -> None:
        (self._folder / block.file).write_text(block.text)
        self._bash(f"indelible validate {block.file}", expect=3 if "invalid" in block.words else 0)

    def _execute(self, block: Block) -> None:
        (self._folder / block.file).write_text(block.text)
        self._bash(f"python -W error {block.file}")

    def _type(self, block: Block) -> None:
        for command in commands_of(block.text):
            if command.line.startswith(SETTING_UP):
                continue
            said = self._bash(INSTEAD.get(command.line, command.line))
            assert not command.output.strip() or matches(command.output, said), (
                f"line {block.line}: $ {command.line}\nsaid\n{said}\nnot\n{command.output}"
            )

    def _bash(self, line: str, *, expect: int = 0) -> str:
        line = f"exec 2>&1; {line}"
        command = ("bash", "-o", "pipefail", "-c", line)
        return program(*command, cwd=self._folder, env=self._env, expect=expect).stdout


def matches(promised: str, said: str) -> bool:
    """Whether ``said`` is what was promised; ``…`` is anything, alone on its line any lines."""
    promised, said = (FLEETING.sub("*", text.strip("\n")) for text in (promised, said))
    pattern = "".join(map(_pattern_of, promised.split("\n")))
    return re.fullmatch(pattern, said + "\n") is not None


def _pattern_of(line: str) -> str:
    if line == "…":
        return r"(?:.*\n)*?"
    return ".*?".join(re.escape(piece) for piece in line.split("…")) + r"\n"


def _write_program(file: Path, *command: str) -> None:
    file.write_text(f'#!/bin/sh\nexec {shlex.join(command)} "$@"\n')
    file.chmod(0o755)
