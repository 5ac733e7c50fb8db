"""Creating and changing contacts by values of the catalogue's fields."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from contacts import editing
from contacts.editing import Taken, create_contact, update_contact
from contacts.models import Change, Contact, ContactField
from crm.registry import UnknownKey

pytestmark = pytest.mark.django_db


@pytest.fixture
def custom_fields() -> None:
    ContactField.objects.create(key="tier", label="Tier", type="choice", options=[{"value": "gold", "label": "Gold"}])
    ContactField.objects.create(key="size", label="Size", type="decimal")
    ContactField.objects.create(key="interests", label="Interests", type="choices")
    ContactField.objects.create(key="met_at", label="Met at", type="datetime")
    ContactField.objects.create(key="met_on", label="Met on", type="date")
    ContactField.objects.create(key="vip", label="VIP", type="boolean")


def test_create_a_contact_with_fields_of_every_kind(custom_fields: None, now: datetime) -> None:
    values = {
        "email": " Ada@Example.com ",
        "first_name": "Ada",
        "date_of_birth": date(1815, 12, 10),
        "country": "GB",
        "external_id": "",
        "points": None,
        "newsletter": "subscribed",
        "custom.tier": "gold",
        "custom.size": Decimal("42.50"),
        "custom.interests": ["maths", "looms"],
        "custom.met_at": datetime(2026, 1, 1, 12, 0, tzinfo=UTC),
        "custom.met_on": date(2026, 1, 2),
        "custom.vip": False,
    }
    pk = create_contact(values, now=now).pk
    contact = Contact.objects.get()
    assert (contact.pk, contact.email, contact.external_id, contact.points) == (pk, "ada@example.com", None, 0)
    assert (contact.first_name, contact.date_of_birth, contact.country) == ("Ada", date(1815, 12, 10), "GB")
    assert (contact.newsletter, contact.newsletter_at) == ("subscribed", now)
    assert (contact.created_at, contact.updated_at) == (now, now)
    assert contact.custom == {
        "tier": "gold",
        "size": 42.5,
        "interests": ["maths", "looms"],
        "met_at": "2026-01-01T12:00:00.000000Z",
        "met_on": "2026-01-02",
        "vip": False,
    }


def test_empty_values_are_no_values(custom_fields: None, now: datetime) -> None:
    values = {"email": "", "date_of_birth": None, "first_name": None, "custom.tier": "", "custom.interests": []}
    create_contact(values, now=now)
    contact = Contact.objects.get()
    assert (contact.email, contact.date_of_birth, contact.first_name, contact.custom) == (None, None, "", {})


def test_email_and_external_id_belong_to_one_contact(now: datetime) -> None:
    ada = create_contact({"email": "ada@example.com", "external_id": "7"}, now=now)
    bob = create_contact({"email": "bob@example.com", "external_id": "8"}, now=now)
    with pytest.raises(Taken) as taken:
        create_contact({"email": "ADA@example.com"}, now=now)
    assert (taken.value.field, taken.value.contact) == ("email", ada)
    with pytest.raises(Taken) as taken:
        update_contact(bob, {"external_id": "7"}, now=now)
    assert (taken.value.field, taken.value.contact) == ("external_id", ada)
    assert set(Contact.objects.values_list("email", "external_id")) == {
        ("ada@example.com", "7"),
        ("bob@example.com", "8"),
    }
    assert update_contact(bob, {"email": "Bob@Example.com"}, now=now) == bob


def test_only_what_differs_is_written(custom_fields: None, now: datetime) -> None:
    contact = create_contact({"email": "ada@example.com", "custom.tier": "gold"}, now=now)
    Change.objects.all().delete()
    later = now + timedelta(hours=1)
    same = {"email": "ADA@example.com", "first_name": "", "custom.tier": "gold", "custom.size": None, "points": None}
    update_contact(contact, same, now=later)
    assert Contact.objects.get().updated_at == now
    assert not Change.objects.exists()
    update_contact(contact, {"email": "ada@example.com", "city": "London"}, now=later)
    changed = Contact.objects.get()
    assert (changed.city, changed.updated_at) == ("London", later)
    assert set(Change.objects.values_list("key", flat=True)) <= {"field:city", "field:updated_at"}


def test_edits_at_the_same_time_keep_each_others_fields(custom_fields: None, now: datetime) -> None:
    seen_by_one = create_contact({"email": "ada@example.com", "custom.tier": "gold", "custom.size": 1}, now=now)
    seen_by_other = Contact.objects.get()
    update_contact(seen_by_one, {"custom.size": 2, "first_name": "Ada"}, now=now)
    update_contact(seen_by_other, {"custom.tier": "", "custom.vip": True, "last_name": "Lovelace"}, now=now)
    contact = Contact.objects.get()
    assert contact.custom == {"size": 2, "vip": True}
    assert contact.full_name == "Ada Lovelace"


def test_the_newsletter_has_a_date(now: datetime) -> None:
    contact = create_contact({"email": "ada@example.com"}, now=now)
    assert contact.newsletter_at is None
    later = now + timedelta(days=1)
    contact = update_contact(contact, {"newsletter": "subscribed"}, now=later)
    assert contact.newsletter_at == later
    contact = update_contact(contact, {"newsletter": "subscribed", "city": "Rome"}, now=later + timedelta(days=1))
    assert contact.newsletter_at == later
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    contact = update_contact(contact, {"newsletter": "unsubscribed", "newsletter_at": long_ago}, now=later)
    assert contact.newsletter_at == long_ago


def test_what_cannot_be_written_is_refused(now: datetime) -> None:
    contact = create_contact({"email": "ada@example.com"}, now=now)
    with pytest.raises(ValueError, match="purchases_count"):
        update_contact(contact, {"purchases_count": 3}, now=now)
    with pytest.raises(UnknownKey):
        create_contact({"custom.unknown": 3}, now=now)
    Contact.objects.all().delete()
    with pytest.raises(Contact.DoesNotExist):
        update_contact(contact, {"first_name": "Ada"}, now=now)


def test_taken_by_leaves_the_contact_itself_out(now: datetime) -> None:
    contact = create_contact({"email": "ada@example.com"}, now=now)
    assert editing.taken_by("email", "ada@example.com") == contact
    assert editing.taken_by("email", "ada@example.com", other_than=contact.pk) is None
    assert editing.taken_by("external_id", None) is None
