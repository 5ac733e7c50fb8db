"""Actions: what they do to contacts, exactly, as sets, and what they say of it."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from contacts.models import Contact, ContactField
from segments.membership import add
from segments.models import Cause, Membership, Segment, Transition
from tests.workflows.acting import acted, contacts, details, fault_fields, same_number_of_statements, words
from tests.workflows.batches import batch
from workflows.models import Workflow
from workflows.nodes import NODES
from workflows.nodes.base import CannotWork, NodeContext, Stop

EVERYBODY = {"version": 1, "match": "all", "rules": [{"type": "field", "field": "created_at", "operator": "is_set"}]}

pytestmark = pytest.mark.django_db


@pytest.fixture
def workflow() -> Workflow:
    return Workflow.objects.create(name="Welcome")


@pytest.fixture
def gone_out(django_capture_on_commit_callbacks: Callable[..., Any]) -> Callable[..., Any]:
    return django_capture_on_commit_callbacks


# Segments


def static(name: str = "Desks") -> Segment:
    return Segment.objects.create(name=name, kind=Segment.Kind.STATIC)


def members(segment: Segment) -> set[int]:
    return set(Membership.objects.filter(segment=segment).values_list("contact_id", flat=True))


def test_contacts_are_added_to_a_static_segment_and_removed(now: datetime, workflow: Workflow) -> None:
    segment = static()
    one, two, other = contacts({}, {}, {})
    add(segment, Contact.objects.filter(pk=one), now=now, cause=Cause.HAND)
    settings = {"segment": segment.pk}
    assert acted("add_to_segment", settings, [one, two], now=now, workflow=workflow) == {one, two}
    assert members(segment) == {one, two}
    entered = Transition.objects.get(contact_id=two)
    assert (entered.kind, entered.cause, entered.detail, entered.at) == ("entered", "workflow", "Welcome", now)
    assert acted("remove_from_segment", settings, [two, other], now=now, workflow=workflow) == {two, other}
    assert members(segment) == {one}
    segment.refresh_from_db()
    assert segment.size == 1
    assert words("add_to_segment", settings) == "Desks"
    assert NODES["remove_from_segment"].segments(settings) == {segment.pk}


def test_segments_with_a_rule_on_it_follow(now: datetime, workflow: Workflow, gone_out: Callable[..., Any]) -> None:
    segment = static()
    rule = {"type": "segment", "segment": segment.pk, "operator": "member"}
    definition = {"version": 1, "match": "all", "rules": [rule]}
    above = Segment.objects.create(name="Above", kind="dynamic_plus", definition=definition)
    (one,) = contacts({})
    with gone_out(execute=True):
        acted("add_to_segment", {"segment": segment.pk}, [one], now=now, workflow=workflow)
    assert members(above) == {one}


def test_only_static_segments_that_are_there_are_taken(now: datetime, workflow: Workflow) -> None:
    segment = static()
    dynamic = Segment.objects.create(name="Dynamic", kind=Segment.Kind.DYNAMIC, definition=EVERYBODY)
    for kind in ("add_to_segment", "remove_from_segment"):
        assert fault_fields(kind, {}) == {"segment"}
        assert fault_fields(kind, {"segment": dynamic.pk}) == {"segment"}
        assert fault_fields(kind, {"segment": segment.pk}) == set()
    of = batch("add_to_segment", {"segment": segment.pk}, contacts({}), now=now, workflow=workflow.pk)
    Segment.objects.filter(pk=segment.pk).update(deleted_at=now)
    assert fault_fields("add_to_segment", {"segment": segment.pk}) == {"segment"}
    assert words("add_to_segment", {"segment": segment.pk}) == "gone"
    with pytest.raises(CannotWork):
        list(NODES["add_to_segment"].work(of))


# Fields and points


@pytest.mark.parametrize(
    ("settings", "before", "after"),
    [
        ({"field": "city", "amendment": "set", "value": "Vigo"}, {"city": "Lugo"}, ("city", "Vigo")),
        ({"field": "city", "amendment": "append", "value": "Vigo"}, {"city": "Lugo"}, ("city", "Lugo, Vigo")),
        ({"field": "date_of_birth", "amendment": "clear"}, {"date_of_birth": "1990-01-01"}, ("date_of_birth", None)),
        ({"field": "points", "amendment": "multiply", "value": "1.5"}, {"points": 10}, ("points", 15)),
        ({"field": "custom.vip", "amendment": "set", "value": True}, {}, ("custom", {"vip": True})),
        (
            {"field": "custom.spent", "amendment": "add", "value": "0.5"},
            {"custom": {"spent": 1}},
            ("custom", {"spent": 1.5}),
        ),
        (
            {"field": "custom.since", "amendment": "set", "value": "2026-03-01T08:30"},
            {},
            ("custom", {"since": "2026-03-01T08:30:00.000000Z"}),
        ),
        ({"field": "custom.since", "amendment": "now"}, {}, ("custom", {"since": "2026-03-10T12:00:00.000000Z"})),
    ],
)
def test_fields_are_set(
    settings: dict[str, Any], before: dict[str, Any], after: tuple[str, Any], now: datetime, workflow: Workflow
) -> None:
    for key, type_key in (("vip", "boolean"), ("spent", "decimal"), ("since", "datetime")):
        ContactField.objects.create(key=key, label=key.title(), type=type_key)
    one, other = contacts(before, before)
    assert fault_fields("set_field", settings) == set()
    assert acted("set_field", settings, [one], now=now, workflow=workflow) == {one}
    assert getattr(Contact.objects.get(pk=one), after[0]) == after[1]
    assert getattr(Contact.objects.get(pk=other), after[0]) != after[1]


def test_a_field_is_named_in_words(now: datetime) -> None:
    ContactField.objects.create(
        key="tier", label="Tier", type="choice", options=[{"value": "g", "label": "Gold"}, {"value": "s", "label": "S"}]
    )
    assert words("set_field", {"field": "custom.tier", "amendment": "set", "value": "g"}) == "Tier: Gold"
    assert words("set_field", {"field": "points", "amendment": "multiply", "value": 1.5}) == "Points times 1.50"
    assert words("set_field", {"field": "city", "amendment": "clear"}) == "Clear City"
    assert words("set_field", {"field": "custom.gone", "amendment": "clear"}) == "a field that is gone"
    assert words("set_field", {}) == ""


def test_what_cannot_be_written_is_a_fault_at_its_field(now: datetime, workflow: Workflow) -> None:
    for key in ("email", "external_id", "purchases_count", "custom.none"):
        assert fault_fields("set_field", {"field": key, "amendment": "set", "value": "x"}) == {"field"}
    assert fault_fields("set_field", {"field": "points", "amendment": "set", "value": "many"}) == {"value"}
    assert fault_fields("set_field", {"field": "points", "amendment": "clear"}) == {"amendment", "value"}
    assert fault_fields("set_field", {"field": "city", "amendment": "set", "value": ""}) == {"value"}
    tier = ContactField.objects.create(key="tier", label="Tier", type="text")
    settings = {"field": "custom.tier", "amendment": "set", "value": "gold"}
    of = batch("set_field", settings, contacts({}), now=now, workflow=workflow.pk)
    ContactField.objects.filter(pk=tier.pk).update(archived=True)
    assert fault_fields("set_field", settings) == {"field"}
    with pytest.raises(CannotWork):
        list(NODES["set_field"].work(of))


def test_who_unsubscribed_is_not_subscribed_again_unless_it_is_said(now: datetime, workflow: Workflow) -> None:
    never, left = contacts({}, {"newsletter": "unsubscribed"})
    settings = {"field": "newsletter", "amendment": "set", "value": "subscribed"}
    assert acted("set_field", settings, [never, left], now=now, workflow=workflow) == {never}
    assert dict(Contact.objects.values_list("pk", "newsletter")) == {never: "subscribed", left: "unsubscribed"}
    of = batch("set_field", settings, [left], now=now, workflow=workflow.pk)
    assert details(of) == {left: "Passed over: the contact has unsubscribed."}
    assert acted("set_field", settings | {"resubscribe": True}, [left], now=now, workflow=workflow) == {left}
    assert Contact.objects.get(pk=left).newsletter_at == now


def test_the_form_of_a_field_follows_what_is_chosen() -> None:
    form = NODES["set_field"].form
    empty = form(settings={}, context=NodeContext())
    assert [bound.name for bound in empty.own_fields] == ["field"]
    edited = form({"field": "gender", "change": "1"}, settings={}, context=NodeContext())
    assert edited.is_being_edited
    assert [bound.name for bound in edited.own_fields] == ["field", "amendment", "value"]
    assert not edited.errors
    cleared = form({"field": "gender", "amendment": "clear"}, settings={}, context=NodeContext())
    assert [bound.name for bound in cleared.own_fields] == ["field", "amendment"]
    assert cleared.is_valid()
    assert cleared.stored() == {"field": "gender", "amendment": "clear"}


def test_points_are_added_and_taken_away(now: datetime, workflow: Workflow) -> None:
    one, two = contacts({"points": 3}, {})
    assert acted("add_points", {"points": 5}, [one, two], now=now, workflow=workflow) == {one, two}
    assert dict(Contact.objects.values_list("pk", "points")) == {one: 8, two: 5}
    of = batch("add_points", {"points": -1}, [two], now=now, workflow=workflow.pk)
    assert details(of) == {two: "1 point taken away"}
    assert Contact.objects.get(pk=two).points == 4
    assert words("add_points", {"points": 5}) == "5 points added"
    assert fault_fields("add_points", {"points": 0}) == fault_fields("add_points", {}) == {"points"}


def test_the_segments_are_right_when_the_contacts_go_on(
    now: datetime, workflow: Workflow, gone_out: Callable[..., Any]
) -> None:
    """For more contacts than a page's writes bring up to date by themselves."""
    rule = {"type": "field", "field": "points", "operator": "at_least", "value": 5}
    hot = Segment.objects.create(
        name="Hot", kind="dynamic", definition={"version": 1, "match": "all", "rules": [rule]}, refreshed_at=now
    )
    ids = [one.pk for one in Contact.objects.bulk_create(Contact() for _number in range(600))]
    with gone_out(execute=True):
        acted("add_points", {"points": 5}, ids, now=now, workflow=workflow)
    assert len(members(hot)) == 600


