"""What workflows do outside: webhooks to a real server, notes through a real mail server, and what goes wrong."""

import hashlib
import hmac
import json
import socket
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from contacts.models import Contact, ContactField, Event
from crm.encryption import encrypt
from crm.models import User
from tests.campaigns.mail_server import MailServer, mail_server
from tests.workflows.batches import batch
from tests.workflows.flows import active, graph, people
from tests.workflows.http_server import Shop, shop
from workflows import engine, public_http
from workflows.deliveries import BACKOFF, HOLDS, deliver_due, send_again
from workflows.models import Delivery, Incident, Step, Workflow
from workflows.nodes import NODES
from workflows.nodes.base import NodeContext
from workflows.webhooks import signature

pytestmark = pytest.mark.django_db

SECRET = "a secret of sixteen"
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def this_machine(settings: Any) -> None:
    settings.WEBHOOK_ALLOW_PRIVATE = True
    settings.WEBHOOK_SECRET = ""


@pytest.fixture
def server() -> Iterator[Shop]:
    with shop() as one:
        yield one


def hooked(url: str, contacts: list[Contact], *, now: datetime, **settings: Any) -> Workflow:
    """A workflow whose webhook has been decided for these contacts."""
    stored = graph({"n1": ("webhook", {"url": url, "secret": encrypt(SECRET)} | settings)}, "start > n1")
    workflow = active("Hooks", stored, now=now)
    engine.tick(now=now)
    assert Delivery.objects.count() == len(contacts)
    return workflow


def deliver(now: datetime, limit: int = 100) -> int:
    return deliver_due(now=now, clock=lambda: now, limit=limit)


def states() -> list[tuple[str, int]]:
    return list(Delivery.objects.order_by("pk").values_list("state", "attempts"))


def test_a_webhook_says_what_happened_and_is_signed(server: Shop, now: datetime) -> None:
    ContactField.objects.create(key="tier", label="Tier", type="text")
    (one,) = people(1, now=now, first_name="Ana ñ", custom={"tier": "gold"}, external_id="c-1")
    workflow = hooked(server.url, [one], now=now, fields_sent=["email", "first_name", "custom.tier", "points"])
    delivery = Delivery.objects.get()
    assert deliver(now) == 1
    (received,) = server.received
    assert json.loads(received.body) == {
        "key": delivery.key,
        "workflow": {"id": workflow.pk, "name": "Hooks"},
        "node": "n1",
        "test": False,
        "at": "2026-03-10T12:00:00.000000Z",
        "contact": {
            "id": one.pk,
            "external_id": "c-1",
            "email": one.email,
            "first_name": "Ana ñ",
            "custom.tier": "gold",
            "points": 0,
        },
        "event": None,
        "values": {},
    }
    assert received.headers["content-type"] == "application/json"
    assert received.headers["idempotency-key"] == delivery.key == f"run:{delivery.run_id}:2"
    moment = int(now.timestamp())
    mac = hmac.new(SECRET.encode(), f"{moment}.".encode() + received.body, hashlib.sha256).hexdigest()
    assert received.headers["muster-signature"] == f"t={moment},v1={mac}"
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts, delivery.sent_at, delivery.error) == ("sent", 1, now, "")
    assert Step.objects.get(node="n1").detail == "Webhook to 127.0.0.1"
    assert deliver(now + timedelta(days=1)) == 0


def test_the_event_that_started_the_run_is_told(now: datetime) -> None:
    (one,) = people(1, now=now)
    event = Event.objects.create(
        contact=one, type="purchase", occurred_at=now, received_at=now, value=Decimal("12.5"), properties={"sku": "d1"}
    )
    of = batch("webhook", {"url": "https://example.org/x", "secret": encrypt(SECRET)}, [one.pk], now=now)
    of.version.workflow = Workflow.objects.create(name="W", pk=of.version.workflow_id)
    visits = [type(visit)(**{**_as_dict(visit), "event_id": event.pk, "values": {"a": 1}}) for visit in of.visits]
    list(NODES["webhook"].work(type(of)(of.version, of.graph, of.node, visits, now)))
    payload = Delivery.objects.get().payload
    assert payload["event"] == {
        "id": event.pk,
        "type": "purchase",
        "occurred_at": "2026-03-10T12:00:00.000000Z",
        "value": 12.5,
        "properties": {"sku": "d1"},
    }
    assert payload["values"] == {"a": 1}


def _as_dict(visit: Any) -> dict[str, Any]:
    return {name: getattr(visit, name) for name in visit.__slots__}


