"""The public Python door: a workflow that can be run, and ``resume``."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

from indelible.definition.callables import warn_of_unimportable
from indelible.definition.decorators import WorkflowBuilder
from indelible.definition.model import Definition
from indelible.definition.modules import being_loaded
from indelible.errors import InterruptedRunError, UsageError
from indelible.executors.port import Executor
from indelible.runtime import drive
from indelible.runtime.config import Function, no_store, open_executor, open_store
from indelible.runtime.drive import Shell
from indelible.runtime.run import Run
from indelible.runtime.signals import Handle
from indelible.stores.port import IWorkflowStore
from indelible.values import Json

StoreOrUrl = IWorkflowStore | str | os.PathLike[str] | None


class Workflow(WorkflowBuilder):
    """A workflow made of Python functions.

    >>> flow = Workflow("etl")
    >>> @flow.node
    ... def extract(day: str) -> list[int]:
    ...     return [1, 2, 3]
    >>> @flow.node
    ... def total(extract: list[int]) -> int:
    ...     return sum(extract)
    >>> flow.run(day="2026-11-23", store="memory:").node("total").output
    6
    """

    def run(
        self,
        inputs: Mapping[str, Json] | None = None,
        /,
        *,
        store: StoreOrUrl = None,
        run_id: str | None = None,
        **more: Json,
    ) -> Run:
        """Run it to its end and give the run, whether it completed or failed.

        Inputs are keywords; those named ``store`` or ``run_id`` go into the mapping.  ``store`` is
        a store or its URL (default: ``$INDELIBLE_STORE``, else ``.indelible``).  Raises
        ``DefinitionError``, ``InputError``, ``RunExistsError``, store errors, and
        ``InterruptedRunError`` after Ctrl-C.
        """
        shell = Shell(functions=self.functions, executor=_echoing)
        return self._run(_joined(inputs, more), store, run_id, shell)

    async def run_async(
        self,
        inputs: Mapping[str, Json] | None = None,
        /,
        *,
        store: StoreOrUrl = None,
        run_id: str | None = None,
        **more: Json,
    ) -> Run:
        """The same from a coroutine; the drive runs in a thread of its own.

        Cancelling the coroutine (Ctrl-C under ``asyncio.run`` does) interrupts the drive and waits
        for its end; the run can be resumed.
        """
        import asyncio

        handle = Handle()
        shell = Shell(functions=self.functions, executor=_echoing, interrupting=handle.interrupting)
        given = _joined(inputs, more)
        drive_in_thread = asyncio.create_task(
            asyncio.to_thread(self._run, given, store, run_id, shell)
        )
        try:
            return await asyncio.shield(drive_in_thread)
        except asyncio.CancelledError:
            handle.interrupt()
            with suppress(InterruptedRunError):
                await drive_in_thread
            raise

    def _run(
        self, inputs: Mapping[str, Json], store: StoreOrUrl, run_id: str | None, shell: Shell
    ) -> Run:
        _refuse_while_loading()
        definition = self.build()
        warn_of_unimportable(self.functions)
        with _opened(store) as opened:
            state = drive.start(opened, definition, inputs, run_id=run_id, shell=shell)
            return Run(opened, state)


def resume(
    run_id: str,
    *,
    flow: WorkflowBuilder | None = None,
    store: StoreOrUrl = None,
    cancelled: bool = False,
    from_nodes: Sequence[str] = (),
    definition: Definition | None = None,
    waits: bool = True,
) -> Run:
    """Go on with a run where its log ends.

    ``flow`` gives the functions of nodes that cannot be imported again (lambdas, closures).
    ``from_nodes`` begin anew with everything behind them; ``definition`` is the one to go on with.
    Without ``waits`` it raises ``WaitingError`` once only waiting is left.  Raises
    ``NotFoundError``, ``HeldError``, ``RunCancelledError`` and what ``Workflow.run`` raises.
    """
    if isinstance(from_nodes, str):
        raise UsageError(f"from_nodes is a list of node ids, not {from_nodes!r}")
    if flow is not None and not isinstance(flow, WorkflowBuilder):
        raise UsageError(f"flow is a Workflow, not {flow!r}")
    functions = {} if flow is None else flow.functions
    with _opened(store) as opened:
        state = drive.resume(
            opened,
            run_id,
            cancelled=cancelled,
            from_nodes=from_nodes,
            definition=definition,
            shell=Shell(functions=functions, executor=_echoing, waits=waits),
        )
        return Run(opened, state)


def _joined(inputs: Mapping[str, Json] | None, more: Mapping[str, Json]) -> Mapping[str, Json]:
    if inputs is not None and not isinstance(inputs, Mapping):
        raise UsageError(f"inputs are a mapping from their names to values, not {inputs!r}")
    return {**(inputs or {}), **more}


def _refuse_while_loading() -> None:
    """A child process imports the script of its function, and must not run the script's runs."""
    name = being_loaded()
    if name:
        raise UsageError(
            f"{name} starts a run while it is being imported",
            hint='Put flow.run() under: if __name__ == "__main__":',
        )


def _echoing(functions: Mapping[str, Function]) -> Executor:
    """In a program of one's own, what a node prints is also seen where it always was."""
    return open_executor(functions, echo=True)


@contextmanager
def _opened(store: StoreOrUrl) -> Iterator[IWorkflowStore]:
    if store is None or isinstance(store, str | os.PathLike):
        opened = open_store(store)
        try:
            yield opened
        finally:
            opened.close()
    elif hasattr(store, "append"):
        yield store
    else:  # nobody is held to the types that a function names
        raise no_store(store)