# The way's end


def test_end_ends_the_run(now: datetime, workflow: Workflow) -> None:
    of = batch("end", {}, [1, 2], now=now, workflow=workflow.pk)
    assert list(NODES["end"].work(of)) == [Stop(of.run_ids, state="finished")]
    assert NODES["end"].ports({}) == ()


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("add_points", {"points": 2}),
        ("set_field", {"field": "custom.tier", "amendment": "set", "value": "gold"}),
        ("set_field", {"field": "newsletter", "amendment": "set", "value": "subscribed"}),
    ],
)
def test_a_large_batch_takes_no_more_statements(
    kind: str, settings: dict[str, Any], now: datetime, workflow: Workflow
) -> None:
    ContactField.objects.create(key="tier", label="Tier", type="text")
    same_number_of_statements(kind, settings, now=now, workflow=workflow)


@pytest.mark.parametrize("kind", ["add_to_segment", "remove_from_segment"])
def test_many_members_take_no_more_statements(kind: str, now: datetime, workflow: Workflow) -> None:
    segment = static()
    ids = contacts({}, {}, {})
    add(segment, Contact.objects.filter(pk__in=ids), now=now, cause=Cause.HAND)
    same_number_of_statements(kind, {"segment": segment.pk}, now=now, workflow=workflow)
