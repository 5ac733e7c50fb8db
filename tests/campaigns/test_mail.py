"""The email as it arrives: its head, its two parts, and who is told when it cannot be delivered."""

from collections.abc import Callable
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
from django.core import mail

from campaigns import links
from campaigns.models import Content, Message
from contacts.models import Contact
from tests.campaigns.mail_server import MailServer
from tests.campaigns.sending import queue_for, send

pytestmark = pytest.mark.django_db
Subscriber = Callable[..., Contact]
Contents = Callable[..., Content]


def test_a_newsletter_arrives_with_everything_that_mail_programs_look_for(
    now: datetime, server: MailServer, subscriber: Subscriber, content: Contents, settings: Any
) -> None:
    settings.BOUNCE_ADDRESS = "bounce@mail.example.com"
    ada = subscriber("ada@example.com", first_name="Ádá")
    letter = content(
        subject="Hello {{ contact.first_name }}, here is a subject that is much longer than a line of a header may be",
        body="Ça va, **{{ contact.first_name }}**?\n\n.\n\nFrom here on",
        sender_name="Zoë, the shop",
        reply_to="help@example.com",
    )
    queue_for(letter, ada, now=now)
    send(now)

    [(recipient, sender, received)] = server.received
    token = links.token_of(Message.objects.get().pk)
    assert recipient == "ada@example.com"
    assert sender == f"bounce+{token}@mail.example.com"
    assert (
        received["From"] == "Zoë, the shop <shop@example.com>"
        or received["From"] == '"Zoë, the shop" <shop@example.com>'
    )
    assert received["From"].addresses[0].display_name == "Zoë, the shop"
    assert received["To"] == "ada@example.com"
    assert received["Reply-To"] == "help@example.com"
    assert received["Subject"].startswith("Hello Ádá, here is a subject")
    assert received["Subject"].endswith("a header may be")
    assert parsedate_to_datetime(received["Date"]) == now
    assert received["Message-ID"] == f"<{token}@example.com>"
    assert received["List-Unsubscribe"] == f"<{links.unsubscribe_url(token)}>"
    assert received["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert received["Feedback-ID"] == f"{letter.pk}:newsletter:muster"
    assert received.get_content_type() == "multipart/alternative"
    plain, html = received.iter_parts()
    assert plain.get_content_type() == "text/plain"
    assert plain.get_content().splitlines()[:5] == ["Ça va, Ádá?", "", ".", "", "From here on"]
    assert html.get_content_type() == "text/html"
    assert "<strong>Ádá</strong>" in html.get_content()
    assert all(len(line) <= 998 for line in received.as_bytes().splitlines())


def test_a_transactional_email_has_no_unsubscribing_in_its_head(
    now: datetime, server: MailServer, subscriber: Subscriber, content: Contents
) -> None:
    queue_for(content(kind="transactional"), subscriber("ada@example.com", newsletter="never"), now=now)
    send(now)

    [(_recipient, sender, received)] = server.received
    assert received["List-Unsubscribe"] is None
    assert received["From"] == "The Shop <shop@example.com>"
    assert sender == "shop@example.com"


def test_names_cannot_add_to_the_head(
    now: datetime, server: MailServer, subscriber: Subscriber, content: Contents
) -> None:
    ada = subscriber("ada@example.com", first_name="Ada\r\nBcc: eve@example.com")
    letter = content(subject="Hello {{ contact.first_name }}", sender_name="{{ contact.first_name }}")
    queue_for(letter, ada, now=now)
    send(now)

    [(_recipient, _sender, received)] = server.received
    assert received["Bcc"] is None
    assert received["Subject"] == "Hello Ada Bcc: eve@example.com"
    assert server.to() == ["ada@example.com"]


def test_every_backend_of_django_can_send_it(
    now: datetime, subscriber: Subscriber, content: Contents, settings: Any, tmp_path: Any
) -> None:
    people = [subscriber(f"{number}@example.com") for number in range(3)]
    queue_for(content(), people[0], now=now)
    assert send(now) == 1
    assert (mail.outbox[0].to, mail.outbox[0].subject) == (["0@example.com"], "Hello")
    assert "Welcome to the shop." in mail.outbox[0].body

    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    settings.EMAIL_FILE_PATH = str(tmp_path)
    queue_for(content(), people[1], now=now)
    assert send(now) == 1
    [written] = tmp_path.iterdir()
    assert "Subject: Hello" in written.read_text()

    settings.EMAIL_BACKEND = "tests.campaigns.broken_backend.EmailBackend"
    queue_for(content(), people[2], now=now)
    assert send(now) == 0
    assert Message.objects.get(to="2@example.com").state == "in_doubt"
