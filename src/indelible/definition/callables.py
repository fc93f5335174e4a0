"""A callable's address: what the log writes down for it, and how it is found again from there.

Knows nothing of workflows.  What is imported on the way is the user's code: whatever it does wrong
is told with its file and line.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from types import CodeType, ModuleType
from typing import Any
from warnings import warn

from indelible.definition.flow_target import load_flow
from indelible.definition.model import Python
from indelible.definition.modules import (
    import_file,
    import_module,
    import_root,
    main_file,
    origin_of,
    put_first,
)
from indelible.definition.wording import did_you_mean
from indelible.errors import NotFoundError, UsageError

__all__ = [
    "UnimportableWarning",
    "folder_of",
    "identity",
    "innermost",
    "is_importable",
    "load_callable",
    "load_flow",
    "source_digest",
    "target_of",
    "unwrapped",
    "warn_of_unimportable",
]

AnyCallable = Callable[..., Any]

_digests: dict[tuple[str, CodeType], str] = {}


def target_of(function: AnyCallable) -> tuple[str, str]:
    """``(target, file)`` as ``model.Python`` keeps them.

    ``("pkg.tasks:clean", "")`` for a function of a module that can be imported by name, also of one
    started with ``python -m``; ``("clean", "/abs/etl.py")`` for a script's, or a loaded file's.
    """
    inner = innermost(function)
    qualname = getattr(inner, "__qualname__", "") or type(inner).__qualname__
    name = getattr(inner, "__module__", None) or type(inner).__module__
    module, file = origin_of(name)
    return (qualname, file) if file else (f"{module}:{qualname}", "")


class UnimportableWarning(UserWarning):
    """A function runs now, but a later process cannot find it again to resume."""


def warn_of_unimportable(functions: Mapping[str, AnyCallable]) -> None:
    """Warn, once for all of them, of lambdas and functions made inside others."""
    # By identity, and each once: a workflow may have one function in a thousand nodes.
    distinct = {id(function): function for function in functions.values()}
    unfit = {key for key, function in distinct.items() if not is_importable(function)}
    lost = [name for name, function in functions.items() if id(function) in unfit] if unfit else []
    if lost:
        shown = ", ".join(lost[:3]) + (", …" if len(lost) > 3 else "")
        warn(
            f"{shown}: a lambda or a function made inside another cannot be imported again; "
            "resume from the program that has it: indelible.resume(run_id, flow=flow)",
            UnimportableWarning,
            stacklevel=4,
        )


def is_importable(function: AnyCallable) -> bool:
    """Whether another process would find this very callable under its target.

    Not a lambda, a function made inside a function, a bound method or a ``partial``; nor one whose
    name has been given to something else since.  Asked when the module is complete.
    """
    name, qualname = getattr(function, "__module__", None), getattr(function, "__qualname__", "")
    if not name or not qualname or "<" in qualname:
        return False
    if name == "__main__" and not main_file() and origin_of(name)[0] == name:
        return False  # typed at a prompt, or read from a pipe
    found: object = sys.modules.get(name)
    for part in qualname.split("."):
        found = getattr(found, part, None)
    return found is not None and unwrapped(found) == unwrapped(function)


def source_digest(function: AnyCallable) -> str:
    """SHA-256, hex, of the source as it is indented at the left margin.

    Of the bytecode and constants when the source is gone; empty for what was not written in Python.
    What a closure has captured does not count.
    """
    inner = unwrapped(innermost(function))
    code = getattr(inner, "__code__", None) or getattr(type(inner).__call__, "__code__", None)
    if not isinstance(code, CodeType):
        return _digest(inner, None) if isinstance(inner, type) else ""
    known = (code.co_filename, code)
    if known not in _digests:
        _digests[known] = _digest(inner if hasattr(inner, "__code__") else type(inner), code)
    return _digests[known]


def folder_of(function: AnyCallable) -> str:
    """The folder that ``sys.path`` must have for the target to be importable; empty if unknown."""
    name = getattr(innermost(function), "__module__", None)
    return import_root(name) if isinstance(name, str) else ""


def load_callable(body: Python, folder: str) -> AnyCallable:
    """The callable that ``body`` names, imported if need be, with ``folder`` first on ``sys.path``.

    Raises ``NotFoundError`` when the module, or the name in it, does not exist; ``UsageError`` when
    it names a lambda or closure, or something that cannot be called; ``DefinitionError``, with file
    and line, when the module itself fails while it is imported.
    """
    name, _, qualname = body.target.rpartition(":")
    if "<" in qualname or (name == "__main__" and not body.file):
        raise UsageError(
            f"{qualname} cannot be imported again: it was made inside a function or at a prompt",
            hint="Resume with the workflow at hand: ink.resume(run_id, flow=flow). "
            "Or define it with def at the top of a module.",
        )
    put_first(folder)
    module = import_file(body.file) if body.file else import_module(name)
    found = _attribute(module, qualname, body.file or name)
    if not callable(found):
        raise UsageError(
            f"{body.file or name}: {qualname} is of type {type(found).__name__}, not a callable",
            hint="A Python node names a function.",
        )
    return found


def identity(function: AnyCallable) -> tuple[int, int]:
    """The same for every mention of a function or method, while somebody holds on to it.

    Some callables cannot be hashed, and ``thing.method`` is a new object each time.
    """
    return id(getattr(function, "__func__", function)), id(getattr(function, "__self__", None))


def innermost(function: AnyCallable) -> AnyCallable:
    """The callable inside any ``functools.partial`` around it."""
    while hasattr(function, "func") and hasattr(function, "keywords"):
        function = function.func
    return function


def unwrapped(function: Any) -> Any:
    """What ``functools.wraps`` says is inside, to the last."""
    seen = {id(function)}
    while (inner := getattr(function, "__wrapped__", None)) is not None and id(inner) not in seen:
        seen.add(id(inner))
        function = inner
    return function


def _attribute(module: ModuleType, qualname: str, place: str) -> object:
    found: object = module
    for part in qualname.split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            names = [name for name in dir(found) if not name.startswith("_")]
            raise NotFoundError(
                f"{place} has no {qualname}", hint=did_you_mean(part, names, what="It has")
            ) from None
    return found


def _digest(written: object, code: CodeType | None) -> str:
    import inspect
    from hashlib import sha256
    from textwrap import dedent

    try:
        text = dedent(inspect.getsource(written))  # type: ignore[arg-type]
    except (OSError, TypeError, SyntaxError, IndexError):
        if code is None:
            return ""
        text = "\0".join(_compiled(code))
    return sha256(text.encode(errors="surrogatepass")).hexdigest()


def _compiled(code: CodeType) -> list[str]:
    """What a code object does, without where it stood."""
    parts = [code.co_code.hex(), repr(code.co_names), repr(code.co_varnames)]
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            parts += _compiled(constant)
        elif isinstance(constant, frozenset):
            parts += sorted(map(repr, constant))  # its own order changes from process to process
        else:
            parts.append(repr(constant))
    return parts
