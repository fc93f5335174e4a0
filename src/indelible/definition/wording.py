"""How complaints speak: what a value is called, and what a mistyped word probably meant."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from itertools import islice

MOST_COMPARED = 300
"""Known words a mistyped one is compared with at most; comparing is slow, files can be huge."""

_NOUNS: Mapping[type, str | Callable[[object], str]] = {
    type(None): "null",
    bool: lambda value: "true" if value else "false",
    int: lambda value: f"the number {value}",
    float: lambda value: f"the number {value}",
    str: lambda value: f"the text {shortened(str(value))}",
    list: "a list",
    tuple: "a list",
    dict: "a mapping",
}


def describe(value: object) -> str:
    """``value`` in a sentence: ``the number 3``, ``the text "x"``, ``a list``, ``null``."""
    noun = _NOUNS.get(type(value), type(value).__name__)
    return noun if isinstance(noun, str) else noun(value)


def shortened(text: str, limit: int = 60) -> str:
    """``text`` in quotes, on one line, cut where it gets long."""
    return json.dumps(text if len(text) <= limit else text[: limit - 1] + "…", ensure_ascii=False)


def listed(names: Iterable[str], limit: int = 12) -> str:
    """``a, b, c``, with an end when there are many; ``none`` when there are none."""
    first = list(islice(names, limit + 1))
    return ", ".join(first[:limit]) + (", …" if len(first) > limit else "") or "none"


def did_you_mean(word: str, known: Iterable[str], *, what: str = "Known") -> str:
    """A hint: the known word closest to ``word``, else the known words themselves."""
    from difflib import get_close_matches

    words = list(known)
    alike = (name for name in words if abs(len(name) - len(word)) <= max(3, len(word) // 2))
    close = get_close_matches(word, list(islice(alike, MOST_COMPARED)), n=1, cutoff=0.6)
    return f"Did you mean {close[0]}?" if close else f"{what}: {listed(words)}."
