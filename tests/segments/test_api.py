"""``/segments`` of the API: definitions, previews, sentences, members."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from contacts.events import NewEvent, record
from contacts.lists import subscribe
from contacts.models import Contact, ContactList
from segments.gallery import TEMPLATES
from segments.models import Membership, Segment, Transition
from tests.api_client import Api, errors_in

pytestmark = pytest.mark.django_db

SPANIARD = {"type": "field", "field": "country", "operator": "is", "value": "ES"}
READER = {"type": "field", "field": "newsletter", "operator": "is", "value": "subscribed"}


def definition(*rules: dict[str, Any]) -> dict[str, Any]:
    return {"version": 1, "match": "all", "rules": list(rules)}


@pytest.fixture
def api(db: None) -> Api:
    return Api.with_scopes("segments:read", "segments:write", "contacts:read", "contacts:write", "events:write")


@pytest.fixture
def people(db: None) -> dict[str, int]:
    Contact.objects.create(email="ana@example.com", country="ES", newsletter="subscribed")
    Contact.objects.create(email="bea@example.com", country="ES")
    Contact.objects.create(email="cid@example.com", country="FR", external_id="C")
    return {contact.email[0]: contact.pk for contact in Contact.objects.all() if contact.email}


def members(api: Api, segment: int) -> list[int]:
    status, answer = api.get(f"/segments/{segment}/members")
    assert status == 200
    return [member["contact_id"] for member in answer["results"]]


def test_a_segment_from_its_beginning_to_its_end(api: Api, people: dict[str, int]) -> None:
    body = {"name": "Spaniards", "kind": "dynamic", "definition": definition(SPANIARD)}
    status, made = api.post("/segments", body)
    assert (status, made["size"], made["state"], made["version"]) == (201, 2, "ready", 1)
    assert made["definition"] == body["definition"]
    address = f"/segments/{made['id']}"
    assert api.get(address) == (200, made)
    assert api.get("/segments") == (200, {"results": [made], "next": None})
    assert members(api, made["id"]) == [people["a"], people["b"]]
    status, told = api.patch(address, {"definition": definition(SPANIARD, READER)})
    assert (status, told["size"], told["version"], told["name"]) == (200, 1, 2, "Spaniards")
    assert members(api, made["id"]) == [people["a"]]
    status, told = api.patch(address, {"description": "From Spain"})
    assert (status, told["description"], told["version"], told["size"]) == (200, "From Spain", 2, 1)
    assert api.delete(address) == (204, None)
    assert api.get(address)[0] == 404
    assert Segment.objects.deleted().count() == 1


def test_memberships_are_right_when_the_answer_comes_back(
    api: Api, people: dict[str, int], django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    segment = api.post("/segments", {"name": "S", "kind": "dynamic", "definition": definition(SPANIARD)})[1]["id"]
    with django_capture_on_commit_callbacks(execute=True):
        api.patch(f"/contacts/{people['c']}", {"country": "ES"})
    with django_capture_on_commit_callbacks(execute=True):
        api.delete(f"/contacts/{people['a']}")
    assert members(api, segment) == [people["b"], people["c"]]


@pytest.mark.parametrize(
    ("body", "status", "path"),
    [
        ({"kind": "static"}, 400, "name"),
        ({"name": "S"}, 400, "kind"),
        ({"name": "S", "kind": "magic"}, 400, "kind"),
        ({"name": "TAKEN", "kind": "static"}, 409, "name"),
        ({"name": "S", "kind": "static", "definition": definition(SPANIARD)}, 400, "definition"),
        ({"name": "S", "kind": "static", "is_test": "yes"}, 400, "is_test"),
        ({"name": "S", "kind": "static", "size": 5}, 400, "size"),
        ({"name": "S", "kind": "dynamic"}, 400, "definition"),
        ({"name": "S", "kind": "dynamic", "definition": []}, 400, "definition"),
        ({"name": "S", "kind": "dynamic", "definition": {"version": 1, "match": "all"}}, 400, "definition.rules"),
        ({"name": "S", "kind": "dynamic", "definition": definition({})}, 400, "definition.rules[0].type"),
        (
            {"name": "S", "kind": "dynamic", "definition": definition(SPANIARD, SPANIARD | {"value": "Spain"})},
            400,
            "definition.rules[1].value",
        ),
        (
            {"name": "S", "kind": "dynamic", "definition": definition(SPANIARD) | {"version": 10**40}},
            400,
            "definition.version",
        ),
        (
            {"name": "S", "kind": "dynamic", "definition": definition(SPANIARD | {"value": "\ud800"})},
            400,
            "definition.rules[0].value",
        ),
    ],
)
def test_what_is_wrong_is_named_by_its_path(api: Api, body: dict[str, Any], status: int, path: str) -> None:
    api.post("/segments", {"name": "Taken", "kind": "static"})
    found, answer = api.post("/segments", body)
    assert (found, set(errors_in(answer))) == (status, {path}), answer
    assert Segment.objects.count() == 1


def test_every_fault_of_a_definition_is_told(api: Api) -> None:
    rules = [SPANIARD | {"operator": "near"}, {"type": "nothing"}, SPANIARD | {"value": 5}]
    answer = api.post("/segments/preview", {"kind": "dynamic", "definition": definition(*rules)})[1]
    assert set(errors_in(answer)) == {
        "definition.rules[0].operator",
        "definition.rules[1].type",
        "definition.rules[2].value",
    }


def test_a_circle_of_segments_is_refused(api: Api, people: dict[str, int], now: datetime) -> None:
    first = Segment.objects.create(name="First", kind="dynamic_plus", definition=definition(SPANIARD))
    rule = {"type": "segment", "segment": first.pk, "operator": "member"}
    Segment.objects.create(name="Second", kind="dynamic_plus", definition=definition(rule))
    second = {"type": "segment", "segment": Segment.objects.get(name="Second").pk, "operator": "member"}
    status, answer = api.patch(f"/segments/{first.pk}", {"definition": definition(second)})
    assert (status, errors_in(answer)) == (
        400,
        {"definition.rules[0]": "The segment would depend on itself: First → Second → First."},
    )


def test_two_who_change_the_same_segment(api: Api) -> None:
    made = api.post("/segments", {"name": "S", "kind": "static"})[1]
    address = f"/segments/{made['id']}"
    status, first = api.patch(address, {"name": "First", "revision": made["revision"]})
    assert status == 200
    status, answer = api.patch(address, {"name": "Second", "revision": made["revision"]})
    assert (status, set(errors_in(answer))) == (409, {"revision"})
    assert api.patch(address, {"name": "Second", "revision": first["revision"]})[0] == 200
    assert api.patch(address, {"description": "Last"})[1]["name"] == "Second"


def test_a_segment_that_is_used_is_deleted_only_when_that_is_said(api: Api) -> None:
    used = Segment.objects.create(name="Used", kind="static")
    rule = {"type": "segment", "segment": used.pk, "operator": "member"}
    Segment.objects.create(name="User", kind="dynamic_plus", definition=definition(rule))
    status, answer = api.delete(f"/segments/{used.pk}")
    assert (status, errors_in(answer)) == (409, {"": "The segment is used by: User."})
    assert api.delete(f"/segments/{used.pk}", even_if_used="true") == (204, None)


def test_refresh(api: Api, people: dict[str, int]) -> None:
    made = api.post("/segments", {"name": "S", "kind": "dynamic", "definition": definition(SPANIARD)})[1]
    Membership.objects.all().delete()
    Segment.objects.update(size=0)
    status, told = api.post(f"/segments/{made['id']}/refresh")
    assert (status, told["size"], told["state"]) == (200, 2, "ready")
    assert members(api, made["id"]) == [people["a"], people["b"]]
    static = Segment.objects.create(name="Static", kind="static")
    assert api.post(f"/segments/{static.pk}/refresh")[0] == 400


def test_a_refresh_that_fails_shows_the_error(api: Api, people: dict[str, int]) -> None:
    news = ContactList.objects.create(name="News")
    rule = {"type": "list", "list": news.pk, "operator": "member"}
    made = api.post("/segments", {"name": "S", "kind": "dynamic", "definition": definition(rule)})[1]
    news.delete()
    status, told = api.post(f"/segments/{made['id']}/refresh")
    assert (status, told["state"]) == (200, "error")
    assert "deleted" in told["error"]


def test_find_segments(api: Api) -> None:
    pks = [Segment.objects.create(name=name, kind="static").pk for name in ("Guests", "Ängste", "Friends")]
    dynamic = Segment.objects.create(name="Spain", kind="dynamic", definition=definition(SPANIARD)).pk

    def found(**query: Any) -> list[int]:
        return [segment["id"] for segment in api.get("/segments", **query)[1]["results"]]

    assert found() == [*pks, dynamic]
    assert found(q="ÄNG") == [pks[1]]
    assert found(kind="dynamic") == [dynamic]
    assert found(limit=2, cursor=str(pks[0])) == pks[1:]


# Previews and sentences


def test_preview_of_a_definition(api: Api, people: dict[str, int]) -> None:
    status, answer = api.post("/segments/preview", {"kind": "dynamic", "definition": definition(SPANIARD)})
    assert status == 200
    assert {name: answer[name] for name in ("count", "total", "entering", "leaving")} == {
        "count": 2,
        "total": 3,
        "entering": 2,
        "leaving": 0,
    }
    assert {person["id"] for person in answer["sample"]} == {people["a"], people["b"]}
    assert "Spain" in answer["sentence"]


def test_preview_of_a_change(api: Api, people: dict[str, int]) -> None:
    made = api.post("/segments", {"name": "S", "kind": "dynamic", "definition": definition(SPANIARD)})[1]
    french = definition(SPANIARD | {"value": "FR"})
    status, answer = api.post(f"/segments/{made['id']}/preview", {"definition": french})
    assert (status, answer["count"], answer["entering"], answer["leaving"]) == (200, 1, 1, 2)
    status, answer = api.post(f"/segments/{made['id']}/preview", {})
    assert (status, answer["count"], answer["entering"], answer["leaving"]) == (200, 2, 0, 0)
    assert Segment.objects.get().version == 1
    static = Segment.objects.create(name="Static", kind="static")
    assert api.post(f"/segments/{static.pk}/preview", {})[0] == 400


def test_sentences(api: Api) -> None:
    made = api.post("/segments", {"name": "S", "kind": "dynamic", "definition": definition(SPANIARD)})[1]
    status, answer = api.post("/segments/sentence", {"kind": "dynamic", "definition": definition(SPANIARD)})
    assert status == 200
    assert answer["sentence"].startswith("Contacts")
    assert api.get(f"/segments/{made['id']}/sentence") == (200, answer)
    static = Segment.objects.create(name="Static", kind="static")
    assert api.get(f"/segments/{static.pk}/sentence")[0] == 400


# Members


def test_members_of_a_static_segment(api: Api, people: dict[str, int]) -> None:
    guests = api.post("/segments", {"name": "Guests", "kind": "static"})[1]["id"]
    body = {"contacts": [people["a"], 10**9], "emails": ["BEA@example.com"], "external_ids": ["C", "D"]}
    unknown = {"contacts": [10**9], "emails": [], "external_ids": ["D"]}
    assert api.post(f"/segments/{guests}/members", body) == (200, {"changed": 3, "unknown": unknown})
    assert api.post(f"/segments/{guests}/members", body) == (200, {"changed": 0, "unknown": unknown})
    assert members(api, guests) == sorted(people.values())
    status, answer = api.post(f"/segments/{guests}/members/remove", {"contacts": [people["a"]]})
    assert (status, answer["changed"]) == (200, 1)
    assert members(api, guests) == [people["b"], people["c"]]
    assert api.get(f"/segments/{guests}")[1]["size"] == 2
    causes = Transition.objects.values_list("cause", "detail")
    assert set(causes) == {("hand", "API key Shop")}


def test_a_member_as_it_is_told(api: Api, people: dict[str, int]) -> None:
    guests = api.post("/segments", {"name": "Guests", "kind": "static"})[1]["id"]
    api.post(f"/segments/{guests}/members", {"contacts": [people["c"]]})
    [told] = api.get(f"/segments/{guests}/members")[1]["results"]
    assert {name: told[name] for name in ("contact_id", "email", "external_id", "cause")} == {
        "contact_id": people["c"],
        "email": "cid@example.com",
        "external_id": "C",
        "cause": "hand",
    }
    assert datetime.fromisoformat(told["entered_at"]) == Membership.objects.get().entered_at


def test_why_somebody_is_in_a_segment_or_not(api: Api, people: dict[str, int]) -> None:
    body = {"name": "S", "kind": "dynamic", "definition": definition(SPANIARD, READER)}
    made = api.post("/segments", body)[1]["id"]
    status, ana = api.get(f"/segments/{made}/members/{people['a']}")
    assert (status, ana["is_member"], ana["definition"]["met"], ana["definition"]["match"]) == (200, True, True, "all")
    assert [(move["kind"], move["at"]) for move in ana["moves"]] == [("entered", ana["entered_at"])]
    status, bea = api.get(f"/segments/{made}/members/{people['b']}")
    assert (status, bea["is_member"], bea["entered_at"], bea["moves"]) == (200, False, None, [])
    spaniard, reader = bea["definition"]["rules"]
    assert (spaniard["met"], spaniard["seen"]["value"], spaniard["missing"]) == (True, "Spain", "")
    assert (reader["met"], reader["seen"]["value"], reader["rules"]) == (False, "Never subscribed", [])
    assert api.get(f"/segments/{made}/members/999999")[0] == 404
    guests = api.post("/segments", {"name": "Guests", "kind": "static"})[1]["id"]
    assert api.get(f"/segments/{guests}/members/{people['a']}")[1]["definition"] is None


def test_members_of_a_defined_segment_follow_from_its_definition(api: Api, people: dict[str, int]) -> None:
    made = api.post("/segments", {"name": "S", "kind": "dynamic", "definition": definition(SPANIARD)})[1]["id"]
    for address in (f"/segments/{made}/members", f"/segments/{made}/members/remove"):
        status, answer = api.post(address, {"contacts": [people["c"]]})
        assert (status, errors_in(answer)) == (400, {"": "Only a static segment is filled by hand."})


def test_pages_of_members(api: Api, people: dict[str, int]) -> None:
    guests = api.post("/segments", {"name": "Guests", "kind": "static"})[1]["id"]
    api.post(f"/segments/{guests}/members", {"contacts": list(people.values())})
    first = api.get(f"/segments/{guests}/members", limit=2)[1]
    second = api.get(f"/segments/{guests}/members", limit=2, cursor=first["next"])[1]
    told = [member["contact_id"] for member in first["results"] + second["results"]]
    assert (told, second["next"]) == (sorted(people.values()), None)


def test_memberships_of_a_contact(api: Api, people: dict[str, int], now: datetime) -> None:
    news = ContactList.objects.create(name="News")
    subscribe(news, Contact.objects.all(), now=now)
    made = api.post("/segments", {"name": "S", "kind": "dynamic", "definition": definition(SPANIARD)})[1]["id"]
    gone = api.post("/segments", {"name": "Gone", "kind": "dynamic", "definition": definition(SPANIARD)})[1]["id"]
    api.delete(f"/segments/{gone}")
    status, answer = api.get(f"/contacts/{people['a']}/memberships")
    assert status == 200
    assert answer["lists"] == [{"id": news.pk, "name": "News", "subscribed_at": "2026-03-10T12:00:00Z"}]
    assert [(one["id"], one["name"], one["kind"], one["cause"]) for one in answer["segments"]] == [
        (made, "S", "dynamic", "definition")
    ]
    assert api.get("/contacts/999999/memberships")[0] == 404


@pytest.mark.parametrize("number", [1, 3])
def test_costs(api: Api, number: int, django_assert_num_queries: Callable[[int], object]) -> None:
    for place in range(number):
        Contact.objects.create(email=f"{place}@example.com", country="ES")
        body = {"name": f"S{place}", "kind": "dynamic", "definition": definition(SPANIARD)}
        segment = api.post("/segments", body)[1]["id"]
    with django_assert_num_queries(2):
        api.get("/segments")
    with django_assert_num_queries(3):
        api.get(f"/segments/{segment}/members")


@pytest.mark.parametrize("purchases", [0, 3])
def test_templates(api: Api, now: datetime, purchases: int) -> None:
    for number in range(purchases):
        buyer = Contact.objects.create(external_id=f"B{number}")
        record([NewEvent("purchase", now, contact_id=buyer.pk, value=10 * (number + 1))], now=now)
    status, templates = api.get("/segment-templates")
    assert status == 200
    assert [one["key"] for one in templates] == list(TEMPLATES.keys())
    for one in templates:
        assert (one["definition"] is None) == (None in one["values"].values())
        if one["definition"]:
            made = {"name": one["name"], "kind": one["kind"], "definition": one["definition"]}
            status, told = api.post("/segments", made)
            assert (status, told["definition"]) == (201, one["definition"])
    spenders = next(one for one in templates if one["key"] == "big_spenders")
    assert spenders["values"] == {"total": "30.00" if purchases else None}


def test_templates_are_for_readers_of_segments() -> None:
    assert Api.with_scopes("contacts:read").get("/segment-templates")[0] == 403
