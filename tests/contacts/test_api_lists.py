"""``/lists`` of the API."""

from collections.abc import Callable
from typing import Any

import pytest

from contacts.models import Contact, ContactList, ListMembership
from tests.api_client import Api, errors_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def api(db: None) -> Api:
    return Api.with_scopes("lists:read", "lists:write")


def subscribers(contact_list: int) -> set[str | None]:
    current = ListMembership.objects.current().filter(list_id=contact_list)
    return set(current.values_list("contact__email", flat=True))


def test_a_list_from_its_beginning_to_its_end(api: Api) -> None:
    status, made = api.post("/lists", {"name": "News", "description": "Monthly"})
    assert (status, made["name"], made["description"], made["size"]) == (201, "News", "Monthly", 0)
    address = f"/lists/{made['id']}"
    assert api.get(address) == (200, made)
    assert api.patch(address, {"description": ""}) == (200, made | {"description": ""})
    assert api.get("/lists") == (200, {"results": [made | {"description": ""}], "next": None})
    assert api.delete(address) == (204, None)
    assert api.get(address)[0] == 404


@pytest.mark.parametrize(
    ("body", "status", "path"),
    [
        ({}, 400, "name"),
        ({"name": ""}, 400, "name"),
        ({"name": 5}, 400, "name"),
        ({"name": "x" * 201}, 400, "name"),
        ({"name": "NEWS"}, 409, "name"),
        ({"name": "Other", "colour": "red"}, 400, "colour"),
    ],
)
def test_what_is_wrong_is_named_by_its_path(api: Api, body: Any, status: int, path: str) -> None:
    ContactList.objects.create(name="News")
    found, answer = api.post("/lists", body)
    assert (found, set(errors_in(answer))) == (status, {path})
    assert ContactList.objects.count() == 1


def test_subscribe_and_unsubscribe(api: Api) -> None:
    news = ContactList.objects.create(name="News").pk
    for name in "abcd":
        Contact.objects.create(email=f"{name}@example.com", external_id=name)
    a, *_others = Contact.objects.order_by("pk")
    body = {"contacts": [a.pk, 999_999], "emails": ["B@example.com", "z@example.com"], "external_ids": ["c", "y"]}
    unknown = {"contacts": [999_999], "emails": ["z@example.com"], "external_ids": ["y"]}
    assert api.post(f"/lists/{news}/subscribe", body) == (200, {"changed": 3, "unknown": unknown})
    assert api.post(f"/lists/{news}/subscribe", body) == (200, {"changed": 0, "unknown": unknown})
    assert subscribers(news) == {"a@example.com", "b@example.com", "c@example.com"}
    nobody: dict[str, list[Any]] = {"contacts": [], "emails": [], "external_ids": []}
    status, answer = api.post(f"/lists/{news}/unsubscribe", {"emails": ["a@example.com", "d@example.com"]})
    assert (status, answer) == (200, {"changed": 1, "unknown": nobody})
    assert subscribers(news) == {"b@example.com", "c@example.com"}
    assert api.get(f"/lists/{news}")[1]["size"] == 2


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, ""),
        ({"contacts": []}, ""),
        ({"contacts": ["1"]}, "contacts[0]"),
        ({"contacts": [0]}, "contacts[0]"),
        ({"contacts": [2**63]}, "contacts[0]"),
        ({"contacts": 1}, "contacts"),
        ({"emails": [None]}, "emails[0]"),
        ({"contacts": [1] * 1001}, "contacts"),
        ({"everybody": True}, "everybody"),
    ],
)
def test_whom_it_is_about_must_be_said(api: Api, body: Any, path: str) -> None:
    news = ContactList.objects.create(name="News").pk
    status, answer = api.post(f"/lists/{news}/subscribe", body)
    assert (status, set(errors_in(answer))) == (400, {path})


@pytest.mark.parametrize("number", [1, 3])
def test_costs(api: Api, number: int, django_assert_num_queries: Callable[[int], object]) -> None:
    for place in range(number):
        ContactList.objects.create(name=f"L{place}")
    api.get("/lists")
    with django_assert_num_queries(2):
        api.get("/lists")
