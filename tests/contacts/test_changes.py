"""The change log: every way of writing leaves its rows, in the transaction that writes, and nothing else does."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection, transaction
from django.db.models import F

from contacts import changes
from contacts.changes import READERS, Reader, recorded, trigger_statements
from contacts.deletion import anonymise, delete_contacts
from contacts.editing import create_contact, update_contact
from contacts.events import NewEvent, record
from contacts.fields import SYSTEM_FIELDS, catalogue
from contacts.imports.contacts import import_contacts
from contacts.imports.mapping import contact_targets, map_columns
from contacts.lists import delete_list, subscribe, unsubscribe
from contacts.models import Change, Contact, ContactList, Event, ListMembership
from tests.contacts.files import table_of

pytestmark = pytest.mark.django_db

Log = list[tuple[int, str]]


@pytest.fixture
def ana() -> Contact:
    return _without_log(Contact.objects.create(email="ana@example.org", custom={"tier": "gold", "score": 1}))


@pytest.fixture
def bo() -> Contact:
    return _without_log(Contact.objects.create(external_id="B2"))


@pytest.fixture
def news() -> ContactList:
    return ContactList.objects.create(name="News")


def _without_log(contact: Contact) -> Contact:
    Change.objects.all().delete()
    return contact


def log() -> Log:
    """What has come into the log since it was looked at last."""
    entries = sorted(Change.objects.values_list("contact_id", "key"))
    Change.objects.all().delete()
    return entries


def of(contact: Contact, *keys: str) -> Log:
    return sorted((contact.pk, key) for key in keys)


def sql(statement: str, *params: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)


def event_fields(contact: Contact, now: datetime, kind: str = "page_visit") -> dict[str, object]:
    return {"contact": contact, "type": kind, "occurred_at": now, "received_at": now}


# Contacts


def test_created_contacts():
    one = Contact.objects.create(email="one@example.org")
    assert log() == of(one, "contact")
    two = Contact(email="two@example.org", city="Rome", custom={"a": 1})
    two.save()
    assert log() == of(two, "contact")
    three, four = Contact.objects.bulk_create([Contact(external_id="3"), Contact(external_id="4")])
    assert log() == of(three, "contact") + of(four, "contact")
    five, created = Contact.objects.get_or_create(external_id="5")
    assert created
    assert log() == of(five, "contact")


def test_created_by_sql(ana):
    columns = [field.column for field in Contact._meta.concrete_fields if not field.generated and not field.primary_key]
    values = ["NULL" if name in ("email", "external_id", "visitor_key") else name for name in columns]
    sql(f"INSERT INTO contacts_contact ({', '.join(columns)}) SELECT {', '.join(values)} FROM contacts_contact")
    assert log() == of(Contact.objects.latest("pk"), "contact")


def test_saved_contacts(ana):
    ana.save()
    assert log() == []
    ana.city = "Rome"
    ana.points = 3
    ana.save()
    assert log() == of(ana, "field:city", "field:points")
    ana.country = "IT"
    ana.city = "Milan"
    ana.save(update_fields=["country"])
    assert log() == of(ana, "field:country")


NEW_VALUES = {
    "email": "new@example.org",
    "date_of_birth": date(1970, 1, 1),
    "newsletter": "subscribed",
    "email_status": "bounced",
    "purchases_total": Decimal("1.5"),
    "purchases_average": Decimal("1.5"),
}


@pytest.mark.parametrize("field", SYSTEM_FIELDS, ids=lambda field: field.key)
def test_every_system_field_that_changes(ana, field):
    moment, number = datetime(2026, 1, 1, tzinfo=UTC), 7
    by_family = {"datetime": moment, "number": number}
    new = NEW_VALUES.get(field.key, by_family.get(field.type.family, "zz"))
    Contact.objects.update(**{field.column: new})
    assert log() == of(ana, f"field:{field.key}")
    Contact.objects.update(**{field.column: new})
    assert log() == []
    if Contact._meta.get_field(field.column).null:
        Contact.objects.update(**{field.column: None})
        assert log() == of(ana, f"field:{field.key}")
        Contact.objects.update(**{field.column: None})
        assert log() == []


def test_updated_contacts(ana, bo):
    assert Contact.objects.update(city="Rome") == 2
    assert log() == of(ana, "field:city") + of(bo, "field:city")
    Contact.objects.filter(pk=bo.pk).update(points=F("points") + 1, city="Oslo")
    assert log() == of(bo, "field:city", "field:points")
    ana.first_name, bo.first_name, bo.last_name = "Ana", "", "B"
    Contact.objects.bulk_update([ana, bo], ["first_name", "last_name"])
    assert log() == of(ana, "field:first_name") + of(bo, "field:last_name")
    Contact.objects.bulk_create(
        [Contact(external_id="B2", city="Bergen"), Contact(external_id="C3", city="Bergen")],
        update_conflicts=True,
        unique_fields=["external_id"],
        update_fields=["city"],
    )
    assert log() == of(bo, "field:city") + of(Contact.objects.get(external_id="C3"), "contact")
    sql("UPDATE contacts_contact SET points = points + 1 WHERE id = %s", ana.pk)
    assert log() == of(ana, "field:points")


@pytest.mark.parametrize(
    ("custom", "keys"),
    [
        ({"score": 1, "tier": "gold"}, []),
        ({"tier": "silver", "score": 1}, ["tier"]),
        ({"tier": "gold"}, ["score"]),
        ({"tier": "gold", "score": 1, "size": [1]}, ["size"]),
        ({"tier": "gold", "score": "1"}, ["score"]),
        ({"tier": "gold", "score": True}, ["score"]),
        ({"tier": None, "score": 1}, ["tier"]),
        ({}, ["score", "tier"]),
    ],
)
def test_custom_fields(ana, custom, keys):
    Contact.objects.filter(pk=ana.pk).update(custom=custom)
    assert log() == of(ana, *(f"field:custom.{key}" for key in keys))


def test_custom_fields_and_columns_together(ana):
    ana.city, ana.custom = "Rome", {"tier": "gold"}
    ana.save()
    assert log() == of(ana, "field:city", "field:custom.score")


def test_what_is_no_field_leaves_nothing(ana):
    Contact.objects.update(visitor_key="v")
    assert log() == []


def test_deleted_contacts(ana, bo):
    gone = of(ana, "contact")
    ana.delete()
    assert log() == gone
    gone = of(bo, "contact")
    Contact.objects.all().delete()
    assert log() == gone


def test_deleted_by_sql(ana):
    sql("DELETE FROM contacts_contact")
    assert log() == of(ana, "contact")


def test_editing_and_deleting(ana, bo, now):
    cy = create_contact({"email": "cy@example.org", "city": "Oslo"}, now=now)
    assert log() == of(cy, "contact")
    update_contact(ana, {"newsletter": "subscribed"}, now=now)
    assert log() == of(ana, "field:newsletter", "field:newsletter_at", "field:updated_at")
    record([NewEvent("page_visit", now, contact_id=bo.pk)], now=now)
    log()
    anonymise(bo, now=now)
    assert (bo.pk, "field:external_id") in log()
    delete_contacts(Contact.objects.filter(pk__in=[ana.pk, cy.pk]), now=now)
    assert set(log()) == {*of(ana, "contact"), *of(cy, "contact")}


def test_an_import(ana, bo, now):
    table = table_of(b"email,external_id,city\nana@example.org,,Rome\n,B2,\n,C3,Oslo\n")
    fields = catalogue()
    mapping = map_columns(table.columns, [], contact_targets(fields))
    ignore = {"refuse": lambda row, reason: None, "progress": lambda done: None}
    import_contacts(table, mapping, fields, now=now, **ignore)
    cy = Contact.objects.get(external_id="C3")
    assert log() == of(ana, "field:city", "field:updated_at") + of(cy, "contact")


# Events


def test_events(ana, bo, now):
    event = Event.objects.create(**event_fields(ana, now))
    assert log() == of(ana, "event:page_visit")
    Event.objects.bulk_create([Event(**event_fields(person, now, "purchase")) for person in (ana, bo)])
    assert log() == of(ana, "event:purchase") + of(bo, "event:purchase")
    event.occurred_at += timedelta(days=1)
    event.save()
    assert set(log()) == set(of(ana, "event:page_visit"))
    Event.objects.filter(pk=event.pk).update(contact=bo, type="cart_add")
    assert log() == of(ana, "event:page_visit") + of(bo, "event:cart_add")
    event.delete()
    assert log() == of(bo, "event:cart_add")
    sql("DELETE FROM contacts_event WHERE contact_id = %s", ana.pk)
    assert log() == of(ana, "event:purchase")
    sql(
        "INSERT INTO contacts_event (contact_id, type, occurred_at, received_at, properties)"
        " SELECT contact_id, 'again', occurred_at, received_at, properties FROM contacts_event"
    )
    assert log() == of(bo, "event:again")


def test_recorded_events(ana, now):
    [of_ana, of_visitor] = record(
        [NewEvent("email_delivered", now, contact_id=ana.pk), NewEvent("page_visit", now, visitor_key="v")], now=now
    )
    visitor = Contact.objects.get(pk=of_visitor.contact_id)
    assert of_ana.contact_id == ana.pk
    assert log() == of(ana, "event:email_delivered") + of(
        visitor, "contact", "event:page_visit", "field:first_seen_at", "field:last_seen_at"
    )


# Lists


def test_lists(ana, bo, news, now):
    key = f"list:{news.pk}"
    everybody = Contact.objects.all()
    subscribe(news, everybody, now=now)
    assert log() == of(ana, key) + of(bo, key)
    subscribe(news, everybody, now=now)
    assert log() == []
    unsubscribe(news, everybody.filter(pk=bo.pk), now=now)
    assert set(log()) == set(of(bo, key))
    subscribe(news, everybody, now=now)
    assert set(log()) == set(of(bo, key))
    ListMembership.objects.filter(contact=ana).delete()
    assert log() == of(ana, key)
    ListMembership.objects.create(list=news, contact=ana, subscribed_at=now)
    assert log() == of(ana, key)
    ListMembership.objects.filter(contact=ana).update(unsubscribed_at=now)
    assert set(log()) == set(of(ana, key))
    other = ContactList.objects.create(name="Other")
    sql("UPDATE contacts_listmembership SET list_id = %s WHERE contact_id = %s", other.pk, ana.pk)
    assert set(log()) == {*of(ana, key), *of(ana, f"list:{other.pk}")}
    delete_list(news, now=now)
    assert log() == of(bo, key)


# Transactions and readers


def test_a_write_that_is_undone_leaves_nothing(ana):
    with transaction.atomic():
        Contact.objects.update(city="Rome")
        assert Change.objects.exists()
        transaction.set_rollback(True)
    assert log() == []


@pytest.fixture
def reader(monkeypatch) -> list[datetime]:
    """A reader of the log that notes when it was called; the moments are in the list."""
    calls: list[datetime] = []
    members = {"test": Reader("test", lambda now: calls.append(now), lambda now: None, lambda now: None)}
    monkeypatch.setattr(READERS, "_members", members)
    return calls


def test_readers_run_after_the_outermost_commit(reader, now, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        with recorded(now=now):
            with recorded(now=now):
                Contact.objects.create(email="a@example.org")
            assert reader == []
        assert reader == []
    assert reader
    assert set(reader) == {now}


def test_readers_do_not_run_after_a_rollback(reader, now, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True), pytest.raises(RuntimeError), recorded(now=now):
        raise RuntimeError
    assert reader == []


@pytest.mark.django_db(transaction=True)
def test_a_reader_that_fails_does_not_undo_the_write(monkeypatch, now, caplog):
    def fail(now: datetime) -> None:
        raise RuntimeError("the reader has failed")

    monkeypatch.setattr(READERS, "_members", {"test": Reader("test", fail, fail, fail)})
    with recorded(now=now):
        Contact.objects.create(email="a@example.org")
    assert Contact.objects.count() == 1
    assert log()
    assert "the reader has failed" in caplog.text


def test_triggers_can_be_installed_again(ana):
    changes.install_triggers()
    Contact.objects.update(city="Rome")
    assert log() == of(ana, "field:city")
    assert trigger_statements(connection)


def test_a_bulk_update_after_an_edit_does_not_compare_each_row_with_each(now):
    """PostgreSQL keeps the plan of a trigger's first call; here that is of one row, and then there are many."""
    people = Contact.objects.bulk_create([Contact(external_id=str(number)) for number in range(5_000)])
    Contact.objects.filter(pk=people[0].pk).update(points=1)
    Change.objects.all().delete()
    if connection.vendor == "postgresql":
        sql("SET LOCAL statement_timeout = '10s'")
    Contact.objects.update(points=F("points") + 1)
    assert Change.objects.filter(key="field:points").count() == 5_000
