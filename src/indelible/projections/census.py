"""Every node of a run and its status, followed from event to event without folding the run.

What the engine keeps for deciding (upstream, queues, outputs) is left out.  What is inside
composites and maps comes to be with their start, an iteration of a loop with its own, as in
``engine/tree.py``.  What stands in the log is taken as legal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec
from msgspec import UNSET, Raw, UnsetType

from indelible.engine.status import ENDED, INTERRUPTED, NodeStatus
from indelible.projections.glimpse import Glimpse, status_after


class Body(msgspec.Struct, frozen=True):
    """Of a node's body only whether there are nodes in it, and which."""

    kind: str = ""
    nodes: tuple[Outline, ...] = ()


class Outline(msgspec.Struct, frozen=True):
    """Of a node only what says which nodes come to be inside it."""

    id: str
    body: Body = Body()
    allow_failure: bool = False
    for_each: Raw | UnsetType = UNSET
    loop: Raw | UnsetType = UNSET


class Spot(msgspec.Struct, eq=False):
    """A node or an instance of one.  ``index`` is that of an instance: its place in ``parent``.

    ``is_cut_off`` if Ctrl-C stopped its last attempt, so that only a resume goes on with it.
    """

    path: str
    outline: Outline
    parent: Spot | None = None
    index: int | None = None
    status: NodeStatus = NodeStatus.PENDING
    is_cut_off: bool = False
    children: list[Spot] = []

    @property
    def is_map(self) -> bool:
        return self.index is None and self.outline.for_each is not UNSET

    @property
    def is_loop(self) -> bool:
        is_each = self.outline.for_each is not UNSET
        return self.index is None and not is_each and self.outline.loop is not UNSET

    @property
    def is_composite(self) -> bool:
        return self.outline.body.kind == "composite" and not self.is_map and not self.is_loop

    @property
    def is_container(self) -> bool:
        return self.is_map or self.is_loop or self.is_composite


class Census:
    """The nodes by their paths; told of every event, in order."""

    def __init__(self, outlines: Iterable[Outline]) -> None:
        self._spots: dict[str, Spot] = {}
        for outline in outlines:
            self._add(Spot(outline.id, outline))

    def counts(self) -> Mapping[str, int]:
        """How many nodes have which status."""
        return Counter(spot.status.value for spot in self._spots.values())

    @property
    def is_only_waiting(self) -> bool:
        """Nothing executes or was cut off, and something waits for a person or a moment."""
        statuses = {spot.status for spot in self._spots.values() if not spot.is_container}
        if statuses & _AT_WORK or any(spot.is_cut_off for spot in self._spots.values()):
            return False
        return bool(statuses & _AWAITING)

    def add(self, event_type: str, seen: Glimpse) -> bool:
        """Take in an event of a node; False if it is one of the run."""
        spot = self._spots.get(seen.node_id)
        is_allowed = spot is not None and spot.outline.allow_failure and spot.index is None
        status = status_after(event_type, seen, is_allowed=is_allowed)
        if status is None:
            return False
        spot = spot or self._come_to_be(seen.node_id)
        spot.status = status
        error = seen.error
        spot.is_cut_off = (
            status is NodeStatus.RETRYING and error is not None and error.type == INTERRUPTED
        )
        if event_type == "node_started":
            self._expand(spot, seen.instances)
        elif any(child.status not in ENDED for child in spot.children):
            self._forget(spot.children)  # it was refused as it began
            spot.children = []
        return True

    def begin_again(self, interrupted: Sequence[str], reset: Sequence[str]) -> None:
        """A resume."""
        for name in interrupted:
            self._find(name).status = NodeStatus.INTERRUPTED
        for name in reset:
            self._take_back(self._find(name))

    def go_on_as(self, outlines: Iterable[Outline]) -> None:
        """The definition changed: what has begun stays, the rest is as it is there."""
        before, self._spots = self._spots, {}
        for outline in outlines:
            known = before.get(outline.id)
            if known is None or known.status is NodeStatus.PENDING:
                self._add(Spot(outline.id, outline))
            else:
                self._add(known)
                self._spots.update((spot.path, spot) for spot in _inside(known))

    def _find(self, path: str) -> Spot:
        return self._spots.get(path) or self._come_to_be(path)

    def _come_to_be(self, path: str) -> Spot:
        """An iteration of a loop, or a node that the definition at hand does not tell of."""
        loop = self._spots.get(path.rpartition("#")[0])
        if loop is None:
            return self._add(Spot(path, Outline(path)))
        return self._add(Spot(path, loop.outline, loop, len(loop.children) + 1))

    def _expand(self, spot: Spot, instances: int | None) -> None:
        if spot.is_map:
            for index in range(instances or 0):
                self._add(Spot(f"{spot.path}[{index}]", spot.outline, spot, index))
        elif spot.is_composite:
            for outline in spot.outline.body.nodes:
                self._add(Spot(f"{spot.path}/{outline.id}", outline, spot))

    def _add(self, spot: Spot) -> Spot:
        self._spots[spot.path] = spot
        if spot.parent is not None:
            spot.parent.children.append(spot)
        return spot

    def _take_back(self, spot: Spot) -> None:
        """As if it had never started; the containers around it are open again."""
        self._forget(spot.children)
        spot.children = []
        instance: Spot | None = spot
        while instance is not None:
            loop = instance.parent
            if loop is not None and loop.is_loop and instance.index is not None:
                self._forget(loop.children[instance.index :])
                del loop.children[instance.index :]
            if instance is not spot:
                instance.status = NodeStatus.RUNNING
            instance = loop
        spot.status, spot.is_cut_off = NodeStatus.PENDING, False

    def _forget(self, spots: Iterable[Spot]) -> None:
        for spot in spots:
            del self._spots[spot.path]
            self._forget(spot.children)


def _inside(spot: Spot) -> Iterator[Spot]:
    for child in spot.children:
        yield child
        yield from _inside(child)


_AT_WORK = frozenset({NodeStatus.RUNNING, NodeStatus.INTERRUPTED})
_AWAITING = frozenset({NodeStatus.WAITING, NodeStatus.RETRYING})
