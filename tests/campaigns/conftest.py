"""What tests of emails use: contacts who may get them, and contents."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest

from campaigns.contents import content_of
from campaigns.models import Content
from contacts.models import Contact
from tests.campaigns.mail_server import MailServer, mail_server

WELCOME = {"name": "Welcome", "kind": "newsletter", "subject": "Hello", "body": "Welcome to the shop."}


@pytest.fixture
def subscriber(db: None, now: datetime) -> Callable[..., Contact]:
    """Make a contact who subscribes to the newsletter: ``subscriber("ada@example.com", first_name="Ada")``."""

    def make(email: str | None, **fields: Any) -> Contact:
        defaults: dict[str, Any] = {"newsletter": "subscribed", "created_at": now, "updated_at": now}
        return Contact.objects.create(email=email, **(defaults | fields))

    return make


@pytest.fixture
def content(db: None, now: datetime) -> Callable[..., Content]:
    """Make a content: ``content(subject="Hello {{ contact.first_name }}")``."""

    def make(**settings: Any) -> Content:
        return content_of(WELCOME | settings, name="Welcome", source="workflow:1:n1", now=now)

    return make


@pytest.fixture
def server(settings: Any) -> Iterator[MailServer]:
    """A real mail server, and senders in the settings."""
    settings.DEFAULT_FROM_EMAIL = "The Shop <shop@example.com>"
    settings.PUBLIC_URL = "https://crm.example.org"
    with mail_server(settings) as running:
        yield running
