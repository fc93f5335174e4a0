"""The Python steps of this release: ordinary functions, each safe to run again after a crash."""

from __future__ import annotations


def package(part: str, number: int, object: str) -> dict[str, object]:
    """What was made of one part."""
    return {"file": f"{number}-{part}.tar", "of": object}


def upload(packages: list[dict[str, str] | None], tag: str) -> list[str]:
    """Where the packages are; a part that could not be built has none."""
    return [f"{tag}/{each['file']}" for each in packages if each is not None]


def summary(outcomes: dict[str, str]) -> list[str]:
    """One line for each outcome, in alphabetical order."""
    return sorted(f"{name}: {outcome}" for name, outcome in outcomes.items())
