"""Modules written for a test."""

from __future__ import annotations

from pathlib import Path


def write(file: Path, text: str) -> str:
    """Write a module, with the folders it needs; returns where it is."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return str(file)
