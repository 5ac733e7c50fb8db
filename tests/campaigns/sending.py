"""Sending in tests: with a clock that stands, and what became of the messages."""

from datetime import datetime

from campaigns.models import Content, Message
from campaigns.outbox import Recipient, queue
from campaigns.sending import send_due
from contacts.models import Contact, Event


def queue_for(content: Content, *contacts: Contact, now: datetime) -> None:
    """Queue a content for contacts, under keys with their ids."""
    queue(content, [Recipient(f"run:{content.pk}:{contact.pk}", contact.pk) for contact in contacts], now=now)


def send(now: datetime, limit: int = 100) -> int:
    return send_due(now=now, clock=lambda: now, limit=limit)


def states() -> dict[str, tuple[str, str]]:
    """State and reason of all messages, by address."""
    return {message.to: (message.state, message.reason) for message in Message.objects.all()}


def happened(contact: Contact) -> list[str]:
    """The types of the contact's events, in order."""
    return list(Event.objects.filter(contact=contact).order_by("occurred_at", "pk").values_list("type", flat=True))
