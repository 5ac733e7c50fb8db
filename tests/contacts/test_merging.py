"""Merging: what an anonymous visitor did becomes what the known contact did, and nothing is lost or doubled."""

from collections import Counter
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.db.models import ForeignKey
from hypothesis import given
from hypothesis import settings as drawing
from hypothesis import strategies as st

from contacts import arrivals
from contacts.deletion import delete_contacts
from contacts.events import NewEvent, record
from contacts.lists import subscribe, unsubscribe
from contacts.merging import merge
from contacts.models import (
    Arrival,
    Contact,
    ContactField,
    ContactImport,
    ContactList,
    Event,
    Import,
    ListMembership,
    Visitor,
)
from contacts.personal_data import HOLDERS, data_of
from contacts.visitors import give
from segments.membership import add, remove
from segments.models import Cause, FacebookAudience, FacebookMember, Membership, Segment, Transition
from segments.refresh import apply_changes, audit
from tests.segments.comparing import DEEP, matched, members, new_segment, undone
from tests.segments.records import assert_records_agree

pytestmark = pytest.mark.django_db


@pytest.fixture
def visitor() -> Contact:
    return Contact.objects.create(visitor_key="v-1", city="Rome", points=3, custom={"tier": "gold", "size": "l"})


@pytest.fixture
def ana() -> Contact:
    return Contact.objects.create(email="ana@example.org", points=4, custom={"tier": "silver"})


def test_the_fields(visitor, ana, now):
    Contact.objects.filter(pk=visitor.pk).update(
        country="IT", date_of_birth=date(1990, 1, 1), newsletter="subscribed", newsletter_at=now
    )
    Contact.objects.filter(pk=ana.pk).update(country="ES")
    kept = merge(visitor, ana, now=now)
    assert not Contact.objects.filter(pk=visitor.pk).exists()
    stored = Contact.objects.get(pk=ana.pk)
    for contact in (kept, stored):
        assert (contact.email, contact.visitor_key) == ("ana@example.org", "v-1")
        assert (contact.city, contact.country, contact.date_of_birth) == ("Rome", "ES", date(1990, 1, 1))
        assert (contact.newsletter, contact.newsletter_at) == ("subscribed", now)
        assert contact.points == 7
        assert contact.custom == {"tier": "silver", "size": "l"}
        assert contact.updated_at == now


def test_what_the_known_one_has_decided_stays(visitor, ana, now):
    Contact.objects.filter(pk=visitor.pk).update(newsletter="subscribed", newsletter_at=now)
    Contact.objects.filter(pk=ana.pk).update(newsletter="unsubscribed", newsletter_at=now - timedelta(days=9))
    kept = merge(visitor, ana, now=now)
    assert (kept.newsletter, kept.newsletter_at) == ("unsubscribed", now - timedelta(days=9))


def test_the_devices(visitor, ana, now):
    give("v-2", visitor, now=now)
    give("v-3", ana, now=now)
    merge(visitor, ana, now=now)
    ana.refresh_from_db()
    assert ana.visitor_key == "v-3"
    assert set(Visitor.objects.values_list("key", "contact_id")) == {("v-1", ana.pk), ("v-2", ana.pk)}
    record([NewEvent("page_visit", now, visitor_key=key) for key in ("v-1", "v-2", "v-3")], now=now)
    assert Event.objects.filter(contact=ana).count() == 3


def test_what_both_did_and_its_summary(visitor, ana, now):
    def bought(contact: Contact, days: int, amount: str) -> NewEvent:
        return NewEvent("purchase", now - timedelta(days=days), contact_id=contact.pk, value=Decimal(amount))

    record([bought(visitor, 3, "10.00"), bought(visitor, 1, "0.01"), bought(ana, 2, "5")], now=now)
    kept = merge(visitor, ana, now=now)
    assert (kept.purchases_count, kept.purchases_total) == (3, Decimal("15.01"))
    assert kept.purchases_average == Decimal("5.0033")
    assert (kept.first_purchase_at, kept.last_purchase_at) == (now - timedelta(days=3), now - timedelta(days=1))
    assert (kept.first_seen_at, kept.last_seen_at) == (now - timedelta(days=3), now - timedelta(days=1))
    assert set(Event.objects.values_list("contact_id", flat=True)) == {ana.pk}


