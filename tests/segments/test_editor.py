"""The editor's tree: what is printed comes back as the same definition, and every step keeps what was typed."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.exceptions import BadRequest
from hypothesis import given, settings
from hypothesis import strategies as st

from contacts.models import ContactField, ContactList
from contacts.types import FIELD_TYPES
from segments.context import Context
from segments.editor import Tree
from segments.operators import OPERATORS
from segments.windows import WINDOWS
from tests.segments.comparing import account_time_zone
from tests.segments.definitions import dynamic, dynamic_plus, field_rules, list_rules, rules_with, segment_rules
from tests.segments.printed import Data, row_ids
from tests.segments.trees import (
    assert_round_trip,
    definition,
    errors,
    field_rule,
    html_of,
    only_row,
    printed,
    read,
    stored,
)
from tests.segments.worlds import TYPES, declare_fields, make_lists, make_static_segments

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)

# One field of each type, and country, which has many choices.
FIELDS = [*{kind: key for key, kind in TYPES.items() if key != "custom.former"}.values(), "country"]
OPERATORS_OF_FIELDS = [(key, operator.key) for key in FIELDS for operator in OPERATORS[FIELD_TYPES[TYPES[key]].family]]
WINDOW_VALUES = {
    "count": 3,
    "unit": "year",
    "from_count": 0,
    "to_count": 12,
    "from": "2026-01-01",
    "to": "2026-02-28",
    "date": "2026-03-01",
}


@pytest.fixture
def custom_fields() -> None:
    declare_fields()


@pytest.fixture
def lists() -> list[int]:
    return make_lists()


@pytest.fixture
def segments() -> list[int]:
    return make_static_segments()


# Round trips


@pytest.mark.parametrize(("key", "operator"), OPERATORS_OF_FIELDS)
@settings(max_examples=2)
@given(data=st.data())
def test_every_operator_of_every_type_comes_back_as_it_was(
    custom_fields: None, key: str, operator: str, data: st.DataObject
):
    with account_time_zone("Europe/Madrid"):
        assert_round_trip(definition(data.draw(rules_with(key, operator, NOW, "Europe/Madrid"))))


@pytest.mark.parametrize("window", WINDOWS, ids=lambda window: window.key)
def test_every_window_comes_back_as_it_was(window: Any):
    news = ContactList.objects.create(name="News")
    values = {name: WINDOW_VALUES[name] for name in window.fields()}
    if "count" in values or "to_count" in values:
        values["unit"] = "months"
    rule = {"type": "list", "list": news.pk, "operator": "joined", "window": {"kind": window.key, **values}}
    assert_round_trip(definition(rule))


@settings(max_examples=25)
@given(data=st.data())
def test_whole_definitions_come_back_as_they_were(custom_fields: None, lists: list[int], data: st.DataObject):
    assert_round_trip(data.draw(dynamic(st.one_of(field_rules(NOW, "UTC"), list_rules(lists, NOW)))))


@settings(max_examples=15)
@given(data=st.data())
def test_groups_in_groups_come_back_as_they_were(custom_fields: None, segments: list[int], data: st.DataObject):
    rules = st.one_of(field_rules(NOW, "UTC"), segment_rules(segments))
    assert_round_trip(data.draw(dynamic_plus(rules)), "dynamic_plus")


# Adding, removing, changing


def test_a_new_tree_has_one_condition_to_fill_in():
    tree = Tree.new(kind="dynamic", context=Context())
    data = printed(tree)
    [row] = row_ids(data)
    assert data[f"{row}-subject"] == [""]
    assert read(data).complete_definition() is None
    data[f"{row}-subject"] = ["first_name"]
    tree = read(data)
    assert printed(tree)[f"{row}-operator"] == ["is"]
    assert errors(tree) == []


def test_adding_and_removing_renumbers_nothing():
    tree = stored(field_rule("first_name", "is", "Ana"), field_rule("points", "at_least", 3))
    before = printed(tree)
    first, second = row_ids(before)
    tree = read(before)
    tree.add(tree.root.id)
    after = printed(tree)
    added = row_ids(after)[-1]
    assert row_ids(after) == [first, second, added]
    assert {name: after[name] for name in before if name != "node"} == {
        name: values for name, values in before.items() if name != "node"
    }
    tree = read(after)
    tree.remove(first)
    tree.remove(added)
    assert row_ids(printed(tree)) == [second]
    assert tree.checked_definition() == definition(field_rule("points", "at_least", 3))
    tree.remove("gone")
    assert row_ids(printed(tree)) == [second]


@pytest.mark.parametrize(
    ("before", "subject", "after"),
    [
        (field_rule("first_name", "contains", "an"), "city", {"operator": "contains", "value": "an"}),
        (field_rule("first_name", "contains", "an"), "points", {"operator": "equals", "value": ""}),
        (field_rule("first_name", "is", "12"), "points", {"operator": "equals", "value": "12"}),
        (
            field_rule("points", "between", {"from": 1, "to": 5}),
            "purchases_total",
            {"operator": "between", "from": "1", "to": "5"},
        ),
        (
            field_rule("points", "between", {"from": 1, "to": 5}),
            "date_of_birth",
            {"operator": "between", "from": "", "to": ""},
        ),
        (
            field_rule("last_seen_at", "in_last", {"count": 3, "unit": "hours"}),
            "date_of_birth",
            {"operator": "in_last", "count": "3", "unit": "days"},
        ),
        (
            field_rule("last_seen_at", "in_last", {"count": 3, "unit": "weeks"}),
            "date_of_birth",
            {"operator": "in_last", "count": "3", "unit": "weeks"},
        ),
        (field_rule("country", "is", "ES"), "language", {"operator": "is", "value": ""}),
        (field_rule("country", "is_any_of", ["ES"]), "list", {"operator": "member", "list": ""}),
    ],
)
def test_another_subject_keeps_what_still_fits(before: dict[str, Any], subject: str, after: dict[str, str]):
    data = printed(stored(before))
    [row] = row_ids(data)
    data[f"{row}-subject"] = [subject]
    again = printed(read(data))
    assert {name: again[f"{row}-{name}"] for name in after} == {name: [value] for name, value in after.items()}
    assert errors(read(again)) == []


def test_another_operator_keeps_the_value_of_the_same_shape():
    data = printed(stored(field_rule("last_seen_at", "in_last", {"count": 3, "unit": "weeks"})))
    [row] = row_ids(data)
    data[f"{row}-operator"] = ["more_than_ago"]
    assert read(data).checked_definition() == definition(
        field_rule("last_seen_at", "more_than_ago", {"count": 3, "unit": "weeks"})
    )


def test_another_operator_keeps_even_a_value_that_is_not_right_yet():
    data = printed(stored(field_rule("points", "equals", 3)))
    [row] = row_ids(data)
    data |= {f"{row}-operator": ["at_least"], f"{row}-value": ["three"]}
    again = printed(read(data))
    assert again[f"{row}-value"] == ["three"]


def test_a_unit_that_is_new_begins_with_days():
    data = printed(stored(field_rule("last_seen_at", "is_set")))
    [row] = row_ids(data)
    data[f"{row}-operator"] = ["in_last"]
    assert printed(read(data))[f"{row}-unit"] == ["days"]


def test_a_negative_operator_offers_to_leave_contacts_without_a_value_out():
    data = printed(stored(field_rule("city", "is_not", "Rome")))
    [row] = row_ids(data)
    assert "Contacts that have no value match too." in html_of(read(data))
    data[f"{row}-only_set"] = ["on"]
    assert read(data).checked_definition() == definition(field_rule("city", "is_not", "Rome", only_set=True))
    always = stored(field_rule("newsletter", "is_not", "never"))
    assert "Contacts that have no value match too." not in html_of(always)


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        (field_rule("date_of_birth", "on", "2026-01-01"), False),
        (field_rule("date_of_birth", "anniversary_today"), True),
        (field_rule("date_of_birth", "in_this", {"unit": "week"}), True),
        (field_rule("last_seen_at", "before", "2026-01-01"), True),
        (field_rule("last_seen_at", "is_set"), False),
        (field_rule("points", "equals", 1), False),
    ],
)
def test_conditions_on_days_say_which_time_zone_counts(rule: dict[str, Any], says: bool):
    assert ("Days begin and end in the time zone" in html_of(stored(rule))) is says


# Faults


def test_faults_are_shown_at_the_condition_with_what_was_typed():
    data = printed(stored(field_rule("points", "between", {"from": 2, "to": 5}), field_rule("city", "is", "Rome")))
    row, other = row_ids(data)
    data[f"{row}-to"] = [""]
    tree = read(data)
    assert tree.checked_definition() is None
    faulty, sound = tree.root.rows()
    assert ([bound.name for bound, _ in faulty.faulty], sound.faulty) == (["to"], [])
    assert "Enter both ends of the range." in html_of(tree)
    again = printed(tree)
    assert (again[f"{row}-from"], again[f"{row}-to"]) == (["2"], [""])
    assert f"{row}-checked" in again
    assert f"{other}-checked" not in again


def test_faults_stay_until_they_are_gone_and_new_conditions_have_none():
    data = printed(stored(field_rule("points", "equals", 2)))
    [row] = row_ids(data)
    data[f"{row}-value"] = [""]
    tree = read(data)
    tree.checked_definition()
    shown = printed(tree)
    tree = read(shown)
    tree.add(tree.root.id)
    assert [node.is_faulty for node in tree.root.rows()] == [True, False]
    shown[f"{row}-value"] = ["4"]
    assert not only_row(read(shown)).is_faulty
    shown |= {f"{row}-value": [""], f"{row}-subject": ["city"]}
    assert not only_row(read(shown)).is_faulty


def test_nothing_is_a_fault_while_a_condition_is_being_filled_in():
    data = printed(stored(field_rule("points", "equals", 2)))
    [row] = row_ids(data)
    data[f"{row}-value"] = [""]
    tree = read(data)
    assert tree.complete_definition() is None
    assert 'aria-invalid="true"' not in html_of(tree)
    assert "errors" not in html_of(tree)


@pytest.mark.parametrize(
    ("rule", "empty", "message"),
    [
        (field_rule("points", "equals", 1), {"value": [""]}, ["Enter a value."]),
        (field_rule("country", "is", "ES"), {"value": [""]}, ["Choose one."]),
        (field_rule("country", "is_any_of", ["ES"]), {"value": []}, ["Choose at least one."]),
        (field_rule("city", "is_any_of", ["Rome"]), {"value": ["\r\n"]}, ["Enter a value."]),
        (field_rule("last_seen_at", "before", "2026-01-01"), {"value_0": [""]}, ["Enter a value."]),
        (
            field_rule("points", "equals", 1),
            {"operator": ["has"]},
            ["“has” is not an operator for a field of this type."],
        ),
        (field_rule("points", "equals", 1), {"subject": [""]}, ["Choose what the condition is about, or remove it."]),
        (
            field_rule("last_seen_at", "between_ago", {"from_count": 1, "to_count": 2, "unit": "days"}),
            {"from_count": ["5"]},
            ["The end of the range comes before its start."],
        ),
    ],
)
def test_what_is_missing_is_said(rule: dict[str, Any], empty: Data, message: list[str]):
    data = printed(stored(rule))
    [row] = row_ids(data)
    data |= {f"{row}-{name}": values for name, values in empty.items()}
    tree = read(data)
    assert tree.checked_definition() is None
    assert errors(tree) == message


def test_an_empty_group_says_what_to_do():
    tree = stored(field_rule("points", "equals", 1))
    tree.remove(only_row(tree).id)
    assert tree.checked_definition() is None
    assert tree.root.messages == ["Add a condition: without one nobody would be in the segment."]


def test_too_many_conditions_are_a_fault_of_the_group():
    tree = stored(*[field_rule("points", "equals", number) for number in range(251)])
    assert tree.checked_definition() is None
    assert tree.root.messages == ["A segment has at most 250 conditions."]


def test_an_archived_field_is_offered_where_it_is_used():
    ContactField.objects.create(key="old", label="Old one", type="text", archived=True)
    assert "Old one" not in html_of(Tree.new(kind="dynamic", context=Context()))
    assert_round_trip(definition(field_rule("custom.old", "is", "x")))


def test_conditions_on_what_is_gone_show_it_at_once():
    tree = stored(field_rule("custom.gone", "is", "x"), {"type": "list", "list": 99, "operator": "member"})
    field, contact_list = tree.root.rows()
    assert [str(error) for bound, _ in field.faulty for error in bound.errors] == [
        "There is no contact field “custom.gone”."
    ]
    assert [str(error) for bound, _ in contact_list.faulty for error in bound.errors] == ["This list no longer exists."]
    assert printed(tree)[f"{field.id}-subject"] == ["custom.gone"]


def test_a_stored_condition_of_another_shape_shows_it():
    tree = stored(field_rule("points", "equals", [1]))
    assert errors(tree)[0] == "Enter one value."


def test_hostile_texts_are_printed_as_texts():
    text = "\"><script>alert('1')</script>"
    ContactField.objects.create(key="evil", label=text, type="choices", options=[{"value": text, "label": text}])
    ContactList.objects.create(name=text)
    html = html_of(stored(field_rule("custom.evil", "has_any_of", [text]), field_rule("city", "is", text)))
    assert "<script>" not in html
    assert_round_trip(definition(field_rule("custom.evil", "has_any_of", [text]), field_rule("city", "is", text)))


MALFORMED: list[list[str]] = [
    [],
    ["n1"],
    ["n1:n0:points"],
    ["n1::points"],
    ["g:g:group"],
    ["g::group", "n1:g:points", "n1:g:points"],
    ["g::group", "h::group"],
    ["g::group", "n1:n2:points", "n2:g:points"],
    ["g::group", "n1:g:points", "n2:n1:points"],
    ["g::group", "G 1:g:points"],
    ["g::group", "n1:g:<b>"],
    ["g::group", *(f"g{number}:{'g' if number == 1 else f'g{number - 1}'}:group" for number in range(1, 12))],
]


@pytest.mark.parametrize("nodes", MALFORMED)
def test_a_form_that_was_not_printed_here_is_refused(nodes: list[str]):
    data = {"node": nodes, **{f"{node.split(':')[0]}-match": ["all"] for node in nodes}}
    with pytest.raises(BadRequest):
        read(data)


@pytest.mark.parametrize("match", [[], ["some"], [""]])
def test_a_group_that_matches_otherwise_is_refused(match: list[str]):
    with pytest.raises(BadRequest):
        read({"node": ["g::group"], "g-match": match})


def test_only_the_conditions_of_the_type_are_accepted():
    for subject in ("segment", "field", "group", "nonsense"):
        data = {"node": ["g::group", f"n1:g:{subject}"], "g-match": ["all"], "n1-subject": [subject]}
        data |= {"n1-operator": ["member"], "n1-segment": ["1"], "n1-field": ["points"]}
        if subject == "group":
            data["node"][1] = "n1:g:"
        assert read(data).checked_definition() is None


def test_a_dynamic_segment_takes_no_other_groups():
    nodes = ["g::group", "h:g:group", "n1:h:points"]
    data = {"node": nodes, "g-match": ["all"], "h-match": ["any"], "n1-subject": ["points"]}
    tree = read(data | {"n1-operator": ["equals"], "n1-value": ["1"]})
    assert tree.checked_definition() is None
    assert [group.messages for group in tree.root.groups()] != [[], []]


def test_adding_to_a_group_that_is_not_there_is_refused():
    with pytest.raises(BadRequest):
        Tree.new(kind="dynamic", context=Context()).add("n0")
