"""The states of messages while they are sent, so that a worker that dies leaves at most one of which nobody can tell.

A worker claims some messages for itself. Just before it hands one over it says so, and just after; the second says
the first of the next message too, so that an email costs one small write.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q

from campaigns.models import Message
from contacts.json_rows import moment_writer

CLAIM_HOLDS = timedelta(minutes=5)
HANDING_OVER_TAKES_AT_MOST = timedelta(minutes=15)
HOUR = timedelta(hours=1)
LOCK = 0x4D41494C  # one number for all who count what may still be sent in this hour
NEEDED = ("key", "content_id", "contact_id", "to", "event_id", "values", "attempts", "is_test")  # to send a message
RETRIES = [timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 180, 480, 1440)]

State = Message.State

STEP = """
    UPDATE campaigns_message SET state = CASE WHEN id = %s THEN 'sent' ELSE 'sending' END,
        sent_at = CASE WHEN id = %s THEN %s END, claimed_at = %s,
        attempts = attempts + CASE WHEN id = %s THEN 0 ELSE 1 END
    WHERE id IN (%s, %s) AND claim = %s
        AND ((id = %s AND state IN ('sending', 'in_doubt')) OR (id = %s AND state = 'queued'))
    RETURNING id"""
STEP_ON_POSTGRESQL = STEP.replace("THEN %s END, claimed_at = %s", "THEN %s::timestamptz END, claimed_at = %s")


def claim(most: int, *, claimant: uuid.UUID, now: datetime) -> list[Message]:
    """Take up to so many messages that are due, in their order; fewer where the hour's cap ends.

    What another worker claimed longer than `CLAIM_HOLDS` ago is taken too: if it lives after all, it will notice.
    """
    with transaction.atomic():
        most = min(most, _left_in_this_hour(now))
        free = Q(claimed_at__isnull=True) | Q(claimed_at__lt=now - CLAIM_HOLDS)
        due = Message.objects.due(now=now).filter(free)
        if connection.features.has_select_for_update_skip_locked:
            due = due.select_for_update(skip_locked=True)
        ids = list(due.values_list("pk", flat=True)[: max(0, most)])
        if not ids:
            return []
        Message.objects.filter(pk__in=ids).update(claim=claimant, claimed_at=now)
    order = {message_id: place for place, message_id in enumerate(ids)}
    messages = Message.objects.filter(pk__in=ids).only(*NEEDED)
    return sorted(messages, key=lambda message: order[message.pk])


def _left_in_this_hour(now: datetime) -> int:
    cap: int = settings.MAIL_PER_HOUR
    if not cap:
        return 1_000_000
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
    claimed = Message.objects.filter(state=State.QUEUED, claimed_at__gte=now - CLAIM_HOLDS).count()
    return cap - Message.objects.sent_since(now - HOUR).count() - claimed


def step(sent: Message | None, following: Message | None, *, claimant: uuid.UUID, now: datetime) -> bool:
    """Say that one message was sent and another is being sent. False if the other is no longer ours to send."""
    if sent is None and following is None:
        return False
    done = sent.pk if sent is not None else 0
    beginning = following.pk if following is not None else 0
    moment = moment_writer()(now)
    with connection.cursor() as cursor:
        cursor.execute(
            STEP_ON_POSTGRESQL if connection.vendor == "postgresql" else STEP,
            [done, done, moment, moment, done, done, beginning, claimant.hex, done, beginning],
        )
        return any(row[0] == beginning for row in cursor.fetchall())


def release(messages: Sequence[Message], *, claimant: uuid.UUID) -> None:
    """Give back messages that were claimed and not begun."""
    _ours(messages, claimant).filter(state=State.QUEUED).update(claim=None, claimed_at=None)


def take_back(message: Message, *, claimant: uuid.UUID) -> None:
    """Give back a message that was begun and surely not handed over, as if it had not been."""
    _ours([message], claimant).filter(state=State.SENDING).update(
        state=State.QUEUED, claim=None, claimed_at=None, attempts=message.attempts
    )


def put_off(message: Message, detail: str, *, claimant: uuid.UUID, now: datetime) -> bool:
    """Try a message again later, or give it up after the last of `RETRIES`: then False."""
    if message.attempts >= len(RETRIES):
        end(message, State.FAILED, Message.Reason.GAVE_UP, detail, claimant=claimant)
        return False
    _ours([message], claimant).filter(state=State.SENDING).update(
        state=State.QUEUED, claim=None, claimed_at=None, detail=detail, due_at=now + RETRIES[message.attempts]
    )
    return True


def end(message: Message, state: Message.State, reason: str, detail: str = "", *, claimant: uuid.UUID) -> None:
    """Write down that a message is not sent, or that nobody can tell."""
    _ours([message], claimant).update(state=state, reason=reason, detail=detail)


def _ours(messages: Sequence[Message], claimant: uuid.UUID) -> Any:
    return Message.objects.filter(pk__in=[message.pk for message in messages], claim=claimant)


def doubt_lost(*, now: datetime) -> int:
    """Put in doubt what has been on its way for longer than that takes: its worker is gone. Returns how many."""
    return Message.objects.filter(state=State.SENDING, claimed_at__lt=now - HANDING_OVER_TAKES_AT_MOST).update(
        state=State.IN_DOUBT
    )