def test_lists(visitor, ana, now):
    both, theirs, left, later = (ContactList.objects.create(name=name) for name in "abcd")
    only = Contact.objects.filter
    subscribe(theirs, only(pk=visitor.pk), now=now)
    subscribe(both, Contact.objects.all(), now=now)
    for contact_list in (left, later):
        subscribe(contact_list, only(pk=ana.pk), now=now)
        unsubscribe(contact_list, only(pk=ana.pk), now=now + timedelta(hours=2))
    subscribe(left, only(pk=visitor.pk), now=now + timedelta(hours=1))
    subscribe(later, only(pk=visitor.pk), now=now + timedelta(hours=3))
    merge(visitor, ana, now=now + timedelta(days=1))
    assert set(ListMembership.objects.current().values_list("contact_id", "list_id")) == {
        (ana.pk, found.pk) for found in (both, theirs, later)
    }
    assert ListMembership.objects.count() == 4


def test_imports_and_facebook(visitor, ana, now):
    one, two = (Import.objects.create(name=name, created_at=now) for name in "ab")
    for run, contact in ((one, visitor), (two, visitor), (two, ana)):
        ContactImport.objects.create(import_run=run, contact=contact, created=True, changed=False, written_at=now)
    first, second = (
        FacebookAudience.objects.create(account_id="1", audience_id=name, name=name, created_at=now) for name in "ab"
    )
    for audience, contact in ((first, visitor), (second, visitor), (second, ana)):
        FacebookMember.objects.create(audience=audience, contact=contact, contact_updated_at=now)
    merge(visitor, ana, now=now)
    assert set(ContactImport.objects.values_list("import_run_id", "contact_id")) == {(one.pk, ana.pk), (two.pk, ana.pk)}
    found = sorted(FacebookMember.objects.values_list("audience__name", "contact_id"), key=str)
    assert found == [("a", ana.pk), ("b", ana.pk), ("b", None)]


def test_arrivals_that_wait(visitor, ana, now):
    arrivals.watch({"contact", "event:page_visit"})
    new = Contact.objects.create(visitor_key="v-9")
    record([NewEvent("page_visit", now, contact_id=new.pk)], now=now)
    merge(new, ana, now=now)
    [arrival] = arrivals.take(limit=9)
    assert (arrival.contact_id, arrival.key) == (ana.pk, "event:page_visit")
    assert not Arrival.objects.exists()


def test_static_segments(visitor, ana, now):
    only = Contact.objects.filter
    theirs, both, again = (Segment.objects.create(name=name, kind=Segment.Kind.STATIC) for name in "abc")
    add(theirs, only(pk=visitor.pk), now=now, cause=Cause.HAND)
    add(both, Contact.objects.all(), now=now, cause=Cause.HAND)
    add(again, Contact.objects.all(), now=now, cause=Cause.HAND)
    remove(again, only(pk=ana.pk), now=now, cause=Cause.HAND)
    last = Transition.objects.order_by("pk").last()
    later = now + timedelta(hours=1)
    merge(visitor, ana, now=later)
    assert {segment.name: members(segment) for segment in (theirs, both, again)} == {name: {ana.pk} for name in "abc"}
    # Of the new entries in the ledger there is only the one of who had left: the others were there already.
    new = Transition.objects.filter(pk__gt=last.pk).values_list("segment__name", "contact_id", "kind", "at")
    assert list(new) == [("c", ana.pk, "entered", later)]
    assert Membership.objects.get(segment=theirs).entered_at == now
    assert_records_agree()


@pytest.mark.parametrize("kind", ["known", "same"])
def test_two_who_are_known_stay_two(ana, now, kind):
    other = Contact.objects.create(external_id="B") if kind == "known" else ana
    with pytest.raises(ValueError, match="anonymous"):
        merge(other, ana, now=now)
    assert Contact.objects.filter(pk=ana.pk).exists()


def test_one_of_them_is_gone(visitor, ana, now):
    delete_contacts(Contact.objects.filter(pk=ana.pk), now=now)
    with pytest.raises(Contact.DoesNotExist):
        merge(visitor, ana, now=now)
    assert set(Contact.objects.all()) == {visitor}


def test_every_table_with_a_contact_is_somebodys_to_move(visitor, ana, now):
    """Whoever adds one must say how two contacts become one: a holder moves it, or it is named here."""
    moved = {
        ("contacts", "Event"),
        ("contacts", "ListMembership"),
        ("contacts", "ContactImport"),
        ("contacts", "Visitor"),
        ("segments", "Membership"),
        ("segments", "Transition"),
        ("segments", "FacebookMember"),
        ("campaigns", "Message"),
        ("workflows", "Run"),
        ("workflows", "WebContent"),
    }
    ours = {
        (model._meta.app_label, model.__name__)
        for app in ("crm", "contacts", "segments", "campaigns", "workflows")
        for model in apps.get_app_config(app).get_models()
        if any(isinstance(field, ForeignKey) and field.related_model is Contact for field in model._meta.get_fields())
    }
    assert ours == moved
    assert set(data_of(merge(visitor, ana, now=now))) == {holder.key for holder in HOLDERS}


