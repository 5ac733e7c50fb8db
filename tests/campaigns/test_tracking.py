"""The addresses in emails: what opening, clicking and unsubscribing do, and what made-up addresses do not."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from campaigns import happenings, links
from campaigns.links import click_url, message_id_of, token_of
from campaigns.models import Content, Message
from contacts.deletion import anonymise, delete_contacts
from contacts.models import Contact, Event
from contacts.personal_data import data_of
from tests.campaigns.sending import happened, queue_for

pytestmark = pytest.mark.django_db
Subscriber = Callable[..., Contact]
Contents = Callable[..., Content]
SALE = "https://shop.example/sale?a=1&b=é"


@pytest.fixture
def ada(now: datetime, subscriber: Subscriber, content: Contents, settings: Any) -> Contact:
    """A contact with an email that was sent."""
    settings.PUBLIC_URL = "http://testserver"
    ada = subscriber("ada@example.com", first_name="Ada")
    queue_for(content(body="Hello {{ contact.first_name }}, [look](https://shop.example/sale)"), ada, now=now)
    Message.objects.update(state="sent", sent_at=now, recorded=True)
    return ada


@pytest.fixture
def message(ada: Contact) -> Message:
    return Message.objects.get()


@pytest.fixture
def visitor() -> Client:
    """Somebody without an account, whose browser keeps to the rules about forms."""
    return Client(enforce_csrf_checks=True)


def path(url: str) -> str:
    return url.removeprefix("http://testserver")


def test_opening_is_noticed_once(visitor: Client, ada: Contact, message: Message) -> None:
    Contact.objects.filter(pk=ada.pk).update(email_status="soft_bounce")
    address = path(links.open_url(token_of(message.pk)))
    visitor.head(address)
    assert happened(ada) == []

    for _again in range(2):
        response = visitor.get(address)
        assert (response.status_code, response["Content-Type"]) == (200, "image/gif")
        assert "no-cache" in response["Cache-Control"]

    assert happened(ada) == ["email_opened"]
    message.refresh_from_db()
    ada.refresh_from_db()
    assert message.opened_at is not None
    assert ada.email_status == "ok"
    with CaptureQueriesContext(connection) as queries:
        visitor.get(address)
    assert len([one for one in queries if "SAVEPOINT" not in one["sql"]]) == 2


def test_a_click_is_noticed_once_for_each_link_and_leads_on(visitor: Client, ada: Contact, message: Message) -> None:
    token = token_of(message.pk)
    for url in (SALE, "https://shop.example/other", SALE):
        response = visitor.get(path(click_url(token, url)))
        assert response.status_code == 302
        assert response["Location"] == url.replace("é", "%C3%A9")
        assert response["Referrer-Policy"] == "no-referrer"

    assert sorted(happened(ada)) == ["email_clicked", "email_clicked", "email_opened"]
    urls = {event.properties["url"] for event in Event.objects.filter(type="email_clicked")}
    assert urls == {SALE, "https://shop.example/other"}
    message.refresh_from_db()
    assert message.clicked_at is not None


def test_a_link_cannot_be_bent_to_lead_elsewhere(visitor: Client, ada: Contact, message: Message) -> None:
    token = token_of(message.pk)
    address = path(click_url(token, SALE))
    made_up = [
        address.replace("shop.example", "evil.example"),
        address.split("?")[0],
        address.split("?")[0] + "?u=",
        f"/m/c/{token}/AAAAAAAAAAAAAAAA?u=https%3A%2F%2Fevil.example",
        f"/m/c/{token}/{token.partition('-')[2]}?u=https%3A%2F%2Fevil.example",
    ]
    assert [visitor.get(url).status_code for url in made_up] == [404] * 5
    assert Client().post(address).status_code == 405
    assert happened(ada) == []

    someone = path(click_url("17-AAAAAAAAAAAAAAAA", SALE))
    assert visitor.get(someone).status_code == 302
    assert happened(ada) == []


def test_signatures_hold_while_a_secret_key_is_replaced(settings: Any) -> None:
    token, url = token_of(5), click_url("t", SALE).split("/")[-1].split("?")[0]
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another", [settings.SECRET_KEY]
    assert message_id_of(token) == 5
    assert links.is_link(SALE, url)
    assert token_of(5) != token
    settings.SECRET_KEY_FALLBACKS = []
    assert message_id_of(token) is None
    assert not links.is_link(SALE, url)


@pytest.mark.parametrize("token", ["", "5", "0-AAAAAAAAAAAAAAAA", "5-AAAAAAAAAAAAAAAA", "٥-AAAAAAAAAAAAAAAA", "9" * 30])
def test_made_up_names_of_messages_say_nothing(visitor: Client, db: None, token: str) -> None:
    assert message_id_of(token) is None
    if token:
        assert visitor.get(f"/m/o/{token}.gif").status_code == 200
        assert visitor.get(f"/m/u/{token}").status_code == 404
        assert visitor.post(f"/m/u/{token}").status_code == 404
        assert visitor.get(f"/m/v/{token}").status_code == 404


def test_unsubscribing_asks_first_and_then_does(visitor: Client, ada: Contact, message: Message) -> None:
    address = path(links.unsubscribe_url(token_of(message.pk)))
    asked = visitor.get(address)
    assert asked.status_code == 200
    assert "Shall no more newsletters go to a…@example.com?" in asked.content.decode()
    assert asked["X-Robots-Tag"] == "noindex"
    ada.refresh_from_db()
    assert ada.newsletter == "subscribed"

    done = visitor.post(address)
    assert "No newsletters go to a…@example.com any more." in done.content.decode()
    ada.refresh_from_db()
    assert ada.newsletter == "unsubscribed"
    assert ada.newsletter_at is not None
    assert happened(ada) == ["unsubscribed"]


def test_mail_programs_unsubscribe_with_one_click(visitor: Client, ada: Contact, message: Message) -> None:
    address = path(links.unsubscribe_url(token_of(message.pk)))
    for _again in range(2):
        response = visitor.post(address, "List-Unsubscribe=One-Click", content_type="application/x-www-form-urlencoded")
        assert response.status_code == 200
    ada.refresh_from_db()
    assert ada.newsletter == "unsubscribed"
    assert happened(ada) == ["unsubscribed"]


def test_the_email_can_be_read_in_a_browser(visitor: Client, ada: Contact, message: Message) -> None:
    address = path(links.view_url(token_of(message.pk)))
    response = visitor.get(address)
    html = response.content.decode()
    assert "Hello Ada" in html
    assert 'href="https://shop.example/sale"' in html
    assert "/m/o/" not in html
    assert "script-src 'none'" in response["Content-Security-Policy"]
    assert "default-src 'none'" in response["Content-Security-Policy"]
    assert happened(ada) == []


def test_addresses_of_somebody_who_is_gone_do_no_harm(
    visitor: Client, now: datetime, ada: Contact, message: Message
) -> None:
    token = token_of(message.pk)
    delete_contacts(Contact.objects.filter(pk=ada.pk), now=now)
    assert not Message.objects.exists()

    assert visitor.get(path(click_url(token, SALE)))["Location"].startswith("https://shop.example")
    assert visitor.get(path(links.open_url(token))).status_code == 200
    assert visitor.get(path(links.view_url(token))).status_code == 404
    for answer in (visitor.get(path(links.unsubscribe_url(token))), visitor.post(path(links.unsubscribe_url(token)))):
        assert "No newsletters go to your address any more." in answer.content.decode()


def test_a_contact_is_given_their_emails_and_can_be_made_anonymous(
    now: datetime, ada: Contact, message: Message
) -> None:
    [told] = data_of(ada)["emails"]
    assert (told["to"], told["campaign"], told["subject"]) == ("ada@example.com", "Welcome", "Hello")
    assert told["sent_at"] == now

    anonymise(ada, now=now)
    message.refresh_from_db()
    assert (message.to, message.values, message.sent_at) == ("", {}, now)


def test_the_emails_of_a_visitor_who_becomes_known_go_over(
    now: datetime, ada: Contact, message: Message, subscriber: Subscriber
) -> None:
    from campaigns.contact_data import Emails

    eve = subscriber("eve@example.com")
    Emails().move(ada, eve, now=now)
    assert list(Message.objects.values_list("contact", flat=True)) == [eve.pk]


def test_what_happens_to_an_email_changes_what_the_contact_says_of_it(
    now: datetime, ada: Contact, message: Message
) -> None:
    def status() -> tuple[str, str]:
        ada.refresh_from_db()
        return ada.email_status, ada.newsletter

    happenings.bounced(message, "4.2.2 full", hard=False, now=now)
    assert status() == ("soft_bounce", "subscribed")
    happenings.bounced(message, "5.1.1 none", hard=True, now=now + timedelta(hours=1))
    happenings.bounced(message, "5.1.1 none", hard=True, now=now + timedelta(hours=2))
    assert status() == ("bounced", "subscribed")
    happenings.bounced(message, "4.2.2 full", hard=False, now=now)
    happenings.opened(message, now=now + timedelta(hours=3))
    assert status() == ("bounced", "subscribed")
    happenings.complained(message, now=now + timedelta(hours=3))
    assert status() == ("complained", "unsubscribed")
    assert sorted(happened(ada)) == ["email_bounced", "email_bounced", "email_complained", "email_opened"]


def test_a_bounce_says_nothing_of_another_address(now: datetime, ada: Contact, message: Message) -> None:
    Contact.objects.filter(pk=ada.pk).update(email="new@example.com")
    happenings.bounced(message, "5.1.1 none", hard=True, now=now)
    ada.refresh_from_db()
    assert ada.email_status == "ok"
    assert happened(ada) == ["email_bounced"]


@pytest.fixture
def confirmation(now: datetime, subscriber: Subscriber, content: Contents, settings: Any) -> Message:
    """An email that asks Bea to confirm the newsletter."""
    settings.PUBLIC_URL = "http://testserver"
    bea = subscriber("bea@example.com", newsletter="pending")
    queue_for(content(kind="transactional", body='[Yes]({{ confirm_url }} "button")'), bea, now=now)
    Message.objects.update(state="sent", sent_at=now, recorded=True)
    return Message.objects.get()


def confirming(message: Message) -> str:
    return path(links.confirm_url(token_of(message.pk)))


def test_the_newsletter_is_confirmed_by_the_button_and_not_by_looking(visitor: Client, confirmation: Message) -> None:
    bea = confirmation.contact
    assert confirming(confirmation) in visitor.get(path(links.view_url(token_of(confirmation.pk)))).content.decode()
    for look in (visitor.head, visitor.get):
        asked = look(confirming(confirmation))
        assert (asked.status_code, asked["X-Robots-Tag"]) == (200, "noindex")
    assert "Shall the newsletter go to b…@example.com?" in asked.content.decode()
    bea.refresh_from_db()
    assert (bea.newsletter, happened(bea)) == ("pending", [])

    for _again in range(2):
        done = visitor.post(confirming(confirmation))
        assert "Thank you, you are subscribed" in done.content.decode()
    bea.refresh_from_db()
    assert bea.newsletter == "subscribed"
    assert bea.newsletter_at > confirmation.sent_at
    assert sorted(happened(bea)) == ["email_opened", "newsletter_confirmed"]


def test_nobody_confirms_for_another_address_or_by_one_made_up(visitor: Client, confirmation: Message) -> None:
    token = token_of(confirmation.pk)
    signature = links.unsubscribe_url(token).rpartition("-")[2]
    assert visitor.post(f"/m/s/{token}/{signature}").status_code == 404
    assert visitor.post(f"/m/s/7-{'x' * 16}/{confirming(confirmation).rpartition('/')[2]}").status_code == 404
    Contact.objects.update(email="other@example.com")
    for answer in (visitor.get(confirming(confirmation)), visitor.post(confirming(confirmation))):
        assert "This link is no longer valid" in answer.content.decode()
    bea = Contact.objects.get()
    assert (bea.newsletter, happened(bea)) == ("pending", [])
    delete_contacts(Contact.objects.all(), now=confirmation.created_at)
    assert visitor.get(confirming(confirmation)).status_code == 404
