"""``/contacts`` and ``/fields`` of the API."""

import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from django.db import connections

from contacts.editing import upsert_contact
from contacts.events import NewEvent, record
from contacts.lists import subscribe
from contacts.models import Contact, ContactField, ContactList
from segments.models import Membership, Segment
from tests.api_client import Api, errors_in

pytestmark = pytest.mark.django_db

EVERYTHING: dict[str, Any] = {
    "email": "Ana@Example.com",
    "external_id": "C-1",
    "first_name": "Ana",
    "phone": "+34600000001",
    "date_of_birth": "1990-02-28",
    "gender": "female",
    "country": "ES",
    "language": "es",
    "time_zone": "Europe/Madrid",
    "newsletter": "subscribed",
    "newsletter_at": "2026-03-01T10:00:00+02:00",
    "points": 7,
    "custom": {"tier": "gold", "size": 42.5, "visits": 3, "vip": True, "since": "2020-01-31", "tags": ["a", "b"]},
}


@pytest.fixture
def custom_fields(db: None) -> None:
    options = [{"value": value, "label": value.upper()} for value in "abc"]
    for key, type in (
        *(("tier", "text"), ("size", "decimal"), ("visits", "integer"), ("vip", "boolean")),
        *(("since", "date"), ("seen", "datetime"), ("old", "text")),
    ):
        ContactField.objects.create(key=key, label=key, type=type, archived=key == "old")
    ContactField.objects.create(key="tags", label="tags", type="choices", options=options)


@pytest.fixture
def api(db: None) -> Api:
    return Api.with_scopes("contacts:read", "contacts:write", "fields:read")


def test_create_and_read(api: Api, custom_fields: None) -> None:
    status, made = api.post("/contacts", EVERYTHING)
    assert status == 201
    contact = Contact.objects.get()
    assert api.get(f"/contacts/{contact.pk}") == (200, made)
    assert made["id"] == contact.pk
    expected = EVERYTHING | {"email": "ana@example.com", "newsletter_at": "2026-03-01T08:00:00Z"}
    assert {name: made[name] for name in expected} == expected
    assert (made["last_name"], made["city"], made["visitor_key"], made["first_seen_at"]) == (None, None, None, None)
    assert (made["purchases_count"], made["purchases_total"], made["purchases_average"]) == (0, 0, None)
    assert contact.custom == EVERYTHING["custom"]


def test_sums_of_purchases_are_numbers(api: Api, now: datetime) -> None:
    contact = Contact.objects.create(email="a@example.com")
    record([NewEvent("purchase", now, contact_id=contact.pk, value=value) for value in (19.99, 0.01)], now=now)
    told = api.get(f"/contacts/{contact.pk}")[1]
    assert (told["purchases_count"], told["purchases_total"], told["purchases_average"]) == (2, 20, 10)


def test_change_some_fields_and_take_others_away(api: Api, custom_fields: None) -> None:
    pk = api.post("/contacts", EVERYTHING)[1]["id"]
    changes = {"first_name": None, "points": 8, "custom": {"tier": None, "vip": False}}
    status, told = api.patch(f"/contacts/{pk}", changes)
    assert status == 200
    assert (told["first_name"], told["points"], told["country"]) == (None, 8, "ES")
    assert told["custom"] == {"size": 42.5, "visits": 3, "vip": False, "since": "2020-01-31", "tags": ["a", "b"]}


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({}, {"": "Give an email, a phone number or an external id: else nobody can be reached."}),
        ({"first_name": "Ana"}, {"": "Give an email, a phone number or an external id: else nobody can be reached."}),
        ({"email": "ana"}, {"email": "Enter a valid email address."}),
        ({"email": 5}, {"email": "The value is not of the type string."}),
        ({"points": "5"}, {"points": "The value is not of the type number."}),
        ({"points": True}, {"points": "The value is not of the type number."}),
        ({"points": 5.5}, {"points": "Enter a whole number."}),
        ({"colour": "red"}, {"colour": "There is no such field."}),
        ({"custom.tier": "gold"}, {"custom.tier": "There is no such field."}),
        ({"id": 5}, {"id": "There is no such field."}),
        ({"custom": {"old": "x"}}, {"custom.old": "There is no such field."}),
        ({"custom": {"tags": ["z"]}}, {"custom.tags": "Select a valid choice. z is not one of the available choices."}),
        ({"custom": {"tags": [1]}}, {"custom.tags": "The value is not of the type array."}),
        ({"custom": {"vip": "true"}}, {"custom.vip": "The value is not of the type boolean."}),
        ({"custom": {"seen": "2026-01-01T10:00:00"}}, {"custom.seen": "The time has no time zone."}),
        ({"custom": {"seen": "0001-01-01T00:00:00+14:00"}}, {"custom.seen": "The time lies too far from now."}),
        ({"custom": ["tier"]}, {"custom": "The custom fields are not an object."}),
        (
            {"purchases_count": 3},
            {"purchases_count": "This field follows from events and cannot be written."},
        ),
        ({"email": "a\0@example.com"}, {"email": "The text contains characters that cannot be stored."}),
        (["a@example.com"], {"": "The body is not an object."}),
    ],
)
def test_what_is_wrong_is_named_by_its_path(api: Api, custom_fields: None, body: Any, errors: dict[str, str]) -> None:
    status, answer = api.post("/contacts", body)
    assert (status, errors_in(answer)) == (400, errors)
    assert not Contact.objects.exists()


