"""Groups in the editor: how they combine, nest, move and are copied."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.exceptions import BadRequest
from hypothesis import given, settings
from hypothesis import strategies as st

from segments.compiler import MOST_CONDITIONS
from segments.context import Context
from segments.editor import Tree
from segments.tree import Group
from tests.segments.printed import row_ids
from tests.segments.trees import (
    PLUS,
    definition,
    event,
    field_rule,
    group,
    html_of,
    only_row,
    points,
    printed,
    read,
    reread,
    stored_plus,
    where,
)

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)


def nested(depth: int, *nodes: dict[str, Any]) -> dict[str, Any]:
    """Groups one in another, as many as ``depth``, with the nodes in the innermost."""
    return group("any", *(nodes if depth == 1 else [nested(depth - 1, *nodes)]))


def shape(node: Any) -> Any:
    """The tree as the numbers of points in it."""
    return [shape(one) for one in node.nodes] if node.is_group else int(node.form["value"].value())


def at(tree: Tree, *path: int) -> Any:
    node: Any = tree.root
    for place in path:
        node = node.nodes[place]
    return node


def test_groups_say_how_they_combine_and_keep_it():
    tree = stored_plus(points(1), group("any", points(2), group("none", points(3))))
    assert [one.match for one in reread(tree).root.groups()] == ["all", "any", "none"]
    data = printed(tree)
    data[f"{at(tree, 1).id}-match"] = ["none"]
    assert read(data, PLUS).checked_definition() == definition(
        points(1), group("none", points(2), group("none", points(3)))
    )


def test_a_dynamic_segment_has_one_group_of_all():
    html = html_of(Tree.new(kind="dynamic", context=Context()))
    assert "radio" not in html
    assert 'name="nest"' not in html
    assert 'name="nest"' in html_of(Tree.new(kind=PLUS, context=Context()))
    tree = Tree.new(kind="dynamic", context=Context())
    with pytest.raises(BadRequest):
        tree.add_group(tree.root.id)


@pytest.mark.parametrize(("outer", "inner"), [("all", "any"), ("any", "all"), ("none", "all")])
def test_a_new_group_combines_otherwise_and_has_the_keyboard(outer: str, inner: str):
    tree = stored_plus(points(1))
    tree.root.match = outer
    tree.add_group(tree.root.id)
    added = at(tree, 1)
    assert (added.match, len(added.nodes), added.is_new) == (inner, 1, True)
    html = html_of(tree)
    assert html.count("autofocus") == 1
    assert f'name="{added.id}-match" value="{inner}" checked autofocus' in html


def test_conditions_are_numbered_by_their_place():
    tree = stored_plus(points(1), group("any", points(2), group("none", points(3))))
    assert [row.number for row in tree.root.rows()] == ["1", "2.1", "2.2.1"]
    assert [one.number for one in tree.root.groups()] == ["", "2", "2.2"]


@pytest.mark.parametrize(
    ("path", "way", "after"),
    [
        ((1,), "up", [2, 1, [3, 4], 5]),
        ((0,), "down", [2, 1, [3, 4], 5]),
        ((2,), "up", [1, [3, 4], 2, 5]),
        ((2,), "down", [1, 2, 5, [3, 4]]),
        ((3,), "into", [1, 2, [3, 4, 5]]),
        ((2, 0), "out", [1, 2, [4], 3, 5]),
        ((2, 1), "out", [1, 2, [3], 4, 5]),
        ((2, 1), "up", [1, 2, [4, 3], 5]),
    ],
)
def test_moving(path: tuple[int, ...], way: str, after: list[Any]):
    tree = reread(stored_plus(points(1), points(2), group("any", points(3), points(4)), points(5)))
    moved = at(tree, *path)
    tree.move(moved.id, way)
    assert shape(tree.root) == after
    html = html_of(tree)
    assert html.count("autofocus") == 1
    assert "<summary autofocus>" in html[html.index(f'id="{moved.id}"') :]
    assert shape(reread(tree).root) == after


def test_only_moves_that_are_possible_are_offered():
    tree = stored_plus(points(1), group("any", points(2)), group("none", points(3)), points(4))
    ways = {row.number: [move.key for move in row.moves()] for row in tree.root.rows()}
    assert ways == {"1": ["down"], "2.1": ["out"], "3.1": ["out"], "4": ["up", "into"]}
    assert [move.key for move in at(tree, 2).moves()] == ["up", "down", "into"]
    assert tree.root.moves() == []
    for node, way in ((at(tree, 0), "up"), (at(tree, 0), "sideways"), (at(tree, 3), "down")):
        with pytest.raises(BadRequest):
            tree.move(node.id, way)
    for gone in ("gone", tree.root.id):
        with pytest.raises(BadRequest):
            tree.move(gone, "up")


def test_a_group_that_would_be_too_deep_does_not_move_there():
    tree = stored_plus(nested(6, points(1)), nested(2, points(2)), nested(1, points(3)))
    assert "into" not in [move.key for move in at(tree, 1).moves()] or at(tree, 0).depth + at(tree, 1).height <= 8
    deepest = at(tree, 0, 0, 0, 0, 0, 0)
    assert (deepest.depth, deepest.is_deepest) == (7, False)
    tree.add_group(deepest.id)
    assert at(tree, 0, 0, 0, 0, 0, 0, 1).is_deepest
    html = html_of(tree)
    assert html.count("Groups nest at most 8 deep.") == 1
    with pytest.raises(BadRequest):
        tree.add_group(at(tree, 0, 0, 0, 0, 0, 0, 1).id)
    tall = stored_plus(nested(1, points(1)), nested(7, points(2)))
    assert [move.key for move in at(tall, 1).moves()] == ["up"]


def test_duplicating_copies_everything_under_new_ids():
    bought = event(
        where=[where("category", "is", "shoes"), where("product", "is_any_of", ["a", "b"])],
        window={"kind": "last", "count": 3, "unit": "days"},
    )
    several = field_rule("country", "is_any_of", ["IT", "ES"])
    tree = reread(stored_plus(points(1), group("none", bought, several), points(2)))
    tree.duplicate(at(tree, 1).id)
    copy = at(tree, 2)
    assert copy.is_new
    assert html_of(tree).count("autofocus") == 1
    data = printed(tree)
    assert len({node.split(":")[0] for node in data["node"]}) == len(data["node"]) == 9
    original = group("none", bought, several)
    assert read(data, PLUS).checked_definition() == definition(points(1), original, original, points(2))
    tree.duplicate(at(tree, 0).id)
    assert at(tree, 1).is_new
    assert reread(tree).checked_definition() == definition(points(1), points(1), original, original, points(2))


def test_a_copy_of_what_is_not_right_has_no_faults_yet():
    tree = stored_plus(points(1))
    data = printed(tree) | {f"{only_row(tree).id}-value": ["x"], f"{only_row(tree).id}-checked": ["1"]}
    tree = read(data, PLUS)
    tree.duplicate(at(tree, 0).id)
    assert [row.is_faulty for row in tree.root.rows()] == [True, False]
    assert [row.form["value"].value() for row in tree.root.rows() if row.form] == ["x", "x"]
    empty = Tree.new(kind=PLUS, context=Context())
    empty.duplicate(at(empty, 0).id)
    assert [row.subject for row in empty.root.rows()] == ["", ""]


def test_there_are_no_more_than_250_conditions():
    tree = stored_plus(group("any", *(points(number) for number in range(MOST_CONDITIONS - 1))))
    tree.duplicate(at(tree, 0).id)
    assert (tree.room, tree.root.messages) == (1, ["A segment has at most 250 conditions."])
    tree.root.messages.clear()
    tree.add(tree.root.id)
    assert (tree.room, tree.root.messages) == (0, [])
    html = html_of(tree)
    assert "A segment has at most 250 conditions." in html
    assert 'name="add"' not in html
    assert 'name="nest"' not in html
    tree.add(tree.root.id)
    tree.add_group(tree.root.id)
    assert (tree.room, len(list(tree.root.rows()))) == (0, MOST_CONDITIONS)
    assert tree.root.messages == ["A segment has at most 250 conditions."] * 2


def test_an_empty_group_says_so_at_itself():
    tree = stored_plus(points(1), group("any", points(2)))
    tree.remove(at(tree, 1, 0).id)
    assert at(tree, 1).is_left
    assert tree.checked_definition() is None
    assert [one.messages for one in tree.root.groups()] == [
        [],
        ["Add a condition: without one nobody would be in the segment."],
    ]


def test_every_condition_and_group_has_a_place_for_its_count():
    tree = stored_plus(points(1), group("any", event()))
    html = html_of(tree)
    for node in tree.nodes():
        assert html.count(f'<span class="rule-count" id="{node.id}-holds"></span>') == 1


TREES = st.recursive(
    st.integers(0, 9).map(points),
    lambda inner: st.builds(group, st.sampled_from(["all", "any", "none"]), inner, inner),
    max_leaves=8,
)


@settings(max_examples=30)
@given(nodes=st.lists(TREES, min_size=1, max_size=3), data=st.data())
def test_whatever_is_moved_and_copied_nothing_is_lost(nodes: list[dict[str, Any]], data: st.DataObject):
    tree = reread(stored_plus(*nodes))
    for _step in range(3):
        before = sorted(row.form["value"].value() for row in tree.root.rows() if row.form)
        node = data.draw(st.sampled_from([one for one in tree.nodes() if one.group]))
        moves = [move.key for move in node.moves()]
        if moves:
            tree.move(node.id, data.draw(st.sampled_from(moves)))
        tree = reread(tree)
        assert sorted(row.form["value"].value() for row in tree.root.rows() if row.form) == before
        assert all(one.depth <= 8 for one in tree.root.groups())
    copied = data.draw(st.sampled_from([one for one in tree.nodes() if one.group]))
    rows = len(list(copied.rows())) if isinstance(copied, Group) else 1
    before_copy = len(list(tree.root.rows()))
    tree.duplicate(copied.id)
    assert len(row_ids(printed(tree))) == before_copy + rows


def test_no_input_has_the_id_of_a_count():
    """The counts are put in by their ids; an input of the same id would be replaced by one."""
    ago = field_rule("last_seen_at", "in_last", {"count": 3, "unit": "days"})
    ids = re.findall(r' id="([^"]+)"', html_of(stored_plus(ago, group("any", event(), ago))))
    assert len(ids) == len(set(ids))
