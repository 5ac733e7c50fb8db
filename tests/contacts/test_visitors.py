"""Visitor keys: whose device it is, on the contact itself and for further devices."""

from datetime import timedelta

import pytest

from contacts.deletion import anonymise, delete_contacts
from contacts.events import NewEvent, foresee, record
from contacts.models import Contact, Event, Visitor
from contacts.visitors import give, owners, with_key

pytestmark = pytest.mark.django_db


@pytest.fixture
def ana(now) -> Contact:
    """Somebody with two devices."""
    contact = Contact.objects.create(email="ana@example.org")
    give("phone", contact, now=now)
    give("laptop", contact, now=now)
    return contact


def visit(key: str, now) -> NewEvent:
    return NewEvent("page_visit", now, visitor_key=key)


def test_devices(ana, now):
    ana.refresh_from_db()
    assert ana.visitor_key == "phone"
    assert owners(["phone", "laptop", "other"]) == {"laptop": ana.pk}
    assert owners([]) == {}
    for key, found in (("phone", {ana}), ("laptop", {ana}), ("other", set())):
        assert set(Contact.objects.filter(with_key(key))) == found


def test_what_is_done_with_any_device_is_the_contacts(ana, now):
    events = [visit(key, now) for key in ("laptop", "phone", "new", "laptop")]
    foreseen = [result.contact_id for result in foresee(events, now=now, used=lambda keys: set())]
    assert foreseen == [ana.pk, ana.pk, None, ana.pk]
    record(events, now=now)
    new = Contact.objects.get(visitor_key="new")
    assert list(Event.objects.order_by("pk").values_list("contact_id", flat=True)) == [ana.pk, ana.pk, new.pk, ana.pk]
    ana.refresh_from_db()
    assert ana.last_seen_at == now
    record([visit("laptop", now + timedelta(minutes=1))], now=now + timedelta(minutes=1))
    assert Contact.objects.count() == 2


def test_a_device_goes_from_one_to_another(ana, now):
    bo = Contact.objects.create(email="bo@example.org")
    give("phone", bo, now=now)
    give("laptop", bo, now=now)
    give("laptop", bo, now=now)
    ana.refresh_from_db()
    bo.refresh_from_db()
    assert (ana.visitor_key, bo.visitor_key) == (None, "phone")
    assert set(Visitor.objects.values_list("key", "contact_id")) == {("laptop", bo.pk)}
    give("laptop", ana, now=now)
    assert not Visitor.objects.exists()
    ana.refresh_from_db()
    assert ana.visitor_key == "laptop"


def test_devices_go_with_the_contact(ana, now):
    delete_contacts(Contact.objects.all(), now=now)
    assert not Visitor.objects.exists()


def test_an_anonymous_contact_is_not_found_by_a_device(ana, now):
    anonymise(ana, now=now)
    record([visit("phone", now), visit("laptop", now)], now=now)
    assert set(Contact.objects.exclude(pk=ana.pk).values_list("visitor_key", flat=True)) == {"phone", "laptop"}
