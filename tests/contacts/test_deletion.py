"""Deleting contacts with everything kept about them, and making them anonymous."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from contacts.contact_data import impersonal
from contacts.deletion import anonymise, delete_contacts
from contacts.events import NewEvent, record
from contacts.lists import subscribe
from contacts.models import Contact, ContactField, ContactList, Event, ListMembership
from contacts.personal_data import data_of
from segments.membership import add
from segments.models import Cause, Membership, Segment, SegmentDay, Transition

pytestmark = pytest.mark.django_db


@pytest.fixture
def segment() -> Segment:
    return Segment.objects.create(name="Friends", kind=Segment.Kind.STATIC)


@pytest.fixture
def news() -> ContactList:
    return ContactList.objects.create(name="News")


@pytest.fixture
def contacts(segment: Segment, news: ContactList, now: datetime) -> list[Contact]:
    """Three contacts, each with two events, on a list, in a static segment."""
    made = [Contact.objects.create(email=f"{name}@example.com", first_name=name) for name in ("ada", "bob", "cy")]
    record(
        [NewEvent("purchase", now, contact_id=contact.pk, value=Decimal(9)) for contact in made for _ in range(2)],
        now=now,
    )
    subscribe(news, Contact.objects.all(), now=now)
    add(segment, Contact.objects.all(), now=now, cause=Cause.HAND)
    return made


def test_everything_goes_with_the_contacts(
    contacts: list[Contact], segment: Segment, news: ContactList, now: datetime
) -> None:
    ada, bob, cy = contacts
    assert delete_contacts(Contact.objects.filter(pk__in=[ada.pk, cy.pk]), now=now) == 2
    assert set(Contact.objects.all()) == {bob}
    for model in (Event, ListMembership, Membership, Transition):
        assert set(model.objects.values_list("contact_id", flat=True)) == {bob.pk}, model
    segment.refresh_from_db()
    assert segment.size == 1
    day = SegmentDay.objects.get()
    assert (day.entered, day.left) == (3, 2)


def test_contacts_chosen_by_what_goes_with_them(
    contacts: list[Contact], segment: Segment, news: ContactList, now: datetime
) -> None:
    assert delete_contacts(Contact.objects.on_list(news.pk).exclude(pk=contacts[0].pk), now=now) == 2
    assert set(Contact.objects.all()) == {contacts[0]}
    assert delete_contacts(segment.members.all(), now=now) == 1
    assert not Contact.objects.exists()
    segment.refresh_from_db()
    assert segment.size == 0


def test_nobody(contacts: list[Contact], now: datetime) -> None:
    assert delete_contacts(Contact.objects.none(), now=now) == 0
    assert delete_contacts(Contact.objects.filter(email="x@example.com"), now=now) == 0
    assert set(Contact.objects.all()) == set(contacts)


def test_the_number_of_statements_does_not_depend_on_the_contacts(contacts: list[Contact], now: datetime) -> None:
    numbers = []
    for chosen in (contacts[:1], contacts[1:]):
        with CaptureQueriesContext(connection) as queries:
            delete_contacts(Contact.objects.filter(pk__in=[contact.pk for contact in chosen]), now=now)
        numbers.append(len(queries))
    assert numbers[0] == numbers[1]


def test_dynamic_segments_follow(now: datetime, django_capture_on_commit_callbacks: object) -> None:
    rule = {"type": "field", "field": "country", "operator": "is", "value": "IT"}
    definition = {"version": 1, "match": "all", "rules": [rule]}
    segment = Segment.objects.create(name="Italy", kind=Segment.Kind.DYNAMIC, definition=definition)
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        from contacts.editing import create_contact

        ada, bob = (create_contact({"email": f"{n}@example.com", "country": "IT"}, now=now) for n in "ab")
    segment.refresh_from_db()
    assert segment.size == 2
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        delete_contacts(Contact.objects.filter(pk=ada.pk), now=now)
    segment.refresh_from_db()
    assert segment.size == 1
    assert set(segment.members) == {bob}


def test_an_anonymous_contact_keeps_what_statistics_need(
    contacts: list[Contact], segment: Segment, news: ContactList, now: datetime
) -> None:
    ContactField.objects.create(key="tier", label="Tier", type="text")
    contact = Contact.objects.create(
        email="eve@example.com",
        external_id="E7",
        visitor_key="v1",
        first_name="Eve",
        last_name="Smith",
        phone="+34612345678",
        date_of_birth="1990-01-01",
        gender="female",
        language="es",
        country="ES",
        city="Vigo",
        region="Galicia",
        postal_code="36201",
        newsletter="subscribed",
        points=7,
        custom={"tier": "gold"},
    )
    properties = {
        "category": "shoes",
        "quantity": 2,
        "note": "for Eve Smith",
        "items": [{"name": "x"}],
        "phone": 346123,
    }
    record(
        [NewEvent("purchase", now, contact_id=contact.pk, value=Decimal("12.5"), properties=properties, key="E7-1")],
        now=now,
    )
    subscribe(news, Contact.objects.filter(pk=contact.pk), now=now)
    later = now + timedelta(days=1)
    anonymise(contact, now=later)
    after = Contact.objects.get(pk=contact.pk)
    personal = "email external_id visitor_key first_name last_name phone date_of_birth gender city region postal_code"
    assert [getattr(after, name) for name in personal.split()] == [None, None, None, "", "", "", None, "", "", "", ""]
    assert (after.custom, after.search.strip()) == ({}, "")
    assert (after.country, after.language, after.points) == ("ES", "es", 7)
    assert (after.newsletter, after.newsletter_at, after.updated_at) == ("unsubscribed", later, later)
    assert after.purchases_total == Decimal("12.5")
    event = Event.objects.get(contact=contact)
    assert (event.value, event.key, event.properties) == (Decimal("12.5"), None, {"category": "shoes", "quantity": 2})
    assert ListMembership.objects.get(contact=contact).unsubscribed_at == later
    assert {contact.email for contact in Contact.objects.exclude(pk=after.pk)} == {c.email for c in contacts}


def test_anonymising_somebody_who_is_gone(contacts: list[Contact], now: datetime) -> None:
    delete_contacts(Contact.objects.filter(pk=contacts[0].pk), now=now)
    with pytest.raises(Contact.DoesNotExist):
        anonymise(contacts[0], now=now)


def test_more_events_than_one_batch(contacts: list[Contact], now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("contacts.contact_data.EVENTS_AT_ONCE", 1)
    Event.objects.update(properties={"name": "Ada", "sku": "7"})
    anonymise(contacts[0], now=now)
    assert list(Event.objects.filter(contact=contacts[0]).values_list("properties", flat=True)) == [{"sku": "7"}] * 2
    assert {event.properties["name"] for event in Event.objects.exclude(contact=contacts[0])} == {"Ada"}


def test_nested_values_may_hold_anything_and_go() -> None:
    assert impersonal({"sku": {"email": "x"}, "price": 3, "brand": "b", "tax": None, "items": ["a"]}) == {
        "price": 3,
        "brand": "b",
    }


def test_all_data_of_a_contact(contacts: list[Contact], segment: Segment, news: ContactList, now: datetime) -> None:
    data = data_of(Contact.objects.get(pk=contacts[0].pk))
    of_contacts = {"contact", "lists", "events", "imports"}
    assert set(data) == of_contacts | {"segments", "facebook", "emails", "workflows", "web_contents"}
    assert data["contact"]["email"] == "ada@example.com"
    assert data["contact"]["purchases_count"] == 2
    assert data["lists"] == [{"subscribed_at": now, "unsubscribed_at": None, "name": "News"}]
    assert [event["type"] for event in data["events"]] == ["purchase", "purchase"]
    assert data["segments"]["memberships"] == [{"entered_at": now, "cause": "hand", "segment_name": "Friends"}]
    assert [moved["kind"] for moved in data["segments"]["transitions"]] == ["entered"]
