"""An email from its text to the mailbox, and what its reader does: reading it in the browser and unsubscribing."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from campaigns.contents import content_of
from campaigns.outbox import Recipient, queue
from campaigns.sending import send_due
from contacts.models import Contact
from tests.campaigns.mail_server import MailServer, mail_server
from tests.e2e.conftest import PHONE, SCREEN

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]

BODY = """
# Spring is here, {{ contact.first_name | default: "friend" }}

Desks and chairs for your **home office**, delivered within two days. What is new:

- oak desks in three sizes
- chairs with a warranty of ten years

| Desk | Price |
|---|---|
| Small | 249 € |
| Large | 399 € |

<p style="text-align:center"><a href="https://shop.example/spring" style="display:inline-block;padding:12px 24px;
background-color:#4f46e5;color:#ffffff;border-radius:6px;text-decoration:none">See the spring collection</a></p>

See you soon!
"""


@pytest.fixture
def server(settings: Any, live_server: LiveServer) -> Iterator[MailServer]:
    settings.PUBLIC_URL = live_server.url
    settings.DEFAULT_FROM_EMAIL = "The Shop <shop@example.com>"
    with mail_server(settings) as running:
        yield running


@pytest.mark.parametrize("device", [SCREEN, PHONE], ids=["screen", "phone"])
def test_a_newsletter_is_read_in_the_browser_and_unsubscribed_from(
    new_page: Callable[..., Page],
    device: dict[str, Any],
    server: MailServer,
    axe: Callable[..., None],
    shot: Callable[..., None],
) -> None:
    now = timezone.now()
    ada = Contact.objects.create(email="ada@example.com", first_name="Ada", newsletter="subscribed")
    letter = content_of({"subject": "Spring", "body": BODY}, name="Spring", source="workflow:1:n1", now=now)
    queue(letter, [Recipient("run:1:1", ada.pk)], now=now)
    assert send_due(now=now, clock=timezone.now, limit=10) == 1

    [(_recipient, _sender, mail)] = server.received
    html = mail.get_body(("html",)).get_content()  # type: ignore[union-attr]
    view = re.search(r'href="([^"]+/m/v/[^"]+)"', html)
    assert view
    page = new_page(**device)
    page.goto(view[1])
    expect(page.get_by_role("heading", name="Spring is here, Ada")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    axe(page, themes=["light"])
    shot(page, "email")

    page.get_by_role("link", name="Unsubscribe").click()
    expect(page.get_by_role("heading", name="Unsubscribe?")).to_be_visible()
    axe(page)
    shot(page, "unsubscribe")
    page.get_by_role("button", name="Unsubscribe").click()
    expect(page.get_by_role("heading", name="You are unsubscribed")).to_be_visible()
    ada.refresh_from_db()
    assert ada.newsletter == "unsubscribed"
