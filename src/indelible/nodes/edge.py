"""The edge between JSON and a callable: hints say how arguments come in and results go out.

Without a hint, plain JSON passes as it is.  With one, msgspec builds what the hint names
(dataclasses, structs, datetimes, bytes, Decimal, UUID, paths), and a result must be readable again
by the same hint, because that is how the next node, or a resumed run, will get it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import PurePath
from typing import Any

import msgspec

from indelible import values
from indelible.errors import ValueNotJsonError
from indelible.executors.attempt import Work
from indelible.executors.failures import AttemptFailedError, failure

CO_COROUTINE = 0x80
"""The flag of ``async def`` in a code object; ``inspect`` would cost 8 ms to say the same."""

UNCHECKED = (None, Any, object)
"""Hints that promise nothing."""


class Edge:
    """How one callable is called.  Hints are read once, when the first attempt needs them."""

    def __init__(self, function: Callable[..., object]) -> None:
        self.function = function
        self.is_async = _is_async(function)
        hints = _hints_of(function)
        self._result = _decoder(hints.pop("return", None))
        self._parameters = {
            name: decoder for name, hint in hints.items() if (decoder := _decoder(hint))
        }

    def call(self, node_id: str, arguments: Mapping[str, bytes]) -> Work:
        """The result as JSON, or a coroutine for it."""
        if not arguments:
            return self.begin(node_id, self.function)
        given = {name: self._argument(name, raw) for name, raw in arguments.items()}
        return self.begin(node_id, partial(self.function, **given))

    def begin(self, node_id: str, call: Callable[[], object]) -> Work:
        """The same for ``call``, which calls the function with arguments that need no check."""
        if self.is_async:
            return self._awaited(node_id, call)
        result = call()
        if not values.is_plain(result) and isinstance(result, Awaitable):
            return self._awaited(node_id, lambda: result)
        return self._encoded(node_id, result)

    async def _awaited(self, node_id: str, begin: Callable[[], Any]) -> bytes:
        # Begun by the task that awaits it: an attempt cancelled before leaves nothing behind.
        return self._encoded(node_id, await begin())

    def _argument(self, name: str, raw: bytes) -> object:
        decoder = self._parameters.get(name)
        if decoder is None:
            return values.decode(raw)
        try:
            return decoder.decode(raw)
        except msgspec.ValidationError as error:
            raise failure("TypeError", f"parameter {name}: {error}") from None
        except TypeError:  # a hint that cannot be checked, such as a protocol
            return values.decode(raw)

    def _encoded(self, node_id: str, result: object) -> bytes:
        try:
            if self._result is None:
                return values.encode(result)
            raw = values.encode(msgspec.to_builtins(result, str_keys=True, enc_hook=_to_json))
            self._result.decode(raw)
        except ValueNotJsonError as error:
            raise _output_failure(node_id, str(error)) from None
        except msgspec.ValidationError as error:
            raise _output_failure(node_id, f"it does not fit the return hint: {error}") from None
        except RecursionError:
            raise _output_failure(node_id, "$: nested too deeply, or a circle") from None
        except UnicodeEncodeError:
            return output_of(node_id, result)  # says where the lone surrogate is
        except TypeError as error:
            raise _output_failure(node_id, f"$: {error}") from None
        return raw


def output_of(node_id: str, result: object) -> bytes:
    """``result`` as plain JSON.  Raises ``AttemptFailedError``, an OutputError with the path."""
    try:
        return values.encode(result)
    except ValueNotJsonError as error:
        raise _output_failure(node_id, str(error)) from None


def _output_failure(node_id: str, problem: str) -> AttemptFailedError:
    return failure("OutputError", f"the result of node {node_id} cannot be kept: {problem}")


def _is_async(function: Callable[..., object]) -> bool:
    code = getattr(function, "__code__", None)
    if code is None:  # an object that is called
        code = getattr(type(function).__call__, "__code__", None)
    return code is not None and bool(code.co_flags & CO_COROUTINE)


def _hints_of(function: object) -> dict[str, Any]:
    from typing import get_type_hints

    try:
        return get_type_hints(function, include_extras=True)
    except Exception:  # names that exist for the type checker only: then nothing is promised
        return {}


def _decoder(hint: Any) -> msgspec.json.Decoder[Any] | None:
    if hint is type(None) or any(hint is unchecked for unchecked in UNCHECKED):
        return None
    try:
        return msgspec.json.Decoder(hint, dec_hook=_from_json)
    except TypeError:  # msgspec has no idea of this hint
        return None


def _to_json(value: object) -> object:
    if isinstance(value, PurePath):
        return str(value)
    raise TypeError(
        f"{type(value).__qualname__} is not JSON; return dicts, lists, strings, numbers"
    )


def _from_json(hint: type, value: object) -> object:
    is_path = isinstance(hint, type) and issubclass(hint, PurePath)
    return hint(value) if is_path else value  # msgspec checks what comes back against the hint
