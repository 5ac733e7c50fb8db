"""The editor of dynamic plus: groups that nest and move, activities and sequences with their parts."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.exceptions import BadRequest
from hypothesis import given, settings
from hypothesis import strategies as st

from contacts.events import NewEvent, record
from contacts.models import Contact
from segments.compiler import MOST_CONDITIONS
from segments.context import Context
from segments.editor import Tree, tree_of
from segments.tree import Group
from tests.segments.printed import Data, row_ids
from tests.segments.trees import definition, errors, field_rule, html_of, only_row, printed, read

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
EVER = {"kind": "ever"}
PLUS = "dynamic_plus"


def group(match: str, *nodes: dict[str, Any]) -> dict[str, Any]:
    return {"match": match, "rules": list(nodes)}


def points(number: int) -> dict[str, Any]:
    return field_rule("points", "equals", number)


def event(key: str = "purchase", **more: Any) -> dict[str, Any]:
    return {"type": "event", "event": key, "metric": "count", "operator": "at_least", "value": 1, "window": EVER} | more


def sequence(*steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "sequence", "steps": list(steps), "window": EVER} | more


def where(key: str, operator: str, value: Any, **more: Any) -> dict[str, Any]:
    return {"property": key, "operator": operator, "value": value, **more}


def stored(*nodes: dict[str, Any]) -> Tree:
    return tree_of(definition(*nodes), kind=PLUS, context=Context())


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


def reread(tree: Tree) -> Tree:
    return read(printed(tree), PLUS)


def pressed(tree: Tree, *buttons: tuple[str, str], **changes: list[str]) -> Tree:
    """The tree that comes back when a button is pressed."""
    data = printed(tree) | changes
    return read(data | {name: [value] for name, value in buttons}, PLUS)


# Groups


def test_groups_say_how_they_combine_and_keep_it():
    tree = stored(points(1), group("any", points(2), group("none", points(3))))
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
    tree = stored(points(1))
    tree.root.match = outer
    tree.add_group(tree.root.id)
    added = at(tree, 1)
    assert (added.match, len(added.nodes), added.is_new) == (inner, 1, True)
    html = html_of(tree)
    assert html.count("autofocus") == 1
    assert f'name="{added.id}-match" value="{inner}" checked autofocus' in html


def test_conditions_are_numbered_by_their_place():
    tree = stored(points(1), group("any", points(2), group("none", points(3))))
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
    tree = reread(stored(points(1), points(2), group("any", points(3), points(4)), points(5)))
    moved = at(tree, *path)
    tree.move(moved.id, way)
    assert shape(tree.root) == after
    html = html_of(tree)
    assert html.count("autofocus") == 1
    assert "<summary autofocus>" in html[html.index(f'id="{moved.id}"') :]
    assert shape(reread(tree).root) == after


def test_only_moves_that_are_possible_are_offered():
    tree = stored(points(1), group("any", points(2)), group("none", points(3)), points(4))
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
    tree = stored(nested(6, points(1)), nested(2, points(2)), nested(1, points(3)))
    assert "into" not in [move.key for move in at(tree, 1).moves()] or at(tree, 0).depth + at(tree, 1).height <= 8
    deepest = at(tree, 0, 0, 0, 0, 0, 0)
    assert (deepest.depth, deepest.is_deepest) == (7, False)
    tree.add_group(deepest.id)
    assert at(tree, 0, 0, 0, 0, 0, 0, 1).is_deepest
    html = html_of(tree)
    assert html.count("Groups nest at most 8 deep.") == 1
    with pytest.raises(BadRequest):
        tree.add_group(at(tree, 0, 0, 0, 0, 0, 0, 1).id)
    tall = stored(nested(1, points(1)), nested(7, points(2)))
    assert [move.key for move in at(tall, 1).moves()] == ["up"]


def test_duplicating_copies_everything_under_new_ids():
    bought = event(
        where=[where("category", "is", "shoes"), where("product", "is_any_of", ["a", "b"])],
        window={"kind": "last", "count": 3, "unit": "days"},
    )
    several = field_rule("country", "is_any_of", ["IT", "ES"])
    tree = reread(stored(points(1), group("none", bought, several), points(2)))
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
    tree = stored(points(1))
    data = printed(tree) | {f"{only_row(tree).id}-value": ["x"], f"{only_row(tree).id}-checked": ["1"]}
    tree = read(data, PLUS)
    tree.duplicate(at(tree, 0).id)
    assert [row.is_faulty for row in tree.root.rows()] == [True, False]
    assert [row.form["value"].value() for row in tree.root.rows() if row.form] == ["x", "x"]
    empty = Tree.new(kind=PLUS, context=Context())
    empty.duplicate(at(empty, 0).id)
    assert [row.subject for row in empty.root.rows()] == ["", ""]


def test_there_are_no_more_than_250_conditions():
    tree = stored(group("any", *(points(number) for number in range(MOST_CONDITIONS - 1))))
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
    tree = stored(points(1), group("any", points(2)))
    tree.remove(at(tree, 1, 0).id)
    assert at(tree, 1).is_left
    assert tree.checked_definition() is None
    assert [one.messages for one in tree.root.groups()] == [
        [],
        ["Add a condition: without one nobody would be in the segment."],
    ]


def test_every_condition_and_group_has_a_place_for_its_count():
    tree = stored(points(1), group("any", event()))
    html = html_of(tree)
    for node in tree.nodes():
        assert html.count(f'<span class="rule-count" id="{node.id}-count"></span>') == 1


# Activities


def test_an_activity_begins_with_at_least_once_at_any_time():
    tree = Tree.new(kind=PLUS, context=Context())
    row = only_row(tree).id
    again = pressed(tree, **{f"{row}-subject": ["event.email_opened"]})
    assert again.checked_definition() == definition(event("email_opened"))


def test_a_property_is_added_and_removed():
    tree = reread(stored(event(where=[where("category", "is", "shoes")])))
    row = only_row(tree).id
    [old] = printed(tree)[f"{row}-where"]
    tree = pressed(tree, ("more", f"{row}-where"))
    [_old, new] = printed(tree)[f"{row}-where"]
    html = html_of(tree)
    assert html.count("autofocus") == 1
    assert "autofocus" in html[html.index(f'name="{row}-where-{new}-property"') :].split(">")[0]
    data = printed(tree) | {f"{row}-where-{new}-property": ["quantity"]}
    data = printed(read(data, PLUS))
    assert data[f"{row}-where-{new}-operator"] == ["equals"]
    data[f"{row}-where-{new}-value"] = ["5"]
    both = [where("category", "is", "shoes"), where("quantity", "equals", 5)]
    assert read(data, PLUS).checked_definition() == definition(event(where=both))
    tree = read(data | {"less": [f"{row}-where:{old}"]}, PLUS)
    assert tree.checked_definition() == definition(event(where=both[1:]))
    html = html_of(tree)
    assert html.count("autofocus") == 1
    assert "autofocus" in html[html.index('name="more"') :].split(">")[0]


def test_another_activity_keeps_operator_and_number():
    tree = stored(event("purchase", operator="at_most", value=4))
    tree = pressed(tree, **{f"{only_row(tree).id}-subject": ["event.email_opened"]})
    assert tree.checked_definition() == definition(event("email_opened", operator="at_most", value=4))


def test_what_is_measured_decides_which_inputs_there_are():
    tree = stored(event())
    row = only_row(tree).id
    data = printed(pressed(tree, **{f"{row}-metric": ["sum"]}))
    assert (data[f"{row}-property"], data[f"{row}-operator"], data[f"{row}-value"]) == (["value"], ["at_least"], ["1"])
    data |= {f"{row}-metric": ["distinct"], f"{row}-property": [""]}
    data = printed(read(data, PLUS))
    assert data[f"{row}-property"] == [""]
    assert f"{row}-operator" not in data
    data |= {f"{row}-metric": ["first"], f"{row}-property": ["category"]}
    data = printed(read(data, PLUS))
    assert data[f"{row}-operator"] == ["is"]
    data[f"{row}-value"] = ["shoes"]
    assert read(data, PLUS).checked_definition() == definition(
        event(metric="first", property="category", operator="is", value="shoes")
    )


def happen(event_type: str, *properties: dict[str, Any]) -> None:
    contact = Contact.objects.create(external_id=f"C{Contact.objects.count()}")
    record([NewEvent(event_type, NOW, contact.pk, properties=one) for one in properties], now=NOW)


def test_values_in_the_data_are_suggested_and_printed_as_texts():
    happen("purchase", {"category": "shoes"}, {"category": "<b>hats</b>"}, {"category": "shoes"}, {"colour": "red"})
    html = html_of(stored(event(where=[where("category", "is", "x")])))
    start = html.index("<datalist")
    assert html[start : html.index("</datalist>")].split("<option")[1:] == [
        ' value="shoes"></option>',
        ' value="&lt;b&gt;hats&lt;/b&gt;"></option>',
    ]
    assert '<option value="colour">colour</option>' in html


def test_a_type_that_was_only_seen_is_a_subject():
    happen("store_visit", {"store": "Valencia"})
    activities = dict(Tree.new(kind=PLUS, context=Context()).subjects())["Activities"]
    assert ("event.store_visit", "Store visit") in activities
    assert ("sequence", "Sequence of activities") in activities
    assert "Activities" not in dict(Tree.new(kind="dynamic", context=Context()).subjects())


# Sequences


def test_a_sequence_begins_with_two_steps_and_can_get_longer_and_shorter():
    tree = Tree.new(kind=PLUS, context=Context())
    row = only_row(tree).id
    tree = pressed(tree, **{f"{row}-subject": ["sequence"]})
    html = html_of(tree)
    assert html.count('class="rule-item"') == 2
    assert 'name="less"' not in html
    data = printed(tree)
    first, second = data[f"{row}-steps"]
    assert f"{row}-steps-{first}-did" not in data
    assert data[f"{row}-steps-{second}-did"] == ["true"]
    data |= {f"{row}-steps-{first}-event": ["cart_add"], f"{row}-steps-{second}-event": ["purchase"]}
    data = printed(read(data, PLUS))
    data |= {
        f"{row}-steps-{second}-did": ["false"],
        f"{row}-steps-{second}-same": ["product"],
        f"{row}-within-count": ["1"],
    }
    abandoned = sequence(
        {"event": "cart_add", "did": True},
        {"event": "purchase", "did": False, "same": "product"},
        within={"count": 1, "unit": "days"},
    )
    assert read(data, PLUS).checked_definition() == definition(abandoned)
    tree = read(data | {"more": [f"{row}-steps"]}, PLUS)
    assert html_of(tree).count('name="less"') == 3
    third = printed(tree)[f"{row}-steps"][2]
    assert not only_row(tree).is_faulty
    assert read(printed(tree) | {"less": [f"{row}-steps:{third}"]}, PLUS).checked_definition() == definition(abandoned)
    data = printed(read(data | {"less": [f"{row}-steps:{first}"]}, PLUS))
    assert read(data, PLUS).checked_definition() is None


def test_a_sequence_has_at_most_six_steps():
    step = {"event": "page_visit"}
    assert 'id="' in html_of(stored(sequence(*[step] * 6)))
    row = only_row(stored(sequence(*[step] * 6))).id
    assert f'value="{row}-steps"' not in html_of(stored(sequence(*[step] * 6)))


# Faults


@pytest.mark.parametrize(
    ("rule", "changes", "message"),
    [
        (event(), {"value": [""]}, "Enter a value."),
        (event(window={"kind": "last", "count": 3, "unit": "days"}), {"window-count": [""]}, "Enter a value."),
        (
            event(window={"kind": "between", "from": "2026-01-01", "to": "2026-02-01"}),
            {"window-from": ["2026-03-01"]},
            "The end of the range comes before its start.",
        ),
        (event(where=[where("category", "is", "x")]), {"where-0-value": [""]}, "Enter a value."),
        (event(where=[where("category", "is", "x")]), {"where-0-property": [""]}, "Choose one."),
        (sequence({"event": "cart_add"}, {"event": "purchase"}), {"steps-1-event": [""]}, "Choose one."),
        (sequence({"event": "cart_add"}, {"event": "purchase"}), {"within-count": ["x"]}, "Enter a whole number."),
    ],
)
def test_faults_stand_at_their_input(rule: dict[str, Any], changes: Data, message: str):
    tree = stored(rule)
    row = only_row(tree).id
    tree = read(printed(tree) | {f"{row}-{name}": values for name, values in changes.items()}, PLUS)
    assert tree.checked_definition() is None
    assert errors(tree) == [message]
    html = html_of(tree)
    [name] = changes
    told = f'id="{row}-{name.replace("from", "to")}_error"'
    assert html.count(told) == 1
    part = html.index(f'name="{row}-{name}"')
    assert part < html.index(told)
    assert html.count('aria-invalid="true"') == 1


def test_a_part_that_is_new_has_no_faults_in_a_condition_that_has():
    tree = stored(event())
    row = only_row(tree).id
    tree = read(printed(tree) | {f"{row}-value": [""], f"{row}-checked": ["1"], "more": [f"{row}-where"]}, PLUS)
    assert errors(tree) == ["Enter a value."]


def test_a_faulty_choice_brings_back_the_whole_condition():
    tree = stored(event(where=[where("category", "is", "x")]))
    row = only_row(tree).id
    target = f'hx-target="#{row}-where-0-property-rest"'
    assert target in html_of(tree)
    tree = read(printed(tree) | {f"{row}-where-0-property": [""]}, PLUS)
    tree.checked_definition()
    assert target not in html_of(tree)


def test_what_is_gone_is_shown_at_its_condition():
    tree = tree_of(
        definition(
            group(
                "any",
                {"type": "list", "list": 99, "operator": "member"},
                {"type": "segment", "segment": 99, "operator": "member"},
                field_rule("custom.gone", "is", "x"),
                event(),
            )
        ),
        kind=PLUS,
        context=Context(),
    )
    assert [[str(error) for bound, _ in row.faulty for error in bound.errors] for row in tree.root.rows()] == [
        ["This list no longer exists."],
        ["This segment no longer exists."],
        ["There is no contact field “custom.gone”."],
        [],
    ]


# Whatever is done


TREES = st.recursive(
    st.integers(0, 9).map(points),
    lambda inner: st.builds(group, st.sampled_from(["all", "any", "none"]), inner, inner),
    max_leaves=8,
)


@settings(max_examples=30)
@given(nodes=st.lists(TREES, min_size=1, max_size=3), data=st.data())
def test_whatever_is_moved_and_copied_nothing_is_lost(nodes: list[dict[str, Any]], data: st.DataObject):
    tree = reread(stored(*nodes))
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
