"""What differs between two definitions, structurally and in words."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contacts.models import ContactField, ContactList
from segments.context import Context
from segments.history import Change, Kind, compare, conditions_of, in_words
from tests.segments.definitions import dynamic_plus


def field(key: str, value: Any = None, operator: str = "is") -> dict[str, Any]:
    return {"type": "field", "field": key, "operator": operator, "value": value}


def group(match: str, *rules: dict[str, Any]) -> dict[str, Any]:
    return {"match": match, "rules": list(rules)}


def definition(match: str, *rules: dict[str, Any]) -> dict[str, Any]:
    return {"version": 1} | group(match, *rules)


ROME, OSLO, SPAIN, FRANCE = field("city", "Rome"), field("city", "Oslo"), field("country", "ES"), field("country", "FR")
NEWS = {"type": "list", "list": 3, "operator": "member"}
GOLD = field("custom.tier", "gold")


def kinds(changes: list[Change]) -> list[tuple[str, Any, Any]]:
    return [(str(change.kind), change.before, change.after) for change in changes]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ([ROME], [ROME], []),
        ([ROME], [ROME, SPAIN], [("added", None, SPAIN)]),
        ([ROME, SPAIN], [SPAIN], [("removed", ROME, None)]),
        ([ROME], [OSLO], [("changed", ROME, OSLO)]),
        ([ROME, SPAIN], [FRANCE, OSLO], [("changed", SPAIN, FRANCE), ("changed", ROME, OSLO)]),
        ([ROME], [NEWS], [("added", None, NEWS), ("removed", ROME, None)]),
        ([NEWS], [NEWS | {"list": 4}], [("added", None, NEWS | {"list": 4}), ("removed", NEWS, None)]),
        ([NEWS], [NEWS | {"operator": "not_member"}], [("changed", NEWS, NEWS | {"operator": "not_member"})]),
        ([ROME, ROME], [ROME], [("removed", ROME, None)]),
        ([ROME], [ROME, ROME, OSLO], [("added", None, ROME), ("added", None, OSLO)]),
        ([ROME, OSLO], [ROME, field("city", "Bern")], [("changed", OSLO, field("city", "Bern"))]),
    ],
)
def test_conditions_of_one_group(before: list[Any], after: list[Any], expected: list[Any]):
    assert kinds(compare(definition("all", *before), definition("all", *after))) == expected


def test_order_alone_is_mentioned_as_such():
    before, after = (
        definition("all", ROME, group("any", SPAIN, NEWS)),
        definition("all", group("any", NEWS, SPAIN), ROME),
    )
    [change] = compare(before, after)
    assert change.kind == Kind.ORDER
    assert [change.kind for change in compare(before, definition("any", *after["rules"]))] == [Kind.MATCH]


def test_how_conditions_combine():
    before, after = definition("all", ROME), definition("none", ROME)
    assert kinds(compare(before, after)) == [("match", before, after)]


def test_groups_are_compared_with_those_most_like_them():
    first, second = group("any", ROME, SPAIN), group("any", NEWS, GOLD)
    better = group("none", GOLD, NEWS, FRANCE)
    changes = compare(definition("all", first, second), definition("all", better, group("any", OSLO, SPAIN)))
    assert [(str(one.kind), one.before, one.after, one.left, one.entered) for one in changes] == [
        ("changed", ROME, OSLO, first, group("any", OSLO, SPAIN)),
        ("match", second, better, second, better),
        ("added", None, FRANCE, second, better),
    ]


def test_groups_with_nothing_in_common_come_and_go_as_a_whole():
    old, new = group("any", ROME, SPAIN), group("any", NEWS, GOLD)
    changes = compare(definition("all", GOLD, old), definition("all", GOLD, new))
    assert kinds(changes) == [("added", None, new), ("removed", old, None)]


def test_a_condition_that_moves_into_a_group_and_out_of_one():
    inner, wider = group("any", SPAIN, NEWS), group("any", SPAIN, NEWS, GOLD)
    there, back = definition("all", GOLD, ROME, inner), definition("all", ROME, wider)
    [change] = compare(there, back)
    assert change == Change(Kind.MOVED, GOLD, GOLD, None, wider)
    [change] = compare(back, there)
    assert change == Change(Kind.MOVED, GOLD, GOLD, wider, None)


# Any two definitions

RULES = st.one_of(
    st.builds(field, st.sampled_from(["city", "country", "custom.tier"]), st.sampled_from(["a", "b"])),
    st.builds(
        lambda pk, operator: {"type": "list", "list": pk, "operator": operator},
        st.sampled_from([1, 2]),
        st.sampled_from(["member", "not_member"]),
    ),
)
DEFINITIONS = dynamic_plus(RULES)


def counted(*parts: Any) -> Counter[str]:
    return Counter(str(rule) for part in parts if part for rule in conditions_of(part))


def sorted_parts(part: dict[str, Any]) -> str:
    if "match" not in part:
        return str(part)
    return f"{part['match']}{sorted(map(sorted_parts, part['rules']))}"


@given(DEFINITIONS)
def test_nothing_differs_from_itself(one: dict[str, Any]):
    assert compare(one, one) == []


@given(DEFINITIONS, DEFINITIONS)
def test_no_condition_is_forgotten_or_made_up(before: dict[str, Any], after: dict[str, Any]):
    changes = [change for change in compare(before, after) if change.kind in ("added", "removed", "changed")]
    gone, come = (counted(*(getattr(change, side) for change in changes)) for side in ("before", "after"))
    assert counted(before) + come == counted(after) + gone
    assert not gone - counted(before)
    assert not come - counted(after)


@given(DEFINITIONS, DEFINITIONS)
def test_only_what_means_the_same_in_another_order_shows_no_other_change(before: dict[str, Any], after: dict[str, Any]):
    said = {change.kind for change in compare(before, after)}
    assert (said <= {Kind.ORDER}) == (sorted_parts(before) == sorted_parts(after))
    assert (not said) == (before == after)


@given(DEFINITIONS, DEFINITIONS)
def test_the_way_back_is_the_way_there_turned_round(before: dict[str, Any], after: dict[str, Any]):
    turned = {Kind.ADDED: Kind.REMOVED, Kind.REMOVED: Kind.ADDED}
    there, back = compare(before, after), compare(after, before)
    assert Counter(
        (change.kind, sorted_parts(change.before or {}), sorted_parts(change.after or {})) for change in there
    ) == Counter(
        (turned.get(change.kind, change.kind), sorted_parts(change.after or {}), sorted_parts(change.before or {}))
        for change in back
    )


# In words


@pytest.mark.django_db
def test_differences_in_words():
    news = ContactList.objects.create(name="News")
    on_news = {"type": "list", "list": news.pk, "operator": "member"}
    older = field("points", 3, "at_least")
    inner = group("any", on_news, SPAIN)
    before = definition("all", older, inner, ROME)
    after = definition("any", field("points", 5, "at_least"), group("none", on_news, SPAIN, ROME, FRANCE))
    said = in_words(compare(before, after), context=Context())
    conditions = "they are on the list News or Country is Spain or City is Rome or Country is France"
    where = f"in the group: (none of this holds: {conditions})"
    assert [(str(one.kind.label), one.before, one.after, one.where) for one in said] == [
        ("Changed", "all of the conditions must hold", "one of the conditions is enough", ""),
        ("Changed", "Points is at least 3", "Points is at least 5", ""),
        ("Changed", "one of the conditions is enough", "none of the conditions may hold", where),
        ("Moved", "", "City is Rome", where.replace("in the", "into the", 1)),
        ("Added", "", "Country is France", where),
    ]


@pytest.mark.django_db
def test_what_can_no_longer_be_read_is_still_listed():
    ContactField.objects.create(key="tier", label="Tier", type="integer")
    gone = {"type": "segment", "segment": 9, "operator": "member"}
    before = definition("all", NEWS, GOLD, field("custom.gone", "x"), {"type": "former", "x": 1}, gone)
    after = definition("all", group("any", ROME, OSLO))
    said = in_words(compare(before, after), context=Context())
    assert [(str(one.kind), one.before, one.after) for one in said] == [
        ("added", "", "(City is Rome or City is Oslo)"),
        ("removed", "they are on the list (deleted)", ""),
        ("removed", "something holds that can no longer be read", ""),
        ("removed", "something holds for a deleted field (custom.gone)", ""),
        ("removed", "something holds that can no longer be read", ""),
        ("removed", "they are in the segment (deleted)", ""),
    ]


@pytest.mark.django_db
def test_order_in_words():
    [said] = in_words(compare(definition("all", ROME, SPAIN), definition("all", SPAIN, ROME)), context=Context())
    assert (said.before, said.after, said.where) == ("", "the same conditions stand in another order", "")
