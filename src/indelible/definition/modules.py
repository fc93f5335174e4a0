"""The user's modules: imported by name or by file, with what they do wrong told in one sentence."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from contextvars import ContextVar
from importlib import import_module as import_standard
from threading import RLock
from types import ModuleType
from typing import NoReturn

from indelible.errors import Complaint, DefinitionError, IndelibleError, NotFoundError

PREFIX = "_indelible_file_"
"""Modules loaded by file are in ``sys.modules`` under names of ours, so that no import finds them
by chance and their ``if __name__ == "__main__"`` does not run."""

TALKATIVE = frozenset({"__main__", "antigravity", "idlelib", "this", "turtledemo"})
"""Standard modules that do something when they are imported; nothing of ours needs them."""

_loading: ContextVar[str] = ContextVar("loading", default="")
_one_at_a_time = RLock()


def being_loaded() -> str:
    """The module that is being imported for a node or a command just now; empty if none is.

    A run that is started meanwhile was left at the top of a script and would start itself for ever.
    """
    return _loading.get()


def put_first(folder: str) -> None:
    """Make ``folder`` the first place where imports look, unless they look there already."""
    if folder and folder not in sys.path:
        _keep_standard_modules(folder)
        sys.path.insert(0, folder)


def _keep_standard_modules(folder: str) -> None:
    """Import what a file of the user's would hide: we, and libraries, import some of it later."""
    try:
        names = {os.path.splitext(name)[0] for name in os.listdir(folder)}
    except OSError:
        return  # nothing can be imported from there, and nothing hidden
    for name in sorted(names & sys.stdlib_module_names - TALKATIVE):
        with suppress(ImportError):  # not every module is there on every system
            import_standard(name)


def main_file() -> str:
    """The absolute path of the running script; empty at a prompt, in a pipe, for ``python -c``."""
    file = getattr(sys.modules.get("__main__"), "__file__", None)
    # A program from a pipe says that its file is <stdin>.
    return os.path.abspath(file) if file and os.path.isfile(file) else ""


def origin_of(name: str) -> tuple[str, str]:
    """``(name, file)`` of a module: ``file`` is set if it can only be found again by that.

    ``__main__`` started with ``python -m pkg.etl`` is ``pkg.etl``.
    """
    if name == "__main__":
        return (started, "") if (started := _started_as()) else (name, main_file())
    if name.startswith(PREFIX):
        return name, getattr(sys.modules.get(name), "__file__", None) or ""
    return name, ""


def import_root(name: str) -> str:
    """The folder from which the loaded module ``name`` is importable by that name; else empty."""
    file: str = getattr(sys.modules.get(name), "__file__", None) or ""
    if not os.path.isfile(file):
        return ""
    dotted = _started_as() if name == "__main__" else name
    is_package = os.path.basename(file).startswith("__init__.")
    folder = os.path.dirname(os.path.abspath(file))
    for _ in range(dotted.count(".") + is_package):
        folder = os.path.dirname(folder)
    return folder


def import_module(name: str) -> ModuleType:
    """The module ``name``, in the words of ``import``.

    Raises ``NotFoundError`` if there is none, ``DefinitionError`` if it fails while it is imported.
    """
    if name and name == _started_as():
        return sys.modules["__main__"]
    from importlib import import_module as imported

    token = _loading.set(name)
    try:
        return imported(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            _tell(error, name)  # it exists, but needs one that does not
        raise NotFoundError(f"there is no module {name}", hint=_looked_in()) from error
    except (Exception, SystemExit) as error:
        _tell(error, name)
    finally:
        _loading.reset(token)


def import_file(file: str) -> ModuleType:
    """The module in ``file``: the running script itself if it is that, else loaded once.

    Raises ``NotFoundError`` if there is none, ``DefinitionError`` if it fails while it is loaded.
    """
    path = os.path.abspath(file)
    if path == main_file():
        return sys.modules["__main__"]
    if not os.path.isfile(path):
        raise NotFoundError(f"there is no file {path}", hint="Was it moved, or renamed?")
    with _one_at_a_time:
        return sys.modules.get(_private_name(path)) or _execute(path)


def _execute(path: str) -> ModuleType:
    from importlib.machinery import SourceFileLoader
    from importlib.util import module_from_spec, spec_from_loader

    name = _private_name(path)
    loader = SourceFileLoader(name, path)
    spec = spec_from_loader(name, loader)
    assert spec is not None  # only loaders that know no source give none
    module = sys.modules[name] = module_from_spec(spec)
    token = _loading.set(path)
    try:
        loader.exec_module(module)
    except BaseException as error:
        del sys.modules[name]
        if isinstance(error, Exception | SystemExit):
            _tell(error, path)
        raise
    finally:
        _loading.reset(token)
    return module


def _private_name(path: str) -> str:
    from hashlib import sha256

    stem = os.path.splitext(os.path.basename(path))[0]
    digest = sha256(os.fsencode(path)).hexdigest()[:12]
    return PREFIX + digest + "_" + "".join(c if c.isalnum() else "_" for c in stem)


def _started_as() -> str:
    spec = getattr(sys.modules.get("__main__"), "__spec__", None)
    return str(spec.name) if spec is not None else ""


def _looked_in() -> str:
    folder = sys.path[0] if sys.path else ""
    return f"Looked in {folder or os.getcwd()} and the rest of sys.path."


def _tell(error: BaseException, module: str) -> NoReturn:
    if isinstance(error, IndelibleError):
        raise error  # it has said already where and what
    file, line = _place(error)
    said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    exits = isinstance(error, SystemExit)
    hint = 'Put what runs it under: if __name__ == "__main__":' if exits else ""
    message = f"cannot import {module}: {said}"
    raise DefinitionError([Complaint(message=message, file=file, line=line, hint=hint)]) from error


def _place(error: BaseException) -> tuple[str, int]:
    """Where it went wrong: the innermost line that is not of the import machinery."""
    if isinstance(error, SyntaxError) and error.filename:
        return error.filename, error.lineno or 0
    place, trace = ("", 0), error.__traceback__
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if not file.startswith("<frozen") and file != __file__:
            place = file, trace.tb_lineno
        trace = trace.tb_next
    return place
