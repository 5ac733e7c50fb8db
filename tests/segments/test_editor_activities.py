"""Activities and sequences in the editor, with their parts."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings

from contacts.events import NewEvent, record
from contacts.models import Contact
from segments.context import Context
from segments.editor import Tree, tree_of
from tests.segments.event_definitions import event_rules, sequence_rules
from tests.segments.printed import Data
from tests.segments.trees import (
    PLUS,
    assert_round_trip,
    definition,
    errors,
    event,
    field_rule,
    group,
    html_of,
    only_row,
    pressed,
    printed,
    read,
    reread,
    sequence,
    stored_plus,
    where,
)

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)


def test_an_activity_begins_with_at_least_once_at_any_time():
    tree = Tree.new(kind=PLUS, context=Context())
    row = only_row(tree).id
    again = pressed(tree, **{f"{row}-subject": ["event.email_opened"]})
    assert again.checked_definition() == definition(event("email_opened"))


def test_a_property_is_added_and_removed():
    tree = reread(stored_plus(event(where=[where("category", "is", "shoes")])))
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
    tree = stored_plus(event("purchase", operator="at_most", value=4))
    tree = pressed(tree, **{f"{only_row(tree).id}-subject": ["event.email_opened"]})
    assert tree.checked_definition() == definition(event("email_opened", operator="at_most", value=4))


def test_what_is_measured_decides_which_inputs_there_are():
    tree = stored_plus(event())
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
    html = html_of(stored_plus(event(where=[where("category", "is", "x")])))
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
    assert 'id="' in html_of(stored_plus(sequence(*[step] * 6)))
    row = only_row(stored_plus(sequence(*[step] * 6))).id
    assert f'value="{row}-steps"' not in html_of(stored_plus(sequence(*[step] * 6)))


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
    tree = stored_plus(rule)
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
    tree = stored_plus(event())
    row = only_row(tree).id
    tree = read(printed(tree) | {f"{row}-value": [""], f"{row}-checked": ["1"], "more": [f"{row}-where"]}, PLUS)
    assert errors(tree) == ["Enter a value."]


def test_a_faulty_choice_brings_back_the_whole_condition():
    tree = stored_plus(event(where=[where("category", "is", "x")]))
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


# Round trips


@settings(max_examples=60)
@given(rule=event_rules(NOW))
def test_every_activity_comes_back_as_it_was(rule: dict[str, Any]):
    assert_round_trip(definition(rule), PLUS)


@settings(max_examples=30)
@given(rule=sequence_rules(NOW))
def test_every_sequence_comes_back_as_it_was(rule: dict[str, Any]):
    assert_round_trip(definition(rule), PLUS)
