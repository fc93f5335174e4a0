"""The composition root: which store a URL means, which executor drives, what the defaults are."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

import msgspec

from indelible.errors import UsageError
from indelible.executors.port import Executor
from indelible.stores.durability import FULL, Durability, parse_durability
from indelible.stores.port import IWorkflowStore

STORE_VARIABLE = "INDELIBLE_STORE"
DURABILITY_VARIABLE = "INDELIBLE_DURABILITY"
DEFAULT_STORE = ".indelible"
KINDS = "A store is a directory, file:DIRECTORY, sqlite:///FILE or memory:"

CONFIGURATION_FILES = ("indelible.toml", "~/.config/indelible/config.toml")
"""The first of these that exists is the configuration."""

Function = Callable[..., object]


class Configuration(msgspec.Struct, frozen=True, kw_only=True):
    """What a configuration file can say.

    ``agent`` is the command for prompts that have no other; ``secrets_file`` has the values of
    secrets that are not in the environment; ``store`` is a URL; ``durability`` says what an append
    waits for.
    """

    agent: tuple[str, ...] = ()
    secrets_file: Path | None = None
    store: str = ""
    durability: Durability = FULL


def load_configuration() -> Configuration:
    """``indelible.toml`` here, else ``~/.config/indelible/config.toml``, else nothing.

    Raises ``UsageError`` for a file that cannot be read or has a key that there is not.
    """
    for name in CONFIGURATION_FILES:
        file = os.path.expanduser(name)
        if os.path.isfile(file):
            from indelible.runtime.configuration_file import read_configuration

            return read_configuration(Path(file))
    return Configuration()


def default_store_url() -> str:
    """``$INDELIBLE_STORE``, else that of the configuration, else ``.indelible`` here."""
    return os.environ.get(STORE_VARIABLE) or load_configuration().store or DEFAULT_STORE


def default_durability() -> Durability:
    """That of ``$INDELIBLE_DURABILITY``, else that of the configuration, else ``full``.

    Raises ``UsageError`` for a word that is none.
    """
    text = os.environ.get(DURABILITY_VARIABLE)
    return durability_of(text) if text else load_configuration().durability


def durability_of(text: str) -> Durability:
    """``full``, ``strict``, ``batch`` or ``batch:200ms``.  Raises ``UsageError`` for others."""
    try:
        return parse_durability(text)
    except ValueError as error:
        raise UsageError(str(error)) from None


def open_store(
    url: str | os.PathLike[str] | None = None, *, durability: str | None = None
) -> IWorkflowStore:
    """The store behind ``url``: a directory or ``file:DIRECTORY``, ``sqlite:///FILE``, ``memory:``.

    Nothing is made before the first run is.  ``sqlite:///`` is followed by a path as it is given to
    other programs: ``sqlite:///runs.db`` is relative, ``sqlite:////srv/runs.db`` is not.
    ``durability`` says what is on the disk when an append returns: ``full``, ``strict``, ``batch``
    or such as ``batch:200ms`` (docs/stores.md); by default what the configuration says.  Raises
    ``UsageError`` for any other scheme or durability.
    """
    kept = default_durability() if durability is None else durability_of(durability)
    text = _text_of(url) if url is not None else default_store_url()
    scheme, colon, rest = text.partition(":")
    if not colon or "/" in scheme:
        return _filesystem(text, kept)
    opener = _SCHEMES.get(scheme)
    if opener is None:
        raise UsageError(
            f"{text!r}: no store is called {scheme!r}",
            hint=KINDS,
        )
    return opener(rest, kept)


def _text_of(url: str | os.PathLike[str]) -> str:
    """Python does not hold anybody to the types that a function names."""
    text: object = url.__fspath__() if isinstance(url, os.PathLike) else url
    if not isinstance(text, str):
        raise no_store(url)
    return text


def no_store(given: object) -> UsageError:
    """The error for what is neither a store nor a URL."""
    return UsageError(f"{given!r} is no store, and no URL of one", hint=KINDS)


@cache  # asking the system takes longer than a node
def default_parallel() -> int:
    """How many attempts run at a time where the workflow does not say: four per CPU."""
    return 4 * (os.cpu_count() or 1)


def open_executor(
    functions: Mapping[str, Function], *, is_inline: bool = False, echo: bool = False
) -> Executor:
    """What runs the attempts of one drive.  ``functions`` are live callables by node id.

    ``is_inline`` runs one attempt after the other in the calling thread, for debugging; ``echo``
    lets what Python nodes print through to the terminal as well.
    """
    from indelible.nodes import node_kinds
    from indelible.secrets import Secrets

    configured = load_configuration()
    kinds = node_kinds(functions, agent=configured.agent)
    secrets = Secrets(configured.secrets_file)
    if is_inline:
        from indelible.executors.inline import InlineExecutor

        return InlineExecutor(kinds, echo=echo, secrets=secrets)
    from indelible.executors.local import LocalExecutor

    return LocalExecutor(kinds, echo=echo, secrets=secrets)


def _filesystem(path: str, durability: Durability) -> IWorkflowStore:
    from indelible.stores.filesystem import FilesystemStore

    if not path.removeprefix("//"):
        raise UsageError("a store needs a directory", hint=f"For example: {DEFAULT_STORE}")
    root = Path(path.removeprefix("//")).expanduser()
    return FilesystemStore(root, durability=durability)


def _sqlite(rest: str, durability: Durability) -> IWorkflowStore:
    from indelible.stores.sqlite import SqliteStore

    if not rest.startswith("///") or not rest.removeprefix("///"):
        raise UsageError(
            f"'sqlite:{rest}' names no file",
            hint="Write sqlite:///runs.db, or sqlite:////absolute/path/runs.db",
        )
    if rest == "///:memory:":
        raise UsageError(
            f"'sqlite:{rest}' would be gone with each connection, and no run could be resumed",
            hint="For a store that keeps nothing: memory:",
        )
    return SqliteStore(Path(rest.removeprefix("///")).expanduser(), durability=durability)


def _memory(rest: str, durability: Durability) -> IWorkflowStore:
    from indelible.stores.memory import MemoryStore

    return MemoryStore()


_SCHEMES: Mapping[str, Callable[[str, Durability], IWorkflowStore]] = {
    "file": _filesystem,
    "sqlite": _sqlite,
    "memory": _memory,
}
