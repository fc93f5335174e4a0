"""Texts and bytes that are nearly right: something valid with a few places spoiled."""

from __future__ import annotations

from hypothesis import strategies as st

STRANGE = st.sampled_from(
    [
        *("\0", "\x1b[2J", "\x7f", "\x85", "\ufeff", "\u202e", "\u2028", "\ud800", "\U0010ffff"),
        *(
            "\t",
            "\r",
            "\n",
            " ",
            ":",
            "-",
            "- ",
            "? ",
            "&a ",
            "*a",
            "!!int ",
            "<<: ",
            "|",
            ">",
            "#",
        ),
        *("{", "}", "[", "]", "${{", "}}", "$${{", "'", '"', "\\", ",", "%", "@", "`", "---\n"),
        *("null", "true", "1e400", ".nan", "-.inf", "0x", "9" * 30, "1:30", "2024-01-01", "~"),
        *("nodes", "inputs.", ".output", "__class__", "for_each", "e\u0301", "\u0130", "🙂"),
    ]
)


@st.composite
def spoiled_text(draw: st.DrawFn, *sound: str) -> str:
    """One of ``sound`` with up to five places changed: cut, doubled, moved, replaced by strange."""
    text = draw(st.sampled_from(sound))
    for _ in range(draw(st.integers(0, 5))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.sampled_from([0, 1, 1, 2, 5, 20])))
        part = text[start:end]
        put = draw(st.sampled_from(["", part * 2, part[::-1]]) | STRANGE | st.text(max_size=3))
        text = text[:start] + put + text[end:]
    return text


@st.composite
def spoiled_bytes(draw: st.DrawFn, sound: bytes) -> bytes:
    """``sound`` with up to four places changed, byte by byte or in pieces."""
    data = sound
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.sampled_from([0, 1, 1, 8, 512])))
        put = draw(st.sampled_from([b"", data[start:end] * 2, bytes(end - start)]) | st.binary())
        data = data[:start] + put + data[end:]
    return data
