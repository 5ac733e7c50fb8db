"""What becomes of emails, as events of their contacts: delivered, opened, clicked, confirmed, unsubscribed,
bounced, complained.

Each is recorded once for a message (clicks: once for each link), with an idempotency key, and changes what the contact
says of their emails. `contacts.events` writes the events, so that segments and workflows hear of them.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

from django.db import connection

from campaigns.models import Message
from contacts import changes
from contacts.events import NewEvent, record
from contacts.models import Contact

RECORDED_AT_ONCE = 1_000
EmailStatus, Newsletter = Contact.EmailStatus, Contact.Newsletter


def record_sent(*, now: datetime) -> int:
    """Record the event of every message that was handed over since; how many these are.

    Also of those whose worker died before it could: the message says whether it is recorded.
    """
    recorded = 0
    while number := _record_some(now=now):
        recorded += number
    return recorded


def _record_some(*, now: datetime) -> int:
    with changes.recorded(now=now):
        sent = Message.objects.filter(state=Message.State.SENT, recorded=False).select_related("content")
        if connection.features.has_select_for_update_skip_locked:
            sent = sent.select_for_update(skip_locked=True, of=("self",))
        messages = list(sent.order_by("pk")[:RECORDED_AT_ONCE])
        record([_event(message, "email_delivered", message.sent_at or now) for message in messages], now=now)
        Message.objects.filter(pk__in=[message.pk for message in messages]).update(recorded=True)
    return len(messages)


def opened(message: Message, *, now: datetime) -> None:
    """The contact opened the email."""
    with changes.recorded(now=now):
        if _first_time(message, "opened_at", now=now):
            record([_event(message, "email_opened", now)], now=now)
            # Whoever reads their mail has a mailbox with room again.
            _change(message, {"email_status": EmailStatus.OK}, now=now, email_status=EmailStatus.SOFT_BOUNCE)


def clicked(message: Message, url: str, *, now: datetime) -> None:
    """The contact followed a link of the email, and so opened it, even where its pictures are not shown."""
    opened(message, now=now)
    with changes.recorded(now=now):
        _first_time(message, "clicked_at", now=now)
        digest = hashlib.sha256(url.encode()).hexdigest()[:16]
        record([_event(message, "email_clicked", now, about=digest, url=url)], now=now)


def unsubscribed(message: Message, *, now: datetime) -> None:
    """The contact wants no newsletters any more."""
    with changes.recorded(now=now):
        values = {"newsletter": Newsletter.UNSUBSCRIBED, "newsletter_at": now}
        if _change(message, values, now=now, newsletter__in=_others(Newsletter, Newsletter.UNSUBSCRIBED)):
            record([_event(message, "unsubscribed", now)], now=now)


def confirmed(message: Message, *, now: datetime) -> None:
    """The contact wants the newsletter at the address to which the email went, and says so by a press of a button."""
    opened(message, now=now)
    with changes.recorded(now=now):
        values = {"newsletter": Newsletter.SUBSCRIBED, "newsletter_at": now}
        others = _others(Newsletter, Newsletter.SUBSCRIBED)
        _change(message, values, now=now, newsletter__in=others, email=message.to)
        record([_event(message, "newsletter_confirmed", now)], now=now)


def bounced(message: Message, detail: str, *, hard: bool, now: datetime) -> None:
    """The email came back: for good (``hard``), or for now, such as from a full mailbox."""
    with changes.recorded(now=now):
        _first_time(message, "bounced_at", now=now)
        kind = "hard" if hard else "soft"
        record([_event(message, "email_bounced", now, about=kind, bounce=kind, detail=detail[:500])], now=now)
        if hard:
            not_worse = (EmailStatus.OK, EmailStatus.SOFT_BOUNCE)
            _change(message, {"email_status": EmailStatus.BOUNCED}, now=now, email_status__in=not_worse)
        else:
            _change(message, {"email_status": EmailStatus.SOFT_BOUNCE}, now=now, email_status=EmailStatus.OK)


def complained(message: Message, *, now: datetime) -> None:
    """The contact marked the email as spam: they get none any more."""
    with changes.recorded(now=now):
        record([_event(message, "email_complained", now)], now=now)
        _change(message, {"email_status": EmailStatus.COMPLAINED}, now=now)
        values = {"newsletter": Newsletter.UNSUBSCRIBED, "newsletter_at": now}
        _change(message, values, now=now, newsletter__in=[Newsletter.SUBSCRIBED, Newsletter.PENDING])


def _others(choices: Any, value: str) -> list[str]:
    return [choice for choice in choices.values if choice != value]


def _event(message: Message, event_type: str, at: datetime, *, about: str = "", **properties: str) -> NewEvent:
    key = f"message:{message.pk}:{event_type}"
    return NewEvent(
        type=event_type,
        occurred_at=at,
        contact_id=message.contact_id,
        key=f"{key}:{about}" if about else key,
        properties={
            "campaign": message.content.name,
            "email": message.content.source,
            "message": message.pk,
            **properties,
        },
    )


def _first_time(message: Message, column: str, *, now: datetime) -> bool:
    """Whether this happened to the message for the first time, which is written down."""
    return bool(Message.objects.filter(pk=message.pk, **{f"{column}__isnull": True}).update(**{column: now}))


def _change(message: Message, values: dict[str, Any], *, now: datetime, **conditions: Any) -> bool:
    """Change the contact if they are as the conditions say, in the address that the message went to."""
    if "email_status" in values:
        conditions["email"] = message.to
    contact = Contact.objects.filter(pk=message.contact_id, **conditions)
    return bool(contact.update(**values, updated_at=now))
