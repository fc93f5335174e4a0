"""What an expression may not even look like, judged on its text before the parser sees it.

Python's parser prints warnings for some texts, and its messages do not know our language; here
those texts get a message of their own.  Strings are blanked first, so that only code is judged.
"""

from __future__ import annotations

import re

from indelible.expressions.limits import MAX_SOURCE, Refusal

_STRING = re.compile(r"""'(?:[^'\\\n]|\\[^\n])*'|"(?:[^"\\\n]|\\[^\n])*\"""")
_STRING_OR_BRACE = re.compile(_STRING.pattern + "|[{}]")

_BREAK = re.compile(r"[\n\r\t\f\v]")
_ESCAPE = re.compile(r"\\([^\n])")
_KNOWN_ESCAPES = frozenset("\\'\"abfnrtvxuU")

_BARE_ID = re.compile(r"(?<![\w.])nodes\.([0-9]\w*(?:-\w+)*|\w+(?:-\w+)+)")
"""``nodes.cool-down`` would be a subtraction, and nothing can be subtracted from a node."""

_MISTAKES: tuple[tuple[re.Pattern[str], str, str], ...] = tuple(
    (re.compile(pattern), problem, hint)
    for pattern, problem, hint in (
        (r"\$\{\{", "a `${{ }}` inside an expression", "Write what stands between the braces."),
        ("'''|\"\"\"", "a triple quote", "Strings are written 'so' or \"so\"."),
        (r"#", "a comment", "An expression has no comments."),
        (r"&&", "`&&` is not an operator", "Write `and`."),
        (r"\|\|", "`||` is not an operator", "Write `or`."),
        (r"===|!==", "too many `=`", "Write `==` or `!=`."),
        (r"!(?!=)", "`!` is not an operator", "Write `not`."),
        (r"(?<![=!<>:])=(?!=)", "`=` is not an operator", "Write `==` to compare."),
        (r";", "`;` is not part of an expression", "An expression is one value."),
        (
            r"(?<!\w)[0-9](?:\w*?|[0-9_]*\.)(?:and|else|for|i[fns]|or|not)",
            "a number runs into a word",
            "Put a space between them.",
        ),
    )
)


def checked(source: str) -> str:
    """``source`` without the spaces before it and with its other white space as plain spaces.

    Line breaks mean nothing, as in YAML.  Raises ``Refusal`` with the offset, in bytes, in what
    would have been returned.
    """
    if len(source) > MAX_SOURCE:
        raise Refusal(f"longer than {MAX_SOURCE:,} characters", hint="Compute it in a node.")
    text = source.strip()
    if not text:
        raise Refusal("it is empty")
    for found in _STRING.finditer(text):
        _check_escapes(text, found)
    blank = _STRING.sub(_blanked, text)
    for pattern, problem, hint in _MISTAKES:
        if mistake := pattern.search(blank):
            raise Refusal(problem, hint=hint, at=byte_offset(text, mistake.start()))
    if bare := _BARE_ID.search(blank):
        raise Refusal(
            f"nodes.{bare[1]} is not one name: the id is not a plain identifier",
            hint=f"Write nodes['{bare[1]}'].output.",
            at=byte_offset(text, bare.start()),
        )
    if not _BREAK.search(text):
        return text
    return "".join(" " if _BREAK.match(blank[at]) else char for at, char in enumerate(text))


def closing_braces(text: str, start: int) -> int | None:
    """Where the ``}}`` is that ends the expression at ``start``: not in a string, not an object's.

    None if there is none within the longest expression.
    """
    depth = 0
    window = text[start : start + MAX_SOURCE + 2]
    for found in _STRING_OR_BRACE.finditer(window):
        if found[0] == "{":
            depth += 1
        elif found[0] == "}" and depth:
            depth -= 1
        elif found[0] == "}" and window.startswith("}}", found.start()):
            return start + found.start()
    return None


def byte_offset(text: str, characters: int) -> int:
    """Where the character stands in UTF-8, which is how Python's parser counts."""
    return len(text[:characters].encode(errors="surrogatepass"))


def column(source: str, offset: int | None) -> int:
    """The column in ``source``, from 1, of a byte offset in its ``checked`` form; 0 for None."""
    if offset is None:
        return 0
    text = source.lstrip()
    ahead = text.encode(errors="surrogatepass")[:offset].decode(errors="ignore")
    return len(source) - len(text) + len(ahead) + 1


def _blanked(found: re.Match[str]) -> str:
    return f"'{' ' * (len(found[0]) - 2)}'"


def _check_escapes(text: str, found: re.Match[str]) -> None:
    for escape in _ESCAPE.finditer(found[0]):
        if escape[1] not in _KNOWN_ESCAPES:
            raise Refusal(
                f"\\{escape[1]} means nothing in a string",
                hint="Write \\\\ for a backslash.",
                at=byte_offset(text, found.start() + escape.start()),
            )
