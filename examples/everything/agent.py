"""A scripted agent: it reads a prompt on stdin, and answers with JSON once it was told off."""

from __future__ import annotations

import re
import sys


def answer(prompt: str) -> str:
    """What this agent says to ``prompt``."""
    notes, correction, _ = prompt.partition("=== YOUR LAST ANSWER WAS NOT ACCEPTED")
    if not correction:
        return "Sure! The notes look fine to me."
    lines = len(re.findall(r"line \d+", notes))
    return f'{{"ok": true, "lines": {lines}}}'


if __name__ == "__main__":
    print(answer(sys.stdin.read()))
