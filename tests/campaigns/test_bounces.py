"""Emails that come back: reports of mail servers and of mailbox providers, through a pipe and over the API."""

import io
from collections.abc import Callable
from datetime import datetime
from email.message import EmailMessage
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError

from campaigns.bounces import Kind, kind_of, read, receive
from campaigns.links import token_of
from campaigns.models import Content, Message
from contacts.models import Contact
from crm.models import ApiKey
from tests.api_client import Api, errors_in
from tests.campaigns.sending import happened, queue_for

pytestmark = pytest.mark.django_db

REPORT = """From: MAILER-DAEMON@mx.example.net
To: {to}
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type={kind}; boundary="b"

--b
Content-Type: text/plain

Your mail could not be delivered.

--b
Content-Type: {status_type}

{status}

--b
Content-Type: message/rfc822

{original}
--b--
"""
FAILED = """Reporting-MTA: dns; mx.example.net

Final-Recipient: rfc822; ada@example.com
Action: {action}
Status: {status}
Diagnostic-Code: smtp; 550 {status} No such user"""
ABUSE = """Feedback-Type: abuse
User-Agent: Provider/1.0
Version: 1"""


@pytest.fixture
def ada(now: datetime, subscriber: Callable[..., Contact], content: Callable[..., Content], settings: Any) -> Contact:
    settings.BOUNCE_ADDRESS = "bounce@mail.example.com"
    ada = subscriber("ada@example.com")
    queue_for(content(), ada, now=now)
    Message.objects.update(state="sent", sent_at=now, recorded=True)
    return ada


def original() -> str:
    """The email that was sent, as reports attach it."""
    mail = EmailMessage()
    mail["Message-ID"] = f"<{token_of(Message.objects.get().pk)}@example.com>"
    mail["To"] = "ada@example.com"
    mail.set_content("Welcome")
    return mail.as_string()


def report(status: str = "5.1.1", action: str = "failed", *, to: str | None = None, attached: str = "") -> bytes:
    to = f"bounce+{token_of(Message.objects.get().pk)}@mail.example.com" if to is None else to
    text = FAILED.format(status=status, action=action)
    return REPORT.format(
        to=to, kind="delivery-status", status_type="message/delivery-status", status=text, original=attached
    ).encode()


def complaint() -> bytes:
    return REPORT.format(
        to="abuse@example.com",
        kind="feedback-report",
        status_type="message/feedback-report",
        status=ABUSE,
        original=original(),
    ).encode()


def status_of(contact: Contact) -> tuple[str, str]:
    contact.refresh_from_db()
    return contact.email_status, contact.newsletter


def test_a_report_comes_to_an_address_that_names_the_message(now: datetime, ada: Contact) -> None:
    for _again in range(2):
        told = receive(report(), now=now)
        assert told is not None
        assert (told.kind, told.detail) == (Kind.HARD, "5.1.1 smtp; 550 5.1.1 No such user")
    assert status_of(ada) == ("bounced", "subscribed")
    assert happened(ada) == ["email_bounced"]
    assert Message.objects.get().bounced_at == now


def test_a_report_that_comes_otherwise_is_known_by_what_it_attaches(now: datetime, ada: Contact) -> None:
    assert receive(report(to="shop@example.com", attached=original()), now=now) is not None
    assert status_of(ada) == ("bounced", "subscribed")


def test_a_complaint_ends_all_newsletters(now: datetime, ada: Contact) -> None:
    assert receive(complaint(), now=now) is not None
    assert status_of(ada) == ("complained", "unsubscribed")
    assert happened(ada) == ["email_complained"]


def test_what_is_no_report_changes_nothing(now: datetime, ada: Contact) -> None:
    to = f"bounce+{token_of(Message.objects.get().pk)}@mail.example.com"
    away = EmailMessage()
    away["To"], away["Subject"] = to, "I am away"
    away.set_content("Back on Monday. 5.1.1 Action: failed")
    for raw in (
        away.as_bytes(),
        report(action="delayed", status="4.4.1"),
        report(action="delivered", status="2.0.0"),
        report(to="bounce+1-AAAAAAAAAAAAAAAA@mail.example.com"),
        report(to="shop@example.com"),
        b"",
        b"\xff\x00 no email",
    ):
        assert receive(raw, now=now) is None
    assert status_of(ada) == ("ok", "subscribed")
    assert happened(ada) == []


def test_a_message_that_is_gone_is_no_message(now: datetime, ada: Contact) -> None:
    raw = report()
    Message.objects.all().delete()
    assert read(raw) is not None
    assert receive(raw, now=now) is None


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("5.1.1", "hard"),
        ("5.1.10", "hard"),
        ("5.0.0", "hard"),
        ("5.2.1", "hard"),
        ("5.2.2", "soft"),
        ("5.7.1", "soft"),
        ("4.4.7", "soft"),
        ("4.1.1", "soft"),
        ("", "soft"),
        ("nonsense", "soft"),
    ],
)
def test_only_a_missing_mailbox_is_for_good(status: str, kind: str) -> None:
    assert kind_of(status) == kind


def command(raw: bytes, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(raw)))
    out = io.StringIO()
    call_command("receive_bounce", stdout=out)
    return out.getvalue().strip()


def test_the_mail_server_pipes_reports_into_a_command(ada: Contact, monkeypatch: pytest.MonkeyPatch) -> None:
    number = Message.objects.get().pk
    assert command(report(), monkeypatch) == f"Message {number}: hard."
    assert command(b"Subject: Hello\n\nHello", monkeypatch) == "No report about an email of Muster."
    assert status_of(ada)[0] == "bounced"


def test_the_mail_server_keeps_a_report_while_the_database_does_not_answer(
    ada: Contact, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_database(*args: Any, **options: Any) -> None:
        raise OperationalError("no database")

    raw = report()
    monkeypatch.setattr("campaigns.bounces.apply", no_database)
    with pytest.raises(CommandError) as error:
        command(raw, monkeypatch)
    assert error.value.returncode == 75


def test_a_mail_service_tells_the_api(ada: Contact) -> None:
    api = Api.with_scopes(ApiKey.Scope.EVENTS_WRITE)
    number = Message.objects.get().pk
    said = {"message_id": f"<{token_of(number)}@example.com>", "kind": "hard", "detail": "550 No such user"}
    for _again in range(2):
        assert api.post("/emails/bounces", said) == (200, {"message": number})
    assert status_of(ada)[0] == "bounced"
    assert happened(ada) == ["email_bounced"]


@pytest.mark.parametrize(
    ("said", "place"),
    [
        ({"message_id": "<1-AAAAAAAAAAAAAAAA@example.com>", "kind": "hard"}, "message_id"),
        ({"message_id": "", "kind": "hard"}, "message_id"),
        ({"message_id": "x", "kind": "medium"}, "kind"),
        ({"kind": "hard"}, "message_id"),
    ],
)
def test_the_api_refuses_what_it_does_not_know(ada: Contact, said: dict[str, str], place: str) -> None:
    status, body = Api.with_scopes(ApiKey.Scope.EVENTS_WRITE).post("/emails/bounces", said)
    assert (status, list(errors_in(body))) == (400, [place])
    assert Api.with_scopes(ApiKey.Scope.CONTACTS_READ).post("/emails/bounces", said)[0] == 403