def test_everything_that_is_wrong_is_said_at_once(api: Api, custom_fields: None) -> None:
    body = {"email": "ana", "date_of_birth": "2026-02-30", "country": "Spain", "custom": {"size": "L"}}
    assert set(errors_in(api.post("/contacts", body)[1])) == {"email", "date_of_birth", "country", "custom.size"}


@pytest.mark.parametrize("key", ["email", "external_id"])
def test_a_key_of_another_contact(api: Api, key: str) -> None:
    Contact.objects.create(email="taken@example.com", external_id="taken@example.com")
    other = Contact.objects.create(email="other@example.com")
    for status, answer in (
        api.post("/contacts", {key: "taken@example.com"}),
        api.patch(f"/contacts/{other.pk}", {key: "taken@example.com"}),
    ):
        assert (status, set(errors_in(answer))) == (409, {key})


def test_delete(api: Api) -> None:
    contact = Contact.objects.create(email="a@example.com")
    assert api.delete(f"/contacts/{contact.pk}") == (204, None)
    assert not Contact.objects.exists()
    assert api.delete(f"/contacts/{contact.pk}")[0] == 404


def test_upsert_by_email_and_by_external_id(api: Api) -> None:
    status, made = api.post("/contacts/upsert", {"email": "Ana@example.com", "first_name": "Ana"})
    assert status == 201
    status, told = api.post("/contacts/upsert", {"email": "ana@EXAMPLE.com", "external_id": "1", "city": "Vigo"})
    assert (status, told["id"], told["first_name"], told["city"]) == (200, made["id"], "Ana", "Vigo")
    status, told = api.post("/contacts/upsert", {"external_id": "1", "email": "new@example.com"})
    assert (status, told["id"], told["email"]) == (200, made["id"], "new@example.com")
    assert Contact.objects.count() == 1


def test_upsert_refuses_two_people_in_one(api: Api) -> None:
    Contact.objects.create(email="a@example.com", external_id="1")
    Contact.objects.create(email="b@example.com", external_id="2")
    for body in ({"external_id": "1", "email": "b@example.com"}, {"external_id": "3", "email": "b@example.com"}):
        status, answer = api.post("/contacts/upsert", body)
        assert (status, set(errors_in(answer))) == (409, {"email"})
    assert api.post("/contacts/upsert", {"phone": "+34600000001"})[0] == 400