# Whatever both did before

RULES = {
    "visited": {"type": "event", "event": "page_visit", "metric": "count", "operator": "at_least", "value": 2},
    "never visited": {"type": "event", "event": "page_visit", "metric": "count", "operator": "equals", "value": 0},
    "spent": {"type": "field", "field": "purchases_total", "operator": "at_least", "value": "12.5"},
    "average": {"type": "field", "field": "purchases_average", "operator": "less_than", "value": "6"},
    "from Rome": {"type": "field", "field": "city", "operator": "is", "value": "Rome"},
    "no points": {"type": "field", "field": "points", "operator": "less_than", "value": 2},
    "gold": {"type": "field", "field": "custom.tier", "operator": "is", "value": "gold"},
}
WHO = ["visitor", "known", "somebody else"]
ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(WHO),
        st.sampled_from(["visit", "buy", "join", "leave", "add", "remove", "city", "points", "tier", "settle"]),
        st.integers(0, 3),
    ),
    max_size=14,
)


def act(contact: Contact, action: str, number: int, world: dict[str, Any], now: datetime) -> None:
    """Let something happen to a contact."""
    only = Contact.objects.filter(pk=contact.pk)
    at = now - timedelta(hours=number)
    if action in ("visit", "buy"):
        kind = {"visit": "page_visit", "buy": "purchase"}[action]
        record([NewEvent(kind, at, contact_id=contact.pk, value=Decimal(number) * 3 + Decimal("0.01"))], now=now)
    elif action == "join":
        subscribe(world["list"], only, now=at)
    elif action == "leave":
        unsubscribe(world["list"], only, now=at)
    elif action == "add":
        add(world["static"], only, now=now, cause=Cause.HAND)
    elif action == "remove":
        remove(world["static"], only, now=now, cause=Cause.HAND)
    elif action == "settle":
        apply_changes(now=now)
    else:
        values = {"city": {"city": "Rome"}, "points": {"points": number}, "tier": {"custom": {"tier": "gold"}}}
        only.update(**values[action])


def story() -> dict[str, Any]:
    """What may not change by merging: who did what and who is where, whoever of the two it was."""
    return {
        "events": Counter(Event.objects.values_list("type", "occurred_at", "value", "key")),
        "points": sum(Contact.objects.values_list("points", flat=True)),
        "bought": sum(Contact.objects.values_list("purchases_total", flat=True)),
    }


@drawing(max_examples=15 * DEEP)
@given(actions=ACTIONS)
def test_nothing_is_lost_and_memberships_are_those_of_a_full_refresh(now, actions):
    with undone():
        ContactField.objects.create(key="tier", label="Tier", type="text")
        world = {
            "list": ContactList.objects.create(name="News"),
            "static": Segment.objects.create(name="Static", kind=Segment.Kind.STATIC),
        }
        rules = RULES | {
            "on the list": {"type": "list", "list": world["list"].pk, "operator": "member"},
            "by hand": {"type": "segment", "segment": world["static"].pk, "operator": "member"},
            "not by hand": {"type": "segment", "segment": world["static"].pk, "operator": "not_member"},
        }
        segments = [
            new_segment(
                {
                    "version": 1,
                    "match": "all",
                    "rules": [{"window": {"kind": "ever"}, **rule} if rule["type"] == "event" else rule],
                },
                name,
            )
            for name, rule in rules.items()
        ]
        audit(now=now)
        contacts = {
            "visitor": Contact.objects.create(visitor_key="v-1"),
            "known": Contact.objects.create(email="ana@example.org"),
            "somebody else": Contact.objects.create(external_id="B"),
        }
        for name, action, number in actions:
            act(contacts[name], action, number, world, now)
        before = story()
        by_hand = members(world["static"])
        kept = merge(contacts["visitor"], contacts["known"], now=now)
        apply_changes(now=now)
        assert story() == before
        gone = contacts["visitor"].pk
        assert members(world["static"]) == {kept.pk if pk == gone else pk for pk in by_hand}
        for segment in segments:
            assert members(segment) == matched(segment.conditions, now=now), segment.name
        assert_records_agree()
        assert [run.differences for run in audit(now=now) if run.differences] == []
        theirs = Event.objects.filter(contact=kept, type="purchase")
        assert kept.purchases_count == theirs.count()
        connection.check_constraints()