def test_who_is_busy_is_tried_again_later_and_later(server: Shop, now: datetime) -> None:
    people(1, now=now)
    hooked(server.url, list(Contact.objects.all()), now=now)
    server.answers = [(503, {})] * (len(BACKOFF) + 1)
    at = now
    for number, span in enumerate(BACKOFF, start=1):
        assert deliver(at) == 0
        assert states() == [("queued", number)]
        assert deliver(at + span - timedelta(seconds=1)) == 0
        assert len(server.received) == number
        at += span
    assert deliver(at) == 0
    assert states() == [("failed", len(BACKOFF) + 1)]
    incident = Incident.objects.get()
    delivery = Delivery.objects.get()
    assert (incident.run_id, incident.node, incident.subject) == (delivery.run_id, "n1", f"delivery:{delivery.pk}")
    assert incident.text == delivery.error == "It answered with 503. ok"
    assert len(set(server.keys)) == 1
    assert send_again(delivery.pk, now=at)
    assert not send_again(delivery.pk, now=at)
    assert deliver(at) == 1
    assert states() == [("sent", 1)]


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        ("600", timedelta(minutes=10)),
        ("5", MINUTE),
        ("Tue, 10 Mar 2026 12:30:00 GMT", timedelta(minutes=30)),
        ("99999999", timedelta(days=1)),
        ("soon", MINUTE),
    ],
)
def test_who_says_when_is_asked_then(after: str, expected: timedelta, server: Shop, now: datetime) -> None:
    hooked(server.url, people(1, now=now), now=now)
    server.answers = [(429, {"Retry-After": after})]
    deliver(now)
    assert Delivery.objects.get().due_at == now + expected


@pytest.mark.parametrize("status", [400, 401, 404, 410, 301, 302])
def test_who_refuses_is_not_asked_again(status: int, server: Shop, now: datetime) -> None:
    hooked(server.url, people(1, now=now), now=now)
    server.answers = [(status, {"Location": server.url})]
    deliver(now)
    assert states() == [("failed", 1)]
    assert len(server.received) == 1
    assert Incident.objects.get().text.startswith(f"It answered with {status}.")


