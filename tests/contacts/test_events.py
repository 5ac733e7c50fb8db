"""The one write path for events: results, idempotency, contacts, and the summaries that follow."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from random import Random
from threading import Barrier, Thread

import pytest
from django.db import connection, connections
from django.template import Context, Template

from contacts.event_types import EVENT_TYPES, event_type, is_event_type
from contacts.events import LONGEST_PROPERTIES, WORTH_COPYING, NewEvent, Outcome, Result, record
from contacts.models import Change, Contact, Event
from tests.contacts.change_log import changes_of

HOUR = timedelta(hours=1)


@pytest.fixture
def ana(db) -> Contact:
    return Contact.objects.create(email="ana@example.org", external_id="A1")


@pytest.fixture
def bo(db) -> Contact:
    return Contact.objects.create(external_id="B2")


def summary(contact: Contact) -> tuple:
    contact.refresh_from_db()
    return (
        contact.purchases_count,
        contact.purchases_total,
        contact.purchases_average,
        contact.first_purchase_at,
        contact.last_purchase_at,
    )


def purchase(contact: Contact, at: datetime, value: str | None, key: str | None = None) -> NewEvent:
    amount = None if value is None else Decimal(value)
    return NewEvent("purchase", at, contact_id=contact.pk, value=amount, key=key)


def refusal(event: NewEvent, now: datetime) -> str:
    [result] = record([event], now=now)
    assert result.outcome == Outcome.REFUSED
    assert result.contact_id is None
    return result.reason


def test_one_event_is_written_whole(ana, now):
    properties = {"quantity": 2, "tags": ["new", "größer"], "gift": True, "price": 12.5, "nested": {"a": None}}
    [result] = record(
        [NewEvent("purchase", now - HOUR, contact_id=ana.pk, value=Decimal("19.90"), properties=properties, key="o-1")],
        now=now,
    )
    assert result == Result(Outcome.RECORDED, contact_id=ana.pk)
    event = Event.objects.get()
    assert (event.contact, event.type, event.occurred_at, event.received_at) == (ana, "purchase", now - HOUR, now)
    assert (event.value, event.properties, event.key) == (Decimal("19.9"), properties, "o-1")


def test_an_event_is_stored_as_the_orm_stores_it(ana, now):
    at = datetime(2026, 3, 1, 8, 30, 0, 250000, tzinfo=UTC)
    fields = {"type": "purchase", "occurred_at": at, "value": Decimal("3"), "properties": {"size": "L"}}
    record([NewEvent(contact_id=ana.pk, **fields)], now=now)
    Event.objects.create(contact=ana, received_at=now, **fields)
    with connection.cursor() as cursor:
        cursor.execute("SELECT contact_id, type, occurred_at, received_at, value, properties, key FROM contacts_event")
        ours, djangos = cursor.fetchall()
    assert ours == djangos


def test_a_contact_is_named_by_the_first_reference_that_is_given(ana, bo, now):
    results = record(
        [
            NewEvent("page_visit", now, contact_id=bo.pk, external_id="A1", email="ana@example.org"),
            NewEvent("page_visit", now, external_id=" A1 ", email="nobody@example.org"),
            NewEvent("page_visit", now, external_id="", email=" ANA@Example.org", visitor_key="v"),
        ],
        now=now,
    )
    assert [result.contact_id for result in results] == [bo.pk, ana.pk, ana.pk]
    assert Contact.objects.count() == 2


def test_an_unknown_visitor_becomes_one_anonymous_contact(db, now):
    first, second, third = record(
        [
            NewEvent("page_visit", now - HOUR * hours, visitor_key=key)
            for hours, key in ((1, "v1"), (3, "v1"), (2, "v2"))
        ],
        now=now,
    )
    assert first.contact_id == second.contact_id != third.contact_id
    visitor = Contact.objects.get(pk=first.contact_id)
    assert visitor.is_anonymous
    assert (visitor.visitor_key, visitor.created_at, visitor.updated_at) == ("v1", now, now)
    assert (visitor.first_seen_at, visitor.last_seen_at) == (now - HOUR * 3, now - HOUR)
    [again] = record([NewEvent("page_visit", now, visitor_key="v1")], now=now)
    assert again.contact_id == first.contact_id
    assert Contact.objects.count() == 2


@pytest.mark.parametrize(
    ("reference", "reason"),
    [
        ({}, "The event does not say which contact it belongs to."),
        ({"email": "  "}, "The event does not say which contact it belongs to."),
        ({"contact_id": 10**9}, "There is no contact with the id “1000000000”."),
        ({"contact_id": 10**30}, f"There is no contact with the id “{10**30}”."),
        ({"contact_id": -1}, "There is no contact with the id “-1”."),
        ({"external_id": "a1"}, "There is no contact with the external id “a1”."),
        ({"email": "No@example.org"}, "There is no contact with the email “no@example.org”."),
        ({"visitor_key": "v" * 65}, "The visitor key is longer than 64 characters."),
        ({"visitor_key": "v\0"}, "The visitor key contains characters that cannot be stored."),
        ({"external_id": "\ud800"}, "The external id contains characters that cannot be stored."),
    ],
)
def test_an_event_of_nobody_is_refused(ana, now, reference, reason):
    assert refusal(NewEvent("page_visit", now, **reference), now) == reason
    assert not Event.objects.exists()
    assert Contact.objects.get() == ana


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"type": "Page Visit"}, "The type must be made of a-z, 0-9 and _, and start with a letter."),
        ({"type": "page_visit\n"}, "The type must be made of a-z, 0-9 and _, and start with a letter."),
        ({"occurred_at": datetime(2026, 1, 1)}, "The time has no time zone."),  # noqa: DTZ001
        (
            {"occurred_at": datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=2)))},
            "The time lies too far in the past.",
        ),
        ({"value": Decimal("NaN")}, "The value is not a number of at most eleven digits before the point."),
        ({"value": float("inf")}, "The value is not a number of at most eleven digits before the point."),
        ({"value": -(10**11)}, "The value is not a number of at most eleven digits before the point."),
        ({"properties": {"a": float("nan")}}, "The properties are not JSON."),
        ({"properties": {"a": datetime.max}}, "The properties are not JSON."),  # noqa: DTZ901
        ({"properties": {"a": "\0"}}, "The properties contain characters that cannot be stored."),
        ({"properties": {"a": "\udfff"}}, "The properties contain characters that cannot be stored."),
        ({"properties": {"a": "x" * LONGEST_PROPERTIES}}, "The properties are longer than 65536 characters."),
        ({"key": "k" * 256}, "The key is longer than 255 characters."),
        ({"key": "k\0"}, "The key contains characters that cannot be stored."),
    ],
)
def test_an_event_that_cannot_be_stored_is_refused(ana, now, fields, reason):
    assert refusal(NewEvent(**({"type": "purchase", "occurred_at": now, "contact_id": ana.pk} | fields)), now) == reason
    assert not Event.objects.exists()


def test_a_time_may_lie_five_minutes_in_the_future(ana, now):
    latest = now + timedelta(minutes=5)
    record([NewEvent("page_visit", latest, contact_id=ana.pk)], now=now)
    ana.refresh_from_db()
    assert ana.last_seen_at == latest
    too_late = NewEvent("page_visit", latest + timedelta(microseconds=1), contact_id=ana.pk)
    assert refusal(too_late, now) == "The time lies in the future."


def test_each_event_of_a_batch_has_its_own_result(ana, bo, now):
    record([purchase(bo, now, "1", key="old")], now=now)
    results = record(
        [
            purchase(ana, now, "2", key="new"),
            NewEvent("purchase", now, external_id="nobody"),
            purchase(ana, now, "3", key="old"),
            purchase(bo, now, "4", key="new"),
            purchase(bo, now + HOUR, "5"),
            purchase(bo, now - HOUR, "6"),
        ],
        now=now,
    )
    assert [result.outcome for result in results] == [
        *(Outcome.RECORDED, Outcome.REFUSED, Outcome.DUPLICATE, Outcome.DUPLICATE, Outcome.REFUSED, Outcome.RECORDED)
    ]
    assert set(Event.objects.values_list("contact", "value")) == {(bo.pk, 1), (ana.pk, 2), (bo.pk, 6)}


def test_a_repeated_key_changes_nothing(ana, now):
    record([purchase(ana, now - HOUR, "10", key="o-1")], now=now - HOUR)
    before = summary(ana), ana.last_seen_at
    Change.objects.all().delete()
    [result] = record([purchase(ana, now, "10", key="o-1")], now=now)
    assert result == Result(Outcome.DUPLICATE)
    assert (summary(ana), ana.last_seen_at) == before
    assert changes_of() == set()


def test_a_repeated_key_of_a_new_visitor_makes_no_contact(ana, now):
    record([purchase(ana, now, "10", key="o-1")], now=now)
    record([NewEvent("purchase", now, visitor_key="new", key="o-1")], now=now)
    assert Contact.objects.get() == ana


def test_a_refused_event_does_not_use_up_its_key(ana, now):
    results = record(
        [NewEvent("purchase", now, email="no@example.org", key="k"), purchase(ana, now, "1", key="k")], now=now
    )
    assert [result.outcome for result in results] == [Outcome.REFUSED, Outcome.RECORDED]


def test_events_without_a_key_are_never_duplicates(ana, now):
    record(
        [purchase(ana, now, "1"), purchase(ana, now, "1"), NewEvent("page_visit", now, contact_id=ana.pk, key="")],
        now=now,
    )
    record([purchase(ana, now, "1"), NewEvent("page_visit", now, contact_id=ana.pk, key="")], now=now)
    assert Event.objects.count() == 5


def test_first_and_last_seen_in_any_order(ana, now):
    for hours in (5, 2, 9, 4):
        record([NewEvent("page_visit", now - HOUR * hours, contact_id=ana.pk)], now=now)
    ana.refresh_from_db()
    assert (ana.first_seen_at, ana.last_seen_at) == (now - HOUR * 9, now - HOUR * 2)


def test_what_happens_to_a_contact_does_not_make_it_seen(ana, now):
    record([NewEvent(key, now, contact_id=ana.pk) for key in ("email_delivered", "email_bounced")], now=now)
    ana.refresh_from_db()
    assert (ana.first_seen_at, ana.last_seen_at) == (None, None)
    record([NewEvent("email_opened", now, contact_id=ana.pk)], now=now)
    ana.refresh_from_db()
    assert (ana.first_seen_at, ana.last_seen_at) == (now, now)


def test_events_do_not_count_as_an_edit_of_the_contact(ana, now):
    before = ana.updated_at
    record([purchase(ana, now, "1")], now=now)
    ana.refresh_from_db()
    assert ana.updated_at == before


def test_the_purchase_summary_of_events_out_of_order(ana, bo, now):
    record([purchase(ana, now - HOUR * 2, "10.10"), purchase(bo, now, "7")], now=now)
    record([purchase(ana, now - HOUR * 9, None), NewEvent("cart_add", now, contact_id=ana.pk, value=99)], now=now)
    record([purchase(ana, now - HOUR * 4, "0.1"), purchase(ana, now - HOUR, "-2.2")], now=now)
    assert summary(ana) == (4, Decimal("8"), Decimal("2"), now - HOUR * 9, now - HOUR)
    assert summary(bo) == (1, Decimal("7"), Decimal("7"), now, now)


@pytest.mark.parametrize(
    ("amounts", "total", "average"),
    [
        (["0.1"] * 3, "0.3", "0.1"),
        (["0.0001", "0.0002"], "0.0003", "0.0002"),
        (["-0.0001", "-0.0002"], "-0.0003", "-0.0002"),
        (["10", "0", "0"], "10", "3.3333"),
        (["99999999999.9999"], "99999999999.9999", "99999999999.9999"),
        (["50000000000.0001", "-50000000000"], "0.0001", "0.0001"),
        (["0.1", "-0.1"], "0", "0"),
        ([1.005, 2, "0.00005"], "3.0051", "1.0017"),
    ],
)
def test_money_is_exact(ana, now, amounts, total, average):
    for amount in amounts:
        record([NewEvent("purchase", now, contact_id=ana.pk, value=Decimal(str(amount)))], now=now)
    assert summary(ana)[:3] == (len(amounts), Decimal(total), Decimal(average))
    assert Contact.objects.filter(purchases_total=Decimal(total), purchases_average=Decimal(average)).exists()


def test_the_summary_equals_the_sum_of_a_long_random_history(db, now):
    random = Random(7)
    buyers = [Contact.objects.create(external_id=f"c{number}") for number in range(5)]
    history: dict[int, list[tuple[Decimal, datetime]]] = {buyer.pk: [] for buyer in buyers}
    for _batch in range(12):
        batch = []
        for _event in range(random.randrange(1, 60)):
            buyer, amount = random.choice(buyers), Decimal(random.randrange(-(10**6), 10**8)) / 10**4
            at = now - timedelta(seconds=random.randrange(10**8))
            history[buyer.pk].append((amount, at))
            batch.append(NewEvent("purchase", at, contact_id=buyer.pk, value=amount))
        record(batch, now=now)
    for buyer in buyers:
        amounts, times = zip(*history[buyer.pk], strict=True)
        average = (sum(amounts) / len(amounts)).quantize(Decimal("0.0001"), "ROUND_HALF_UP")
        assert summary(buyer) == (len(amounts), sum(amounts), average, min(times), max(times))


def test_the_change_log(ana, bo, now):
    Change.objects.all().delete()
    record([purchase(ana, now, "5"), NewEvent("store_visit", now, contact_id=bo.pk)], now=now)
    assert changes_of(ana) == {
        "event:purchase",
        *(f"field:{key}" for key in ("first_seen_at", "last_seen_at", "purchases_count", "purchases_total")),
        *(f"field:{key}" for key in ("purchases_average", "first_purchase_at", "last_purchase_at")),
    }
    assert changes_of(bo) == {"event:store_visit", "field:first_seen_at", "field:last_seen_at"}


def test_an_event_between_others_changes_nothing_else(ana, now):
    record([NewEvent("page_visit", at, contact_id=ana.pk) for at in (now - HOUR * 2, now)], now=now)
    Change.objects.all().delete()
    record([NewEvent("page_visit", now - HOUR, contact_id=ana.pk)], now=now)
    assert changes_of(ana) == {"event:page_visit"}


@pytest.mark.parametrize("number", [1, 300])
def test_a_batch_takes_as_many_queries_as_one_event(db, now, django_assert_num_queries, number):
    people = Contact.objects.bulk_create([Contact(external_id=f"c{index}") for index in range(number)])
    events = [
        event
        for index, person in enumerate(people)
        for event in (purchase(person, now, "1", key=f"k{index}"), NewEvent("page_visit", now, external_id=f"c{index}"))
    ]
    # Savepoint; known keys; contacts; events; summaries; end of the savepoint. Copying has a savepoint of its own.
    with django_assert_num_queries(8 if is_copied(number) else 6):
        record(events, now=now)


def is_copied(number: int) -> bool:
    return connection.vendor == "postgresql" and number >= WORTH_COPYING


@pytest.mark.parametrize("number", [1, WORTH_COPYING])
def test_texts_of_any_kind_are_kept(db, now, number):
    odd = [
        "\\N",
        "a\\",
        "tab\there",
        "line\nthere\rand",
        'quote"d',
        "{braces,}",
        "ünïcode \x01 \u2028",
        "\\t",
        ",;",
        "N",
    ]
    Contact.objects.bulk_create([Contact(external_id=f"c{text}.") for text in odd])
    batch = [
        NewEvent("note", now, external_id=f"c{text}.", properties={"said": [text]}, key=f"{text} {copy}")
        for text in odd
        for copy in range(max(1, number // len(odd)))
    ]
    for events in [batch] if number > 1 else [[event] for event in batch]:
        record(events, now=now)
    assert sorted(Event.objects.values_list("contact__external_id", "properties__said__0", "key")) == sorted(
        (event.external_id, event.properties["said"][0], event.key) for event in batch
    )
    assert {result.outcome for result in record(batch, now=now)} == {Outcome.DUPLICATE}


def test_no_events(db, now):
    assert record([], now=now) == []


@pytest.fixture
def threads(transactional_db) -> Iterator[list[Thread]]:
    started: list[Thread] = []
    yield started
    for thread in started:
        thread.join()


def run_at_once(threads: list[Thread], *jobs) -> None:
    """Run each job in a thread with a database connection of its own, all from the same moment on."""
    barrier = Barrier(len(jobs))
    failures = []

    def run(job) -> None:
        try:
            barrier.wait()
            job()
        except BaseException as error:
            failures.append(error)
        finally:
            connections.close_all()

    for job in jobs:
        threads.append(Thread(target=run, args=[job]))
        threads[-1].start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_writers_at_the_same_time_lose_nothing(threads, now):
    buyers = [Contact.objects.create(external_id=f"c{number}") for number in range(4)]

    def write(seed: int) -> None:
        random = Random(seed)
        for _batch in range(10):
            chosen = random.sample(buyers, 3)
            record([purchase(buyer, now - HOUR * random.randrange(99), "0.1") for buyer in chosen], now=now)
            record([NewEvent("page_visit", now, visitor_key=f"v{random.randrange(20)}") for _ in range(5)], now=now)

    run_at_once(threads, *(lambda seed=seed: write(seed) for seed in range(3)))
    assert Event.objects.filter(type="purchase").count() == 90
    for buyer in buyers:
        times = list(buyer.events.values_list("occurred_at", flat=True))
        total = Decimal("0.1") * len(times)
        assert summary(buyer) == (len(times), total, Decimal("0.1"), min(times), max(times))
    visitors = Contact.objects.filter(visitor_key__isnull=False)
    assert visitors.count() == len(set(visitors.values_list("visitor_key", flat=True)))
    assert Event.objects.filter(type="page_visit", contact__in=visitors).count() == 150


@pytest.mark.parametrize("number", [50, WORTH_COPYING + 50])
def test_the_same_key_at_the_same_time_is_written_once(threads, now, number):
    buyer = Contact.objects.create(external_id="c")
    batch = [purchase(buyer, now, "1", key=f"order-{place}") for place in range(number)]
    outcomes: list[Outcome] = []
    run_at_once(
        threads, *(lambda: outcomes.extend(result.outcome for result in record(batch, now=now)) for _ in range(3))
    )
    assert sorted(outcomes) == [Outcome.DUPLICATE] * 2 * number + [Outcome.RECORDED] * number
    assert summary(buyer)[:2] == (number, Decimal(number))


@pytest.mark.parametrize("known", EVENT_TYPES, ids=EVENT_TYPES.keys())
def test_every_known_type_has_a_label_and_an_icon(known):
    assert is_event_type(known.key)
    assert str(known.label)
    icon = Template("{% load lucide %}{% lucide name %}").render(Context({"name": known.icon}))
    assert icon.startswith("<svg")


def test_a_type_of_the_shop_is_named_after_its_key():
    assert event_type("purchase").label == "Purchased"
    assert event_type("store_visit").label == "Store visit"
    assert event_type("store_visit").by_contact


@pytest.mark.parametrize("key", ["", "Visit", "1st", "a-b", "a b", "visit\n", "é", "a" * 64, None, 7])
def test_what_is_no_type(key):
    assert not is_event_type(key)
