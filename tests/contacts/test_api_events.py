"""``/events`` of the API: one, many, the same ones again, and two writers at once."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from contacts.models import Contact, Event
from tests.api_client import Api, errors_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def api(db: None) -> Api:
    return Api.with_scopes("events:write")


@pytest.fixture
def ana(db: None) -> Contact:
    return Contact.objects.create(email="ana@example.com", external_id="1")


def test_an_event_is_recorded_whole(api: Api, ana: Contact) -> None:
    body = {
        "type": "purchase",
        "occurred_at": "2026-03-09T11:21:00+01:00",
        "email": "Ana@example.com",
        "value": 59.8,
        "properties": {"category": "shoes", "quantity": 2, "new": True},
        "key": "order-1",
    }
    assert api.post("/events", body) == (201, {"result": "recorded", "contact_id": ana.pk, "errors": []})
    event = Event.objects.get()
    assert (event.contact_id, event.type, event.key) == (ana.pk, "purchase", "order-1")
    assert (event.occurred_at, str(event.value)) == (datetime(2026, 3, 9, 10, 21, tzinfo=UTC), "59.8000")
    assert event.properties == body["properties"]
    ana.refresh_from_db()
    assert (ana.purchases_count, str(ana.purchases_total)) == (1, "59.8000")


def test_without_a_time_it_happens_now(api: Api, ana: Contact) -> None:
    before = timezone.now()
    assert api.post("/events", {"type": "page_visit", "contact_id": ana.pk, "email": None})[0] == 201
    assert before <= Event.objects.get().occurred_at <= timezone.now()


def test_an_unknown_visitor_becomes_a_contact(api: Api) -> None:
    status, answer = api.post("/events", {"type": "page_visit", "visitor_key": "b7"})
    assert (status, answer["contact_id"]) == (201, Contact.objects.get(visitor_key="b7").pk)


def test_the_same_key_again_writes_nothing(api: Api, ana: Contact) -> None:
    body = {"type": "purchase", "external_id": "1", "value": 5, "key": "order-1"}
    assert api.post("/events", body)[0] == 201
    assert api.post("/events", body) == (200, {"result": "duplicate", "contact_id": None, "errors": []})
    assert Event.objects.count() == 1


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"external_id": "1"}, "type"),
        ({"type": "Purchase!", "external_id": "1"}, ""),
        ({"type": "purchase"}, ""),
        ({"type": "purchase", "external_id": "unknown"}, ""),
        ({"type": "purchase", "external_id": 1}, "external_id"),
        ({"type": "purchase", "contact_id": 10**30}, ""),
        ({"type": "purchase", "contact_id": "1"}, "contact_id"),
        ({"type": "purchase", "external_id": "1", "value": "5"}, "value"),
        ({"type": "purchase", "external_id": "1", "value": 1e300}, ""),
        ({"type": "purchase", "external_id": "1", "properties": []}, "properties"),
        ({"type": "purchase", "external_id": "1", "properties": {"a": "\0"}}, ""),
        ({"type": "purchase", "external_id": "1", "properties": {"a": "\ud800"}}, ""),
        ({"type": "purchase", "external_id": "1", "key": "\ud800"}, "key"),
        ({"type": "purchase", "external_id": "1", "occurred_at": "2026-03-09T10:00:00"}, "occurred_at"),
        ({"type": "purchase", "external_id": "1", "occurred_at": 5}, "occurred_at"),
        ({"type": "purchase", "external_id": "1", "colour": "red"}, "colour"),
        ([], ""),
        (3, ""),
    ],
)
def test_what_is_wrong_is_named_by_its_path(api: Api, ana: Contact, body: Any, path: str) -> None:
    status, answer = api.post("/events", body)
    assert (status, set(errors_in(answer))) == (400, {path}), answer
    assert not Event.objects.exists()


def test_a_batch_tells_of_each_event_in_its_place(api: Api, ana: Contact) -> None:
    events: list[Any] = [
        {"type": "purchase", "external_id": "1", "key": "a"},
        {"type": "purchase", "external_id": "1", "key": "a"},
        {"type": "purchase", "external_id": "unknown"},
        {"type": "purchase", "external_id": "1", "value": "many"},
        "nonsense",
        {"type": "page_visit", "external_id": "1"},
    ]
    status, answer = api.post("/events/batch", {"events": events})
    assert status == 200
    told = [(one["result"], one["contact_id"], [error["path"] for error in one["errors"]]) for one in answer["results"]]
    assert told == [
        ("recorded", ana.pk, []),
        ("duplicate", None, []),
        ("refused", None, ["events[2]"]),
        ("refused", None, ["events[3].value"]),
        ("refused", None, ["events[4]"]),
        ("recorded", ana.pk, []),
    ]
    assert sorted(Event.objects.values_list("type", flat=True)) == ["page_visit", "purchase"]
    assert [one["result"] for one in api.post("/events/batch", {"events": events[:1]})[1]["results"]] == ["duplicate"]


def test_a_batch_has_at_most_a_thousand_events(api: Api, ana: Contact) -> None:
    event = {"type": "page_visit", "external_id": "1"}
    status, answer = api.post("/events/batch", {"events": [event] * 1001})
    assert (status, errors_in(answer)) == (400, {"events": "There are more than 1000 events."})
    status, answer = api.post("/events/batch", {"events": [event] * 1000})
    assert (status, {one["result"] for one in answer["results"]}) == (200, {"recorded"})
    assert Event.objects.count() == 1000


@pytest.mark.parametrize("body", [{}, {"events": []}, {"events": {}}, [], {"events": [{}], "more": 1}])
def test_a_batch_of_another_shape(api: Api, body: Any) -> None:
    status, answer = api.post("/events/batch", body)
    assert (status, set(errors_in(answer))) == (400, {"events"})


@pytest.mark.parametrize("number", [1, 3])
def test_costs_of_a_batch(
    api: Api, ana: Contact, number: int, django_assert_num_queries: Callable[[int], object]
) -> None:
    api.post("/events/batch", {"events": [{"type": "page_visit", "external_id": "1"}]})
    events = [{"type": "page_visit", "external_id": "1", "key": f"event-{place}"} for place in range(number)]
    with django_assert_num_queries(7):
        api.post("/events/batch", {"events": events})


@pytest.mark.django_db(transaction=True)
def test_two_programs_with_the_same_key_write_one_event() -> None:
    Contact.objects.create(external_id="1")
    api = Api.with_scopes("events:write")
    start = threading.Barrier(4)
    answers: list[tuple[int, Any]] = []

    def post() -> None:
        start.wait()
        try:
            answers.append(api.post("/events", {"type": "purchase", "external_id": "1", "value": 5, "key": "order-1"}))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=post) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(status for status, _answer in answers) == [200, 200, 200, 201]
    assert Event.objects.count() == 1
    assert Contact.objects.get().purchases_count == 1


def test_events_in_the_future_are_refused(api: Api, ana: Contact) -> None:
    later = (timezone.now() + timedelta(hours=1)).isoformat()
    status, answer = api.post("/events", {"type": "page_visit", "external_id": "1", "occurred_at": later})
    assert (status, errors_in(answer)) == (400, {"": "The time lies in the future."})
