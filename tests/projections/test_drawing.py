"""The drawing in the terminal: read back, it says what the plan says."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from indelible.definition.model import Composite, ForEach, Loop, Node
from indelible.engine.status import NodeStatus
from indelible.plan import Plan
from indelible.projections.drawing import MOST_RAILS, SYMBOLS, Row, draw
from tests.engine.given import chain, node, plan

PENDING = SYMBOLS[NodeStatus.PENDING]
ENDS, JOINS = "┴╯", "├┼┤┴╯"


def drawn(of: Plan) -> list[str]:
    return [f"{row.rails} {row.node_id}" for row in draw(of, {})]


def test_a_chain_is_a_line_downwards() -> None:
    assert drawn(chain(3)) == ["○ n1", "○ n2", "○ n3"]


def test_a_diamond_parts_and_meets() -> None:
    diamond = plan(node("a"), node("b", "a"), node("c", "a"), node("d", "a"), node("e", *"bcd"))
    assert drawn(diamond) == ["○ a", "├─○ b", "├─│─○ c", "○ │ │ d", "○─┴─╯ e"]


def test_what_does_not_belong_together_does_not_touch() -> None:
    assert drawn(plan(node("a"), node("b"), node("c", "b"))) == ["○ a", "  ○ b", "  ○ c"]


def test_the_symbol_is_the_status() -> None:
    statuses = {"n1": NodeStatus.SUCCESS, "n2": NodeStatus.FAILED}
    assert [row.rails for row in draw(chain(3), statuses)] == ["✓", "✗", "○"]


def test_every_status_has_a_symbol_of_its_own() -> None:
    assert set(SYMBOLS) == set(NodeStatus)
    assert len(set(SYMBOLS.values())) == len(SYMBOLS)


def test_what_is_many_or_holds_nodes_says_so() -> None:
    many = node("m", for_each=ForEach(items="inputs.regions"))
    again = node("l", loop=Loop(until="true", max_iterations=5))
    holds = Node(id="c", body=Composite(nodes=(node("x"), node("y"))))
    assert [row.after for row in draw(plan(many, again, holds), {})] == [
        "(for each inputs.regions)",
        "(loop, at most 5)",
        "(2 nodes inside)",
    ]


def test_too_many_rails_become_a_list_of_names() -> None:
    wide = [f"n{number}" for number in range(MOST_RAILS + 1)]
    rows = draw(plan(*map(node, wide), node("join", *wide)), {})
    assert {row.rails for row in rows} == {PENDING}
    assert rows[-1] == Row(PENDING, "join", f"after {', '.join(wide)}")
    assert rows[0].after == ""


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Any graph of up to twelve nodes, listed in any order."""
    nodes = []
    for number in range(draw(st.integers(1, 12))):
        known = [f"n{earlier}" for earlier in range(number)]
        upstream = draw(st.lists(st.sampled_from(known), unique=True, max_size=4)) if known else []
        nodes.append(node(f"n{number}", *upstream))
    return plan(*draw(st.permutations(nodes)))


def read_back(rows: list[Row]) -> dict[str, set[str]]:
    """What each node depends on, as an eye sees it that follows the rails from top to bottom."""
    above: dict[int, str] = {}
    found: dict[str, set[str]] = {}
    for row in rows:
        marks = dict(enumerate(row.rails[::2]))
        (at,) = [column for column, mark in marks.items() if mark == PENDING]
        hangs_on = [column for column, mark in marks.items() if mark in JOINS]
        hangs_on += [at] if at in above else []
        found[row.node_id] = {above[column] for column in hangs_on}
        above = {
            column: name
            for column, name in above.items()
            if marks.get(column, " ") in "│├┼┤" and column != at
        }
        above[at] = row.node_id
    return found


@given(plans())
def test_whoever_follows_the_rails_finds_what_each_node_depends_on(of: Plan) -> None:
    rows = draw(of, {})
    assert read_back(rows) == {planned.id: set(planned.upstream) for planned in of.graph.in_order}


@given(plans())
def test_the_line_of_a_node_goes_from_its_first_rail_to_its_last_without_a_gap(of: Plan) -> None:
    for row in draw(of, {}):
        line = [at for at, mark in enumerate(row.rails) if mark in "─" + JOINS + PENDING]
        gaps = row.rails[min(line) : max(line)]
        assert all(mark == "─" for mark in gaps[1::2])


@given(plans())
def test_every_node_stands_below_all_it_depends_on(of: Plan) -> None:
    place = {row.node_id: at for at, row in enumerate(draw(of, {}))}
    assert len(place) == len(of.graph.in_order)
    for planned in of.graph.in_order:
        assert all(place[name] < place[planned.id] for name in planned.upstream)
