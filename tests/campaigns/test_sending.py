"""Sending to a real mail server: each message once, and what its answers do."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from campaigns.claiming import CLAIM_HOLDS, RETRIES, claim
from campaigns.models import Content, Message
from campaigns.sending import leave, send_again
from contacts.events import NewEvent, record
from contacts.models import Contact, Event
from tests.campaigns.mail_server import MailServer
from tests.campaigns.sending import happened, queue_for, send, states

pytestmark = pytest.mark.django_db
Subscriber = Callable[..., Contact]
Contents = Callable[..., Content]
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def test_what_is_queued_is_sent_once_over_one_connection(
    now: datetime, server: MailServer, subscriber: Subscriber, content: Contents
) -> None:
    ada, eve = subscriber("ada@example.com"), subscriber("eve@example.com")
    queue_for(content(), ada, eve, now=now)

    assert send(now) == 2
    assert send(now) == 0

    assert server.to() == ["ada@example.com", "eve@example.com"]
    assert server.connections == 1
    assert states() == {"ada@example.com": ("sent", ""), "eve@example.com": ("sent", "")}
    message = Message.objects.get(to="ada@example.com")
    assert (message.sent_at, message.attempts, message.recorded) == (now, 1, True)
    event = Event.objects.get(contact=ada)
    assert (event.type, event.occurred_at) == ("email_delivered", now)
    assert event.properties == {"campaign": "Welcome", "email": "workflow:1:n1", "message": message.pk}


def test_one_connection_carries_on_when_the_mail_server_has_had_enough_of_another(
    now: datetime, server: MailServer, subscriber: Subscriber, content: Contents
) -> None:
    server.most_of_connection = 2
    queue_for(content(), *[subscriber(f"{number}@example.com") for number in range(5)], now=now)

    assert send(now) == 5
    assert server.to() == [f"{number}@example.com" for number in range(5)]
    assert server.connections == 3
    assert set(states().values()) == {("sent", "")}


def test_transactional_emails_go_first_and_a_limit_holds(
    now: datetime, server: MailServer, subscriber: Subscriber, content: Contents
) -> None:
    ada, eve = subscriber("ada@example.com"), subscriber("eve@example.com")
    queue_for(content(), ada, eve, now=now - HOUR)
    queue_for(content(kind="transactional", subject="Your order"), eve, now=now)

    assert send(now, limit=2) == 2
    assert [str(mail["Subject"]) for _to, _sender, mail in server.received] == ["Your order", "Hello"]
    assert send(now - 2 * HOUR) == 0
    assert send(now) == 1


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ("550 5.1.1 No such user", "bounced"),
        ("550 No such user", "bounced"),
        ("550 5.7.1 Relaying denied", "ok"),
        ("554 Go away", "ok"),
    ],
)
def test_what_is_refused_for_good_fails_and_a_missing_mailbox_is_remembered(
    now: datetime, server: MailServer, subscriber: Subscriber, content: Contents, answer: str, status: str
) -> None:
    gone, ada = subscriber("gone@example.com"), subscriber("ada@example.com")
    server.rcpt["gone@example.com"] = answer
    queue_for(content(), gone, ada, now=now)

    assert send(now) == 1

    assert states() == {"gone@example.com": ("failed", "refused"), "ada@example.com": ("sent", "")}
    gone.refresh_from_db()
    assert gone.email_status == status
    assert happened(gone) == (["email_bounced"] if status == "bounced" else [])
    failed = Message.objects.get(to="gone@example.com")
    assert failed.detail == answer
    assert send(now + HOUR) == 0


def test_addresses_for_examples_are_refused_in_production(
    now: datetime, server: MailServer, subscriber: Subscriber, content: Contents, settings: Any
) -> None:
    settings.PRODUCTION = True
    people = ("ada@example.com", "ada@mail.Example.org", "ada@shop.example", "ada@shop.test", "ada@my-example.com")
    queue_for(content(), *map(subscriber, people), now=now)
    assert send(now) == 1
    assert server.to() == ["ada@my-example.com"]
    assert set(states().values()) == {("failed", "refused"), ("sent", "")}
    assert not Contact.objects.exclude(email_status="ok").exists()


def test_what_is_put_off_is_tried_again_later_and_given_up_in_the_end(
    now: datetime, server: MailServer, subscriber: Subscriber, content: Contents
) -> None:
    queue_for(content(), subscriber("grey@example.com"), subscriber("busy@example.com"), now=now)
    server.rcpt["grey@example.com"] = "450 4.7.1 Greylisted"
    server.data["busy@example.com"] = "452 4.3.1 Busy"

    assert send(now) == 0
    assert set(states().values()) == {("queued", "")}
    assert send(now + 59 * timedelta(seconds=1)) == 0
    server.rcpt.clear()
    assert send(now + MINUTE) == 1
    assert states() == {"grey@example.com": ("sent", ""), "busy@example.com": ("queued", "")}

    at = now + MINUTE
    for wait in RETRIES[1:]:
        at += wait
        assert send(at) == 0
    assert states()["busy@example.com"] == ("failed", "gave_up")
    assert Message.objects.get(to="busy@example.com").attempts == len(RETRIES) + 1
    assert send(at + 100 * HOUR) == 0


def test_a_lost_connection_leaves_one_in_doubt_until_somebody_decides(
    now: datetime, server: MailServer, subscriber: Subscriber, content: Contents
) -> None:
    people = [subscriber(f"{name}@example.com") for name in ("ada", "bob", "eve")]
    server.drop.add("bob@example.com")
    queue_for(content(), *people, now=now)

    assert send(now) == 2
    assert send(now + 100 * HOUR) == 0
    assert states()["bob@example.com"] == ("in_doubt", "")
    assert server.to() == ["ada@example.com", "bob@example.com", "eve@example.com"]

    message = Message.objects.get(to="bob@example.com")
    server.drop.clear()
    assert send_again(message, now=now)
    assert send(now) == 1
    assert not send_again(message, now=now)
    assert not leave(message)
    first, again = (mail for to, _sender, mail in server.received if to == "bob@example.com")
    assert first["Message-ID"] == again["Message-ID"]


def test_one_in_doubt_can_be_left(now: datetime, server: MailServer, subscriber: Subscriber, content: Contents) -> None:
    server.drop.add("bob@example.com")
    queue_for(content(), subscriber("bob@example.com"), now=now)
    send(now)

    assert leave(Message.objects.get())
    assert states() == {"bob@example.com": ("failed", "left")}
    assert send(now + HOUR) == 0


def test_a_mail_server_that_takes_nothing_costs_no_attempts(
    now: datetime, server: MailServer, subscriber: Subscriber, content: Contents, settings: Any, caplog: Any
) -> None:
    queue_for(content(), subscriber("ada@example.com"), subscriber("eve@example.com"), now=now)
    server.sender = "550 5.7.1 Not you"
    assert send(now) == 0
    assert "550 5.7.1 Not you" in caplog.text

    settings.EMAIL_PORT = 1
    assert send(now) == 0
    assert list(Message.objects.values_list("state", "attempts", "claim")) == [("queued", 0, None)] * 2
    server.sender, settings.EMAIL_PORT = "250 OK", server.port
    assert send(now) == 2


def test_what_changed_since_it_was_queued_counts(
    now: datetime, server: MailServer, subscriber: Subscriber, content: Contents
) -> None:
    people = {name: subscriber(f"{name}@example.com") for name in ("left", "moved", "lost", "spam", "void")}
    queue_for(content(), *people.values(), now=now)
    Contact.objects.filter(email="left@example.com").update(newsletter="unsubscribed")
    Contact.objects.filter(email="moved@example.com").update(email="new@example.com")
    Contact.objects.filter(email="lost@example.com").update(email_status="bounced")
    Contact.objects.filter(email="spam@example.com").update(email_status="complained")
    Contact.objects.filter(email="void@example.com").update(email=None)

    assert send(now) == 1
    assert server.to() == ["new@example.com"]
    assert states() == {
        "left@example.com": ("skipped", "unsubscribed"),
        "new@example.com": ("sent", ""),
        "lost@example.com": ("skipped", "bounced"),
        "spam@example.com": ("skipped", "complained"),
        "void@example.com": ("skipped", "no_email"),
    }


def test_no_more_are_sent_in_an_hour_than_may_be(
    now: datetime, server: MailServer, subscriber: Subscriber, content: Contents, settings: Any
) -> None:
    settings.MAIL_PER_HOUR = 2
    queue_for(content(), *[subscriber(f"{number}@example.com") for number in range(5)], now=now)

    assert [send(now), send(now), send(now + 59 * MINUTE), send(now + 61 * MINUTE)] == [2, 0, 0, 2]
    settings.MAIL_PER_HOUR = 0
    assert send(now + 61 * MINUTE) == 1


def test_two_workers_never_send_the_same(
    now: datetime, server: MailServer, subscriber: Subscriber, content: Contents
) -> None:
    import uuid

    queue_for(content(), *[subscriber(f"{number}@example.com") for number in range(3)], now=now)
    slow = claim(2, claimant=uuid.uuid4(), now=now)

    assert send(now) == 1
    assert send(now + CLAIM_HOLDS + MINUTE) == 2
    assert sorted(server.to()) == ["0@example.com", "1@example.com", "2@example.com"]
    assert {message.to for message in slow} == {"0@example.com", "1@example.com"}


def test_what_cannot_be_filled_fails_alone(
    now: datetime, server: MailServer, subscriber: Subscriber, content: Contents
) -> None:
    wrong = content(body="{{ contact.first_name | divided_by: 0 }}")
    queue_for(wrong, subscriber("ada@example.com"), now=now)
    queue_for(content(), subscriber("eve@example.com"), now=now)

    assert send(now) == 1
    assert states() == {"ada@example.com": ("failed", "not_rendered"), "eve@example.com": ("sent", "")}


def test_what_a_worker_sent_before_it_died_is_recorded_by_the_next(
    now: datetime, server: MailServer, subscriber: Subscriber, content: Contents
) -> None:
    ada = subscriber("ada@example.com")
    queue_for(content(), ada, now=now)
    Message.objects.update(state="sent", sent_at=now)

    assert send(now + HOUR) == 0
    assert happened(ada) == ["email_delivered"]
    assert Event.objects.get().occurred_at == now


def test_an_email_shows_the_cart_of_each_contact_in_one_query(
    now: datetime, server: MailServer, subscriber: Subscriber, content: Contents
) -> None:
    each = "{{ item.quantity }} x {{ item.product }}: {{ item.value }};"
    body = f"{{% for item in cart %}}{each} {{% endfor %}}= {{{{ cart_total }}}}"
    people = [subscriber(f"p{number}@example.com") for number in range(4)]
    one, two, three, four = (person.pk for person in people)

    def happens(contact: int, kind: str, hours: int, **properties: Any) -> NewEvent:
        return NewEvent(kind, now - timedelta(hours=hours), contact_id=contact, properties=properties)

    desk, lamp = {"product": "Desk", "price": 349.5}, {"product": "Lamp", "price": 20}
    events = [
        *(happens(one, "cart_add", 5, **lamp), happens(one, "cart_add", 4, **desk, quantity=2)),
        *(happens(one, "cart_add", 3, product="desk", price=340), happens(one, "cart_remove", 2, product="Lamp")),
        *(happens(two, "cart_add", 5, **desk), happens(two, "purchase", 4), happens(two, "cart_add", 3, **lamp)),
        *(happens(three, "cart_add", 5, product="Chair"), happens(three, "cart_add", -1, **desk)),
        happens(four, "cart_add", 24 * 91, **desk),
    ]
    record(events, now=now)
    queue_for(content(body=body), people[0], now=now)
    with CaptureQueriesContext(connection) as alone:
        send(now)
    queue_for(content(body=body, subject="More"), *people, now=now)
    with CaptureQueriesContext(connection) as together:
        send(now)
    reading = [sum("cart_add" in query["sql"] for query in queries) for queries in (alone, together)]
    assert reading == [1, 1]
    bodies = [mail.get_body(("plain",)) for _to, _sender, mail in server.received]
    texts = [body.get_content().split("\n")[0].strip() for body in bodies if body is not None]
    assert texts == [
        *["3 x desk: 1020.00; = 1020.00"] * 2,
        "1 x Lamp: 20.00; = 20.00",
        "1 x Chair: ; =",
        "=",
    ]
