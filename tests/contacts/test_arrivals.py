"""Arrivals: what is watched leaves one on every way of writing, and is taken away once and in order."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection, connections, transaction
from django.test.utils import CaptureQueriesContext

from contacts import arrivals
from contacts.arrivals import Happening, take, watch
from contacts.deletion import delete_contacts
from contacts.editing import create_contact, update_contact
from contacts.events import NewEvent, record
from contacts.fields import catalogue
from contacts.imports.contacts import import_contacts
from contacts.imports.mapping import contact_targets, map_columns
from contacts.lists import subscribe, unsubscribe
from contacts.models import Arrival, Contact, ContactImport, ContactList, Event, Import, ListMembership, Watched
from tests.contacts.files import table_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def ana() -> Contact:
    return Contact.objects.create(email="ana@example.org")


@pytest.fixture
def bo() -> Contact:
    return Contact.objects.create(visitor_key="v-bo")


@pytest.fixture
def news() -> ContactList:
    return ContactList.objects.create(name="News")


def taken(limit: int = 100, **chosen: object) -> list[tuple[int, str]]:
    return [(arrival.contact_id, arrival.key) for arrival in take(limit=limit, **chosen)]


def test_nothing_is_written_that_nobody_watches(ana, news, now):
    watch(set())
    record([NewEvent("page_visit", now, contact_id=ana.pk)], now=now)
    subscribe(news, Contact.objects.all(), now=now)
    Contact.objects.update(phone="+41441234567")
    assert not Arrival.objects.exists()


def test_watching(ana):
    watch({"event:purchase", "contact"})
    watch({"contact", "list:3"})
    assert set(Watched.objects.values_list("key", flat=True)) == {"contact", "list:3"}
    watch(set())
    assert not Watched.objects.exists()


def test_events(ana, bo, now):
    watch({arrivals.event_key("page_visit")})
    record(
        [
            NewEvent("page_visit", now, contact_id=bo.pk, properties={"url": "/a"}),
            NewEvent("purchase", now, contact_id=ana.pk, value=3),
            NewEvent("page_visit", now - timedelta(days=1), contact_id=ana.pk, value=Decimal("1.5")),
        ],
        now=now,
    )
    first, second = Event.objects.filter(type="page_visit").order_by("pk")
    one, two = take(limit=10)
    key = "event:page_visit"
    assert one == Happening(one.id, bo.pk, key, first.pk, "page_visit", now, None, {"url": "/a"})
    assert two == Happening(two.id, ana.pk, key, second.pk, "page_visit", now - timedelta(days=1), Decimal("1.5"), {})
    assert one.id < two.id
    assert take(limit=10) == []


def test_many_events_in_the_order_in_which_they_were_written(ana, bo, now):
    watch({"event:page_visit", "event:cart_add"})
    events = [
        NewEvent(("page_visit", "cart_add", "purchase")[n % 3], now, contact_id=(ana, bo)[n % 2].pk) for n in range(300)
    ]
    record(events, now=now)
    expected = [(e.contact_id, f"event:{e.type}") for e in Event.objects.exclude(type="purchase").order_by("pk")]
    assert len(expected) == 200
    assert taken(150) + taken(150) == expected


def test_new_contacts_and_known_ones(bo, now):
    watch({"contact", "known"})
    cy = create_contact({"email": "cy@example.org", "phone": "+41441234567", "newsletter": "subscribed"}, now=now)
    assert taken() == [(cy.pk, "contact")]
    update_contact(bo, {"city": "Rome"}, now=now)
    update_contact(bo, {"external_id": "B"}, now=now)
    assert taken() == []
    update_contact(bo, {"email": "bo@example.org"}, now=now)
    assert taken() == [(bo.pk, "known")]
    update_contact(bo, {"email": "bo@example.com"}, now=now)
    assert taken() == []
    Contact.objects.update(newsletter="subscribed")
    assert taken() == [(bo.pk, "known")]
    Contact.objects.filter(pk=cy.pk).update(phone="")
    assert taken() == [(cy.pk, "known")]
    Contact.objects.bulk_create([Contact(external_id="1"), Contact(external_id="2")])
    assert [key for _contact, key in taken()] == ["contact", "contact"]


def test_lists(ana, bo, news, now):
    other = ContactList.objects.create(name="Other")
    watch({arrivals.list_key(news.pk)})
    key = f"list:{news.pk}"
    everybody = Contact.objects.order_by("pk")
    subscribe(news, everybody, now=now)
    subscribe(other, everybody, now=now)
    assert taken() == [(ana.pk, key), (bo.pk, key)]
    subscribe(news, everybody, now=now)
    unsubscribe(news, everybody.filter(pk=bo.pk), now=now)
    assert taken() == []
    subscribe(news, everybody, now=now)
    assert taken() == [(bo.pk, key)]
    ListMembership.objects.filter(contact=ana).delete()
    ListMembership.objects.create(list=news, contact=ana, subscribed_at=now, unsubscribed_at=now)
    assert taken() == []


def test_imports(ana, now):
    watch({"import"})
    run = Import.objects.create(name="people.csv", created_at=now)
    ContactImport.objects.create(import_run=run, contact=ana, created=True, changed=False, written_at=now)
    assert taken() == [(ana.pk, "import")]


def test_imported_contacts(ana, now):
    watch({"contact", "known"})
    table = table_of(b"email,phone\nana@example.org,+41441234567\ncy@example.org,\n")
    fields = catalogue()
    mapping = map_columns(table.columns, [], contact_targets(fields))
    import_contacts(table, mapping, fields, now=now, refuse=lambda row, reason: None, progress=lambda done: None)
    cy = Contact.objects.get(email="cy@example.org")
    assert sorted(taken()) == [(ana.pk, "known"), (cy.pk, "contact")]


def test_what_no_trigger_sees(ana, bo):
    arrivals.write("api:7", [bo.pk, ana.pk])
    assert taken() == [(bo.pk, "api:7"), (ana.pk, "api:7")]


def test_only_of_some_contacts_and_at_most_so_many(ana, bo, now):
    arrivals.write("api:7", [ana.pk, bo.pk, ana.pk, bo.pk])
    assert taken(1, contact_ids=[bo.pk]) == [(bo.pk, "api:7")]
    assert taken(contact_ids=[bo.pk]) == [(bo.pk, "api:7")]
    assert taken(contact_ids=[]) == []
    assert taken() == [(ana.pk, "api:7"), (ana.pk, "api:7")]


def test_arrivals_go_with_the_contact_and_with_the_event(ana, bo, now):
    watch({"event:page_visit"})
    record([NewEvent("page_visit", now, contact_id=contact.pk) for contact in (ana, bo)], now=now)
    delete_contacts(Contact.objects.filter(pk=ana.pk), now=now)
    assert set(Arrival.objects.values_list("contact_id", flat=True)) == {bo.pk}
    Event.objects.all().delete()
    assert taken() == []
    assert not Arrival.objects.exists()


def test_a_write_or_a_taking_that_is_undone_leaves_everything_as_it_was(ana, now):
    watch({"event:page_visit"})
    with transaction.atomic():
        record([NewEvent("page_visit", now, contact_id=ana.pk)], now=now)
        transaction.set_rollback(True)
    assert taken() == []
    arrivals.write("api:7", [ana.pk])
    with transaction.atomic():
        assert taken() == [(ana.pk, "api:7")]
        transaction.set_rollback(True)
    assert taken() == [(ana.pk, "api:7")]


@pytest.mark.django_db(transaction=True)
def test_taking_outside_of_a_transaction_is_refused(ana):
    with pytest.raises(transaction.TransactionManagementError):
        take(limit=1)


@pytest.mark.parametrize("number", [1, 3])
def test_taking_is_two_statements(ana, now, number):
    watch({"event:page_visit"})
    record([NewEvent("page_visit", now, contact_id=ana.pk)] * number, now=now)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert len(take(limit=10)) == number
    assert len(queries) == 2


@pytest.mark.django_db(transaction=True)
def test_workers_never_take_the_same(ana):
    arrivals.write("api:7", [ana.pk] * 40)
    ids = set(Arrival.objects.values_list("pk", flat=True))

    def work() -> list[int]:
        mine: list[int] = []
        try:
            while Arrival.objects.exists():
                with transaction.atomic():
                    mine += [arrival.id for arrival in take(limit=3)]
        finally:
            connections.close_all()
        return mine

    with ThreadPoolExecutor(2) as pool:
        one, two = pool.submit(work), pool.submit(work)
        took = one.result() + two.result()
    assert len(took) == 40
    assert set(took) == ids
