"""Queueing emails: one for each key, to whom it may go, and the reason of each that is not sent."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from campaigns.models import Content, Message
from campaigns.outbox import Recipient, queue
from contacts.models import Contact

pytestmark = pytest.mark.django_db
Subscriber = Callable[..., Contact]
Contents = Callable[..., Content]


def states() -> dict[str, tuple[str, str, str]]:
    return {message.key: (message.state, message.reason, message.to) for message in Message.objects.all()}


def test_a_message_is_queued_once_for_each_key(now: datetime, subscriber: Subscriber, content: Contents) -> None:
    ada = subscriber("ada@example.com")
    recipient = Recipient("run:1:1", ada.pk, 7, {"code": "X1"})

    assert queue(content(), [recipient], now=now) == {"run:1:1": ""}
    assert queue(content(subject="Another"), [recipient, Recipient("run:1:2", ada.pk)], now=now) == {
        "run:1:1": "",
        "run:1:2": "",
    }

    assert states() == {"run:1:1": ("queued", "", "ada@example.com"), "run:1:2": ("queued", "", "ada@example.com")}
    message = Message.objects.get(key="run:1:1")
    assert (message.content.subject, message.event_id, message.values) == ("Hello", 7, {"code": "X1"})
    assert (message.due_at, message.created_at, message.is_test) == (now, now, False)


def test_one_who_may_not_get_it_is_skipped_with_the_reason(
    now: datetime, subscriber: Subscriber, content: Contents
) -> None:
    people = {
        "": subscriber("ok@example.com"),
        "no_email": subscriber(None, external_id="7"),
        "bounced": subscriber("gone@example.com", email_status="bounced"),
        "complained": subscriber("spam@example.com", email_status="complained"),
        "unsubscribed": subscriber("no@example.com", newsletter="unsubscribed"),
    }
    recipients = [Recipient(f"key-{reason}", contact.pk) for reason, contact in people.items()]
    more = [
        Recipient("soft", subscriber("soft@example.com", email_status="soft_bounce").pk),
        Recipient("pending", subscriber("pending@example.com", newsletter="pending").pk),
        Recipient("never", subscriber("never@example.com", newsletter="never").pk),
        Recipient("gone", 999_999),
    ]

    assert queue(content(), [*recipients, *more], now=now) == {
        **{f"key-{reason}": reason for reason in people},
        "soft": "",
        "pending": "unsubscribed",
        "never": "unsubscribed",
        "gone": "no_email",
    }
    assert states()["key-bounced"] == ("skipped", "bounced", "gone@example.com")
    assert states()["key-no_email"] == ("skipped", "no_email", "")
    assert "gone" not in states()


@pytest.mark.parametrize(("kind", "is_test"), [("transactional", False), ("newsletter", True)])
def test_transactional_emails_and_tests_go_to_those_who_do_not_subscribe(
    now: datetime, subscriber: Subscriber, content: Contents, kind: str, is_test: bool
) -> None:
    people = [subscriber(f"{state}@example.com", newsletter=state) for state in ("never", "pending", "unsubscribed")]
    gone = subscriber("gone@example.com", email_status="bounced")
    recipients = [Recipient(str(contact.email), contact.pk) for contact in [*people, gone]]

    told = queue(content(kind=kind), recipients, now=now, is_test=is_test)

    assert told == {**{str(contact.email): "" for contact in people}, "gone@example.com": "bounced"}


def test_newsletters_are_capped_by_contact_and_day(
    now: datetime, subscriber: Subscriber, content: Contents, settings: Any
) -> None:
    settings.MAIL_PER_CONTACT_PER_DAY = 2
    ada, eve = subscriber("ada@example.com"), subscriber("eve@example.com")
    queue(content(), [Recipient("yesterday", ada.pk)], now=now - timedelta(hours=25))
    queue(content(kind="transactional"), [Recipient("order", ada.pk)], now=now)

    told = queue(content(), [Recipient(key, ada.pk) for key in "abc"] + [Recipient("d", eve.pk)], now=now)
    assert told == {"a": "", "b": "", "c": "capped", "d": ""}
    assert queue(content(), [Recipient("a", ada.pk), Recipient("e", ada.pk)], now=now) == {"a": "", "e": "capped"}
    assert queue(content(kind="transactional"), [Recipient("f", ada.pk)], now=now) == {"f": ""}
    assert queue(content(), [Recipient("g", ada.pk)], now=now + timedelta(hours=25)) == {"g": ""}


def test_many_are_queued_in_as_many_statements_as_one(now: datetime, subscriber: Subscriber, content: Contents) -> None:
    people = [subscriber(f"{number}@example.com") for number in range(3)]
    welcome = content()
    for some in ([people[0]], people):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            queue(welcome, [Recipient(f"{len(some)}:{one.pk}", one.pk) for one in some], now=now)
        assert len(queries) == 2


def test_the_same_content_is_there_once(now: datetime, content: Contents) -> None:
    assert content().pk == content().pk
    assert content(subject="Hello again").pk != content().pk
    assert content(kind="").kind == "newsletter"