def test_who_does_not_answer_lets_others_wait(server: Shop, now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(public_http, "READ_SECONDS", 0.2)
    hooked(server.url, people(3, now=now), now=now)
    server.seconds = 0.5
    assert deliver(now) == 0
    assert sorted(states()) == [("queued", 0), ("queued", 0), ("queued", 1)]
    assert set(Delivery.objects.values_list("due_at", flat=True)) == {now + MINUTE}
    server.seconds = 0
    assert deliver(now + MINUTE) == 3


def test_nobody_listens(now: datetime) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/"
    hooked(url, people(1, now=now), now=now)
    assert deliver(now) == 0
    assert states() == [("queued", 1)]
    assert Delivery.objects.get().error.startswith("The other side could not be reached")


def test_a_long_answer_is_not_read(server: Shop, now: datetime) -> None:
    hooked(server.url, people(1, now=now), now=now)
    server.body = b"x" * 5_000_000
    server.answers = [(400, {})]
    deliver(now)
    assert len(Delivery.objects.get().error) <= 500


class Killed(BaseException):
    """The worker is gone, between the request and writing down that it was made."""


def test_after_a_kill_a_webhook_goes_out_again_with_the_same_key(server: Shop, now: datetime) -> None:
    hooked(server.url, people(1, now=now), now=now)
    moments = iter([now])

    def clock() -> datetime:
        for moment in moments:
            return moment
        raise Killed

    with pytest.raises(Killed):
        deliver_due(now=now, clock=clock, limit=10)
    assert states() == [("sending", 1)]
    assert deliver(now + HOLDS - timedelta(seconds=1)) == 0
    assert deliver(now + HOLDS) == 1
    assert states() == [("sent", 2)]
    assert len(server.keys) == 2
    assert len(set(server.keys)) == 1


def test_who_was_overtaken_writes_nothing_down(server: Shop, now: datetime) -> None:
    """A worker that took so long that another one has done it since."""
    hooked(server.url, people(1, now=now), now=now)
    server.answers = [(400, {})]
    slow = iter([now])

    def clock() -> datetime:
        for moment in slow:
            return moment
        assert deliver(now + HOLDS) == 1  # by another worker, before this one writes down that it was refused
        return now + HOLDS

    assert deliver_due(now=now, clock=clock, limit=1) == 0
    assert states() == [("sent", 2)]
    assert not Incident.objects.exists()


def test_the_addresses_of_networks_are_refused(server: Shop, now: datetime, settings: Any) -> None:
    hooked(f"http://localhost:{server.port}/", people(1, now=now), now=now)
    settings.WEBHOOK_ALLOW_PRIVATE = False
    deliver(now)
    assert states() == [("failed", 1)]
    assert server.received == []
    assert Incident.objects.get().text.startswith("The address is not one of the public internet: localhost (")


def test_a_name_that_changes_its_mind_gains_nothing(
    server: Shop, now: datetime, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is connected to is what was checked: the name is asked for once."""
    settings.WEBHOOK_ALLOW_PRIVATE = False
    asked: list[str] = []
    connected: list[Any] = []

    def lookup(host: str, port: int, **options: Any) -> list[Any]:
        asked.append(host)
        address = "93.184.215.14" if len(asked) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, server.port))]

    def connect(self: socket.socket, place: Any) -> None:
        connected.append(place)
        raise OSError("not from here")

    monkeypatch.setattr(public_http.socket, "getaddrinfo", lookup)
    hooked("http://shop.example.com/", people(1, now=now), now=now)
    with monkeypatch.context() as patch:
        patch.setattr(public_http.socket.socket, "connect", connect)
        with pytest.raises(OSError, match="not from here"):
            public_http.connected("shop.example.com", server.port, timeout=1)
    assert (asked, connected) == (["shop.example.com"], [("93.184.215.14", server.port)])
    deliver(now)
    assert states() == [("failed", 1)]
    assert server.received == []


def test_the_secret_of_the_installation_signs_where_the_node_has_none(
    server: Shop, now: datetime, settings: Any
) -> None:
    settings.WEBHOOK_SECRET = "the secret of all nodes"
    hooked(server.url, people(1, now=now), now=now, secret="")
    deliver(now)
    (received,) = server.received
    expected = signature(received.body, secret="the secret of all nodes", now=now)
    assert received.headers["muster-signature"] == expected


def test_a_secret_that_nobody_can_read_any_more(server: Shop, now: datetime, settings: Any) -> None:
    hooked(server.url, people(1, now=now), now=now)
    settings.SECRET_KEY = "another key, because somebody lost the old one"
    deliver(now)
    assert states() == [("failed", 1)]
    assert server.received == []


# Notes to staff


@pytest.fixture
def mail(settings: Any) -> Iterator[MailServer]:
    with mail_server(settings) as server:
        yield server


def told(users: list[User], *, now: datetime) -> None:
    people(1, now=now, first_name="Ana")
    note = {"users": [user.pk for user in users], "subject": "Look", "text": "A large order."}
    active("Orders", graph({"n1": ("notify_staff", note)}, "start > n1"), now=now)
    engine.tick(now=now)


def test_staff_are_told(
    mail: MailServer, now: datetime, settings: Any, marketer: User, viewer: User, administrator: User
) -> None:
    settings.PUBLIC_URL = "https://crm.example.org"
    User.objects.filter(pk=viewer.pk).update(is_active=False)
    marketer.first_name = "Mara"
    marketer.save()
    assert NODES["notify_staff"].describe({"users": [marketer.pk, viewer.pk]}, NodeContext()) == "Mara, gone"
    told([marketer, administrator], now=now)
    User.objects.filter(pk=administrator.pk).update(is_active=False)
    assert deliver(now) == 1
    ((recipient, _sender, message),) = mail.received
    contact = Contact.objects.get()
    assert message["To"] == recipient == marketer.email
    assert message["Subject"] == "Look"
    assert message["Message-ID"] == f"<{Delivery.objects.get().key.replace(':', '.')}@crm.example.org>"
    text = message.get_content().replace("\r\n", "\n")
    assert text.split("\n") == [
        "A large order.",
        "",
        "Contact: Ana",
        f"https://crm.example.org/contacts/{contact.pk}/",
        "Workflow: Orders",
        "",
    ]
    assert states() == [("sent", 1)]


def test_nobody_is_left_to_be_told(now: datetime, marketer: User) -> None:
    told([marketer], now=now)
    User.objects.filter(pk=marketer.pk).update(is_active=False)
    deliver(now)
    assert states() == [("failed", 1)]
    faults = NODES["notify_staff"].faults({"users": [marketer.pk], "subject": ""}, NodeContext())
    assert {field for field, _text in faults} == {"users", "subject"}


def test_a_mail_server_that_is_away_or_busy_is_tried_again(
    mail: MailServer, now: datetime, settings: Any, marketer: User
) -> None:
    told([marketer], now=now)
    mail.data[marketer.email] = "451 later"
    assert deliver(now) == 0
    assert states() == [("queued", 1)]
    settings.EMAIL_PORT = 1
    assert deliver(now + MINUTE) == 0
    assert states() == [("queued", 2)]


def test_a_mail_server_that_refuses_is_not_asked_again(mail: MailServer, now: datetime, marketer: User) -> None:
    told([marketer], now=now)
    mail.rcpt[marketer.email] = "550 nobody here"
    assert deliver(now) == 0
    assert states() == [("failed", 1)]
    assert Incident.objects.count() == 1


# As sets


@pytest.mark.parametrize("kind", ["webhook", "notify_staff"])
def test_many_deliveries_take_no_more_statements(kind: str, now: datetime, marketer: User) -> None:
    settings = {
        "webhook": {"url": "https://example.org/", "secret": encrypt(SECRET)},
        "notify_staff": {"users": [marketer.pk], "subject": "Look"},
    }[kind]
    contacts = people(201, now=now)
    workflow = Workflow.objects.create(name="W")
    numbers = []
    for ids in ([contacts[0].pk], [one.pk for one in contacts[1:]]):
        of = batch(kind, settings, ids, now=now, workflow=workflow.pk)
        of.version.workflow = workflow
        with CaptureQueriesContext(connection) as queries:
            list(NODES[kind].work(of))
        numbers.append(len(queries))
    assert numbers[0] == numbers[1]
    assert Delivery.objects.count() == 201