def test_upsert_finds_whom_another_writer_made_meanwhile(now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the other came in between: the first look finds nobody."""
    Contact.objects.create(email="a@example.com")
    looks = iter([None])
    look = upsert_contact.__globals__["meant_by"]
    monkeypatch.setattr("contacts.editing.meant_by", lambda values: next(looks, look(values)))
    contact, is_new = upsert_contact({"email": "a@example.com", "first_name": "Ana"}, now=now)
    assert (contact.first_name, is_new) == ("Ana", False)


@pytest.mark.django_db(transaction=True)
def test_programs_that_upsert_the_same_person_at_once_make_one_contact() -> None:
    api = Api.with_scopes("contacts:write")
    start = threading.Barrier(4)
    statuses: list[int] = []

    def upsert() -> None:
        start.wait()
        try:
            statuses.append(api.post("/contacts/upsert", {"email": "ana@example.com", "first_name": "Ana"})[0])
        finally:
            connections.close_all()

    threads = [threading.Thread(target=upsert) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200, 200, 200, 201]
    assert Contact.objects.count() == 1


# Lists of contacts


def ids(answer: tuple[int, Any]) -> list[int]:
    assert answer[0] == 200, answer
    return [contact["id"] for contact in answer[1]["results"]]


def test_filters(api: Api, now: datetime) -> None:
    news = ContactList.objects.create(name="News")
    ana = Contact.objects.create(email="ana@example.com", first_name="Ána", country="ES", newsletter="subscribed")
    bob = Contact.objects.create(external_id="B", country="FR", email_status="bounced", updated_at=now)
    cat = Contact.objects.create(visitor_key="browser")
    Contact.objects.exclude(pk=bob.pk).update(updated_at=now.replace(year=2025))
    subscribe(news, Contact.objects.filter(pk__in=[ana.pk, cat.pk]), now=now)
    assert ids(api.get("/contacts")) == [ana.pk, bob.pk, cat.pk]
    assert ids(api.get("/contacts", q="ÁNA")) == [ana.pk]
    assert ids(api.get("/contacts", email="ANA@example.com")) == [ana.pk]
    assert ids(api.get("/contacts", external_id="B")) == [bob.pk]
    assert ids(api.get("/contacts", visitor_key="browser")) == [cat.pk]
    assert ids(api.get("/contacts", country="FR")) == [bob.pk]
    assert ids(api.get("/contacts", newsletter="subscribed")) == [ana.pk]
    assert ids(api.get("/contacts", email_status="bounced")) == [bob.pk]
    assert ids(api.get("/contacts", list=news.pk)) == [ana.pk, cat.pk]
    assert ids(api.get("/contacts", list=news.pk, country="ES")) == [ana.pk]
    assert ids(api.get("/contacts", updated_since=now.isoformat())) == [bob.pk]
    assert ids(api.get("/contacts", list=10**9)) == []


def test_pages_hold_everybody_once(api: Api) -> None:
    pks = [Contact.objects.create(visitor_key=str(number)).pk for number in range(5)]
    seen: list[int] = []
    query: dict[str, Any] = {"limit": 2}
    pages = 0
    while True:
        status, answer = api.get("/contacts", **query)
        assert status == 200
        seen += [contact["id"] for contact in answer["results"]]
        pages += 1
        if answer["next"] is None:
            break
        query["cursor"] = answer["next"]
    assert (seen, pages) == (pks, 3)


def test_a_page_after_the_last_is_empty(api: Api) -> None:
    pk = Contact.objects.create(visitor_key="a").pk
    assert api.get("/contacts", cursor=str(pk)) == (200, {"results": [], "next": None})


@pytest.mark.parametrize("number", [1, 3])
def test_costs(
    api: Api, custom_fields: None, number: int, django_assert_num_queries: Callable[[int], object], now: datetime
) -> None:
    news = ContactList.objects.create(name="News")
    for place in range(number):
        contact = Contact.objects.create(visitor_key=str(place), custom={"tier": "gold"})
        segment = Segment.objects.create(name=f"S{place}", kind=Segment.Kind.STATIC)
        first = Contact.objects.order_by("pk")[0].pk
        Membership.objects.create(segment=segment, contact_id=first, entered_at=now)
    subscribe(news, Contact.objects.all(), now=now)
    api.get("/fields")  # the use of the key is written once a minute
    with django_assert_num_queries(3):
        api.get("/contacts", list=news.pk)
    with django_assert_num_queries(3):
        api.get(f"/contacts/{contact.pk}")
    with django_assert_num_queries(2):
        api.get("/fields")
    with django_assert_num_queries(4):
        api.get(f"/contacts/{first}/memberships")


# Fields


def test_the_catalogue(api: Api, custom_fields: None) -> None:
    status, answer = api.get("/fields")
    told = {field["key"]: field for field in answer["results"]}
    assert status == 200
    assert told["country"]["custom"] is False
    assert {"value": "ES", "label": "Spain"} in told["country"]["choices"]
    assert told["purchases_total"]["editable"] is False
    assert told["custom.tags"] == {
        "key": "custom.tags",
        "label": "tags",
        "type": "choices",
        "group": "Custom fields",
        "custom": True,
        "editable": True,
        "always_set": False,
        "help_text": "",
        "choices": [{"value": value, "label": value.upper()} for value in "abc"],
    }
    assert "custom.old" not in told
