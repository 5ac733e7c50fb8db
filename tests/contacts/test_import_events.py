"""Importing events: which are recorded, known already, and refused."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from contacts.imports import events as importing
from contacts.imports.events import EventsImported, import_events
from contacts.imports.mapping import EVENT_TARGETS, MappingError, map_columns
from contacts.models import Contact, Event
from tests.contacts.files import table_of

PURCHASES = [
    ("id", "external_id"),
    ("date", "occurred_at"),
    ("amount", "value"),
    ("n", "properties.quantity"),
    ("sku", "properties.sku:text"),
]


@pytest.fixture
def ana(db) -> Contact:
    return Contact.objects.create(external_id="1", email="ana@example.org")


def imported(content: str, now: datetime, chosen=(), **options) -> tuple[EventsImported, list[tuple[int, str]]]:
    refusals: list[tuple[int, str]] = []
    table = table_of("\n".join(line.strip() for line in content.strip().splitlines()))
    done = import_events(
        table,
        map_columns(table.columns, chosen, EVENT_TARGETS),
        now=now,
        refuse=lambda row, reason: refusals.append((row.line, reason)),
        progress=lambda so_far: None,
        **options,
    )
    return done, refusals


def test_purchases(ana, now, settings):
    settings.TIME_ZONE = "Europe/Madrid"
    done, refusals = imported(
        """
        id,date,amount,n,sku
        1,2026-03-01,19.90,2,0012
        1,2026-02-01T10:00:00Z,,,17
        """,
        now,
        PURCHASES,
        event_type="purchase",
    )
    assert (done, refusals) == (EventsImported(recorded=2), [])
    first, second = Event.objects.order_by("occurred_at")
    assert (first.type, first.contact, first.value, first.properties) == ("purchase", ana, None, {"sku": "17"})
    assert (second.value, second.properties) == (Decimal("19.9"), {"quantity": 2, "sku": "0012"})
    assert second.occurred_at == datetime(2026, 2, 28, 23, tzinfo=UTC)
    assert (second.received_at, second.key) == (now, None)
    ana.refresh_from_db()
    assert (ana.purchases_count, ana.purchases_total, ana.purchases_average) == (2, Decimal("19.9"), Decimal("9.95"))


def test_events_of_several_types_and_contacts(ana, now):
    done, refusals = imported(
        f"""
        type,occurred_at,contact_id,external_id,email,visitor_key,key
        page_visit,2026-03-01,{ana.pk},,,,
        ,2026-03-01,,1,,,a
        purchase,2026-03-01,,,ANA@example.org,,b
        page_visit,2026-03-01,,,,someone,c
        """,
        now,
        event_type="store_visit",
    )
    assert (done, refusals) == (EventsImported(recorded=4), [])
    visitor = Contact.objects.get(visitor_key="someone")
    assert set(Event.objects.values_list("type", "contact", "key")) == {
        ("page_visit", ana.pk, None),
        ("store_visit", ana.pk, "a"),
        ("purchase", ana.pk, "b"),
        ("page_visit", visitor.pk, "c"),
    }


def test_importing_twice(ana, now):
    with_keys = "external_id,occurred_at,key\n1,2026-03-01,k1\n1,2026-03-02,k2\n1,2026-03-02,k1\n"
    assert imported(with_keys, now, event_type="purchase")[0] == EventsImported(recorded=2, duplicates=1)
    assert imported(with_keys, now, event_type="purchase")[0] == EventsImported(duplicates=3)
    assert Event.objects.count() == 2
    without = "external_id,occurred_at\n1,2026-03-01\n"
    for _time in range(2):
        assert imported(without, now, event_type="purchase")[0] == EventsImported(recorded=1)
    assert Event.objects.count() == 4


def test_bad_rows_do_not_stop_the_others(ana, now):
    done, refusals = imported(
        """
        id,date,amount,n,sku
        2,2026-03-01,1,,
        ,2026-03-01,1,,
        1,,1,,
        1,2026-02-30,1,,
        1,03/04/2026,1,,
        1,2026-03-01,"1,50",,
        1,2026-03-01,1
        1,2026-03-11,1,,
        1,2026-03-09,1,,
        """,
        now,
        PURCHASES,
        event_type="purchase",
    )
    assert sorted(refusals) == [
        (2, "There is no contact with the external id “2”."),
        (3, "The event does not say which contact it belongs to."),
        (4, "The row has no time."),
        (5, "Time: “2026-02-30” is not a date and time that exists."),
        (6, "Time: Enter a date like 2026-11-21 or a time like 2026-11-21 14:30."),
        (7, "Value: “1,50” is not a number such as 1234.50."),
        (8, "The number of values (3) is not the number of columns (5)."),
        (9, "The time lies in the future."),
    ]
    assert done == EventsImported(recorded=1, refused=8)
    assert Event.objects.get().occurred_at == datetime(2026, 3, 9, tzinfo=UTC)


def test_rows_without_a_type_and_with_bad_ids(ana, now):
    chosen = [("vip", "properties.vip:boolean")]
    content = (
        f"contact_id,type,occurred_at,vip\n{ana.pk},,2026-03-01,\nx,visit,2026-03-01,\n{ana.pk},visit,2026-03-01,x\n"
    )
    _done, refusals = imported(content, now, chosen)
    assert refusals == [
        (2, "The row has no type of event."),
        (3, "Number of the contact: “x” is not a whole number."),
        (4, "vip: “x” is neither true nor false."),
    ]


@pytest.mark.parametrize(
    ("columns", "event_type", "reason"),
    [
        ("external_id,occurred_at", None, "Nothing says of which type the events are."),
        ("external_id,occurred_at", "A b", "“A b” is no type of event: use a-z, 0-9 and _, starting with a letter."),
        ("external_id,date", "purchase", "No column goes to “occurred_at”, the time of the event."),
        (
            "customer,occurred_at",
            "purchase",
            "No column says whose events these are: contact_id, external_id, email, visitor_key.",
        ),
    ],
)
def test_what_all_events_need(now, columns, event_type, reason):
    with pytest.raises(MappingError) as error:
        imported(f"{columns}\n", now, event_type=event_type)
    assert str(error.value) == reason


def test_progress_is_told_after_each_batch(ana, now, monkeypatch):
    monkeypatch.setattr(importing, "EVENTS_IN_ONE_BATCH", 2)
    told: list[int] = []
    table = table_of(b"external_id,occurred_at\n" + b"1,2026-03-01\n" * 5)
    import_events(
        table,
        map_columns(table.columns, [], EVENT_TARGETS),
        now=now,
        refuse=lambda row, reason: None,
        progress=lambda done: told.append(done.rows),
        event_type="page_visit",
    )
    assert told == [2, 4, 5]
