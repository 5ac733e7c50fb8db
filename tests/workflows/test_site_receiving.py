"""``/t/``: the script, what pages may send, from where, how much, and what they are answered."""

import json
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.cache import caches
from django.test import Client
from django.utils import timezone

from contacts import arrivals
from contacts.models import Arrival, Contact, Event
from workflows.models import WebContent
from workflows.site.batches import LARGEST
from workflows.site.contents import Recipient, design_of, queue
from workflows.site.identity import sign

ORIGIN = "https://shop.example"
VISITOR = "visitor-0123456789"
KEY = "a long random text that two servers know"

Send = Callable[..., Any]


@pytest.fixture(autouse=True)
def shop(settings: Any) -> None:
    caches["local"].clear()
    settings.SHOP_ORIGINS = [ORIGIN]
    settings.TRACKING_KEY = KEY


@pytest.fixture
def send(db: None) -> Send:
    """Send as a page of the shop does: ``send({"type": "page_visit"})``."""
    client = Client(enforce_csrf_checks=True)

    def post(*events: Any, status: int = 200, **rest: Any) -> Any:
        numbered = [
            {"id": f"e{place}", **event} if isinstance(event, dict) else event for place, event in enumerate(events)
        ]
        body = json.dumps({"visitor": VISITOR, "events": numbered} | rest)
        response = client.post("/t/events", body, content_type="text/plain", headers={"Origin": ORIGIN})
        assert response.status_code == status, response.content
        assert response["Access-Control-Allow-Origin"] == ORIGIN
        assert "Origin" in response["Vary"]
        assert not response.cookies
        return response.json()

    return post


def token(**claims: Any) -> str:
    return sign(claims | {"exp": int(timezone.now().timestamp()) + 60}, key=KEY)


# The script


