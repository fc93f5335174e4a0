from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from indelible.definition.graph import cycles, missing_ancestors, topological_order

ARROWS = st.integers(1, 9).flatmap(
    lambda count: st.lists(
        st.lists(st.integers(0, count - 1), max_size=4), min_size=count, max_size=count
    )
)
ACYCLIC = ARROWS.map(
    lambda arrows: [[each for each in nodes if each < node] for node, nodes in enumerate(arrows)]
)


def ancestors(upstream: list[list[int]], node: int) -> set[int]:
    """The plain way: whatever can be walked to."""
    found: set[int] = set()
    ahead = list(upstream[node])
    while ahead:
        each = ahead.pop()
        if each not in found:
            found.add(each)
            ahead.extend(upstream[each])
    return found


@given(ACYCLIC)
def test_an_order_has_every_node_after_its_upstream(upstream: list[list[int]]) -> None:
    order = topological_order(upstream)
    assert sorted(order) == list(range(len(upstream)))
    assert all(order.index(each) < order.index(n) for n in order for each in upstream[n])
    assert cycles(upstream, order) == []


@given(ARROWS)
def test_what_an_order_leaves_out_holds_a_cycle_that_is_one(upstream: list[list[int]]) -> None:
    order = topological_order(upstream)
    found = cycles(upstream, order)
    assert bool(found) == (len(order) < len(upstream))
    for cycle in found:
        assert cycle[0] == min(cycle)
        for node, after in zip(cycle, [*cycle[1:], cycle[0]], strict=True):
            assert node in upstream[after]


@given(ACYCLIC, st.data())
def test_ancestors_are_what_can_be_walked_to(
    upstream: list[list[int]], data: st.DataObject
) -> None:
    number = st.integers(0, len(upstream) - 1)
    wanted = data.draw(st.dictionaries(number, st.sets(number)))
    found = missing_ancestors(upstream, topological_order(upstream), wanted)
    assert sorted(found) == sorted(
        (node, other)
        for node, others in wanted.items()
        for other in others - ancestors(upstream, node)
    )
