"""Emails to send are rows first, written with what they follow from; `campaigns.sending` hands them over."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection

from campaigns.models import Content, Message
from contacts.json_rows import as_json, in_values, moment_writer, rows_of, rows_parameter, values_parameter

CAP_SPAN = timedelta(days=1)
PRIORITIES = {Content.Kind.TRANSACTIONAL: 0, Content.Kind.NEWSLETTER: 1}
RECIPIENT_COLUMNS = {"key": "text", "contact_id": "bigint", "event_id": "bigint", "filling": "text"}


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody who shall get a content: ``key`` is what makes it one message however often it is queued.

    ``event_id`` is the event that it follows from, and ``values`` is a JSON object of what else it is filled with.
    """

    key: str
    contact_id: int
    event_id: int | None = None
    values: Mapping[str, Any] = field(default_factory=dict)


def queue(content: Content, recipients: Sequence[Recipient], *, now: datetime, is_test: bool = False) -> dict[str, str]:
    """Queue a content for recipients, and say of each key why it is not sent; "" for one that is, or was.

    In the transaction of the caller, in two statements for any number of recipients. A key that is known is left as
    it is. Who has no address, whose address came back and who complained gets nothing; a newsletter goes to its
    subscribers only, as often a day as ``MAIL_PER_CONTACT_PER_DAY`` allows. A test goes to whoever has a good address.
    The reasons are those of `Message.Reason`.
    """
    if not recipients:
        return {}
    moment = moment_writer()
    with connection.cursor() as cursor:
        cursor.execute(
            _insertion(content, is_test=is_test),
            {
                "rows": rows_parameter(_row(recipient) for recipient in recipients),
                "content": content.pk,
                "priority": PRIORITIES[Content.Kind(content.kind)],
                "now": moment(now),
                "since": moment(now - CAP_SPAN),
                "cap": settings.MAIL_PER_CONTACT_PER_DAY,
                "is_test": is_test,
            },
        )
        keys = [recipient.key for recipient in recipients]
        cursor.execute(
            f"SELECT key, CASE WHEN state = 'skipped' THEN reason ELSE '' END"
            f" FROM campaigns_message WHERE {in_values('key')}",
            [values_parameter(keys)],
        )
        found: dict[str, str] = dict(cursor.fetchall())
    # A contact that is gone has no address either.
    return {key: found.get(key, Message.Reason.NO_EMAIL.value) for key in keys}


def _row(recipient: Recipient) -> dict[str, Any]:
    return {
        "key": recipient.key,
        "contact_id": recipient.contact_id,
        "event_id": recipient.event_id,
        "filling": json.dumps(dict(recipient.values), ensure_ascii=False),
    }


def _insertion(content: Content, *, is_test: bool) -> str:
    """The statement that writes a message for every recipient, queued or skipped."""
    rows = rows_of(RECIPIENT_COLUMNS).replace("%s", "%(rows)s")
    reasons = [
        "WHEN c.email IS NULL THEN 'no_email'",
        "WHEN c.email_status = 'bounced' THEN 'bounced'",
        "WHEN c.email_status = 'complained' THEN 'complained'",
    ]
    if content.kind == Content.Kind.NEWSLETTER and not is_test:
        reasons.append("WHEN c.newsletter <> 'subscribed' THEN 'unsubscribed'")
        if settings.MAIL_PER_CONTACT_PER_DAY:
            reasons.append(
                "WHEN (SELECT count(*) FROM campaigns_message m WHERE m.contact_id = c.id"
                " AND m.created_at > %(since)s AND m.priority = %(priority)s AND NOT m.is_test"
                " AND m.state NOT IN ('skipped', 'failed'))"
                " + row_number() OVER (PARTITION BY c.id ORDER BY new.key) > %(cap)s THEN 'capped'"
            )
    return f"""
        INSERT INTO campaigns_message (content_id, contact_id, key, "to", event_id, "values", state, reason, detail,
            priority, due_at, attempts, created_at, recorded, is_test)
        SELECT %(content)s, contact_id, key, address, event_id, {as_json("filling")},
            CASE WHEN reason = '' THEN 'queued' ELSE 'skipped' END, reason, '',
            %(priority)s, {_moment()}, 0, {_moment()}, {_no()}, %(is_test)s
        FROM (
            SELECT new.*, coalesce(c.email, '') AS address, CASE {" ".join(reasons)} ELSE '' END AS reason
            FROM {rows} AS new JOIN contacts_contact c ON c.id = new.contact_id
            WHERE NOT EXISTS (SELECT 1 FROM campaigns_message known WHERE known.key = new.key)
        ) AS judged WHERE true
        ON CONFLICT (key) DO NOTHING"""


def _moment() -> str:
    return "%(now)s::timestamptz" if connection.vendor == "postgresql" else "%(now)s"


def _no() -> str:
    return "false" if connection.vendor == "postgresql" else "0"