def test_the_script_is_small_and_kept_by_browsers(client):
    response = client.get("/t/muster.js")
    assert response["Content-Type"] == "text/javascript; charset=utf-8"
    assert "max-age=3600" in response["Cache-Control"]
    assert response["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert len(response.content) < 10 * 1024
    again = client.get("/t/muster.js", headers={"If-None-Match": response["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    packed = client.get("/t/muster.js", headers={"Accept-Encoding": "gzip"})
    assert len(packed.content) < 5 * 1024
    assert client.post("/t/muster.js").status_code == 405


# Who may send


@pytest.mark.parametrize("origin", ["", "https://other.example", "null", "http://shop.example", ORIGIN + "/"])
def test_other_origins_are_refused(db, client, origin):
    headers = {"Origin": origin} if origin else {}
    body = json.dumps({"visitor": VISITOR, "events": [{"id": "1", "type": "page_visit"}]})
    for response in (
        client.post("/t/events", body, content_type="text/plain", headers=headers),
        client.options("/t/events", headers=headers),
    ):
        assert response.status_code == 403
        assert "Access-Control-Allow-Origin" not in response
    assert not Contact.objects.exists()


def test_a_browser_that_asks_first(client):
    response = client.options("/t/events", headers={"Origin": ORIGIN, "Access-Control-Request-Method": "POST"})
    assert response.status_code == 204
    assert response["Access-Control-Allow-Origin"] == ORIGIN
    assert response["Access-Control-Allow-Methods"] == "POST"
    assert response["Access-Control-Allow-Headers"] == "Content-Type"
    assert client.get("/t/events", headers={"Origin": ORIGIN}).status_code == 405


# What is sent


def test_events(send):
    before = timezone.now()
    shoes = {"product": "Shoes", "price": 19.99, "sizes": [40, 41.5], "in": {"stock": True}}
    answer = send(
        {"type": "page_visit", "age": 5_000, "properties": {"url": "https://shop.example/a"}},
        {"type": "purchase", "value": 19.99, "properties": shoes},
        {"type": "wish_list", "value": "3"},
    )
    assert answer == {"contents": []}
    contact = Contact.objects.get()
    assert (contact.visitor_key, contact.purchases_total) == (VISITOR, Decimal("19.99"))
    visit, purchase, custom = Event.objects.order_by("pk")
    assert timedelta(seconds=4) < before - visit.occurred_at <= timedelta(seconds=5)
    assert visit.properties == {"url": "https://shop.example/a"}
    assert (purchase.value, purchase.properties) == (Decimal("19.99"), shoes)
    assert (custom.type, custom.value) == ("wish_list", 3)


def test_what_is_sent_again_is_there_once(send):
    for _again in range(2):
        send({"type": "page_visit"}, {"type": "cart_add"})
    assert Event.objects.count() == 2
    send({"type": "page_visit"}, visitor="another-visitor-012345")
    assert Event.objects.count() == 3


BAD_EVENTS = [
    *(7, {"type": "page_visit", "id": ""}, {"type": "page_visit", "id": "a b"}, {"type": "page_visit", "id": 3}),
    *({"type": "email_opened"}, {"type": "unsubscribed"}, {"type": "Page"}, {"type": 7}, {"type": ["page_visit"]}),
    *({"type": "page_visit", "age": -1}, {"type": "page_visit", "age": "1"}, {"type": "page_visit", "age": True}),
    *(
        {"type": "page_visit", "value": "x"},
        {"type": "page_visit", "value": [1]},
        {"type": "page_visit", "value": True},
    ),
    *({"type": "page_visit", "properties": [1]}, {"type": "purchase", "value": 10**20}),
    *({"type": "content_shown"}, {"type": "content_shown", "content": -1}, {"type": "content_shown", "content": True}),
    *({"type": "content_shown", "content": 2**63}, {"type": "content_clicked", "content": 1, "url": 3}),
]


@pytest.mark.parametrize("bad", BAD_EVENTS, ids=str)
def test_an_event_that_cannot_be_taken_does_not_stop_the_others(send, bad):
    answer = send(bad, {"type": "cart_add", "id": "good"})
    assert len(answer["refused"]) == 1
    assert [event.type for event in Event.objects.all()] == ["cart_add"]


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"{", b"\xff", b"[]", b"7", b'{"visitor": NaN}', b"[" * 5000, b'{"visitor": "short"}'),
        *(json.dumps({"visitor": VISITOR, "events": wrong}).encode() for wrong in ({"a": 1}, "x", [{}] * 51)),
        *(json.dumps({"visitor": wrong}).encode() for wrong in (None, 7, "x" * 65, "a visitor with spaces")),
        json.dumps({"visitor": VISITOR, "token": 7}).encode(),
    ],
)
def test_what_no_script_sends(db, client, body):
    response = client.post("/t/events", body, content_type="text/plain", headers={"Origin": ORIGIN})
    assert response.status_code == 400, response.content
    assert not Contact.objects.exists()


def test_too_much_at_once(db, client, settings):
    body = b" " * (LARGEST + 1)
    response = client.post("/t/events", body, content_type="text/plain", headers={"Origin": ORIGIN})
    assert response.status_code == 413
    settings.SITE_REQUESTS_PER_MINUTE = 2
    sent = json.dumps({"visitor": VISITOR})
    answers = [
        client.post("/t/events", sent, content_type="text/plain", headers={"Origin": ORIGIN}).status_code
        for _again in range(3)
    ]
    assert answers == [200, 200, 429]


def test_one_address_with_many_visitors(send, settings):
    settings.SITE_REQUESTS_PER_MINUTE = 1
    for number in range(10):
        send(visitor=f"visitor-0123456789-{number}")
    send(visitor="visitor-0123456789-last", status=429)


# Who it is, and what is shown


def test_identification_merges(send, now):
    ana = Contact.objects.create(email="ana@example.org")
    send({"type": "page_visit"})
    answer = send({"type": "cart_add", "id": "second"}, token=token(email="ana@example.org"))
    assert answer["identity"] == "ok"
    assert list(Contact.objects.values_list("pk", "visitor_key")) == [(ana.pk, VISITOR)]
    assert set(Event.objects.values_list("type", "contact_id")) == {("page_visit", ana.pk), ("cart_add", ana.pk)}
    assert send(token=token(email="ana@example.org"))["identity"] == "ok"
    assert send(token="nonsense")["identity"] == "invalid"
    assert Contact.objects.count() == 1


def test_nobody_is_made_of_somebody_who_does_nothing(send):
    assert send(token="nonsense") == {"identity": "invalid", "contents": []}
    assert not Contact.objects.exists()


def test_contents_and_what_becomes_of_them(send, now):
    send({"type": "page_visit"})
    contact = Contact.objects.get()
    design = design_of({"title": "Hello", "kind": "banner"}, name="Greeting", source="", now=now)
    queue(design, [Recipient("run:1:1", contact.pk)], now=timezone.now())
    [content] = send({"type": "page_visit", "id": "next"})["contents"]
    assert (content["title"], content["kind"], content["button"]) == ("Hello", "banner", None)
    [same] = send({"type": "content_shown", "content": content["id"], "id": "shown"})["contents"]
    assert same == content
    assert send({"type": "content_closed", "content": content["id"], "id": "closed"})["contents"] == []
    kept = WebContent.objects.get()
    assert kept.shown_at
    assert kept.closed_at
    assert set(Event.objects.values_list("type", flat=True)) == {"page_visit", "content_shown", "content_closed"}


def test_workflows_take_in_what_happened_at_once(send):
    arrivals.watch({"event:page_visit"})
    send({"type": "page_visit"})
    assert not Arrival.objects.exists()


@pytest.mark.parametrize("number", [1, 3])
def test_queries(send, number, django_assert_num_queries):
    send({"type": "page_visit", "id": "before"})
    # Savepoint; known keys; devices; contact; events; first and last seen; end of the savepoint. Arrivals, in a
    # savepoint of their own; contents.
    with django_assert_num_queries(11):
        send(*({"type": "page_visit"} for _place in range(number)))
