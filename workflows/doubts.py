"""Emails of which nobody can tell whether they were sent, as incidents of the workflows that they come from.

Whoever sends emails knows nothing of workflows: these emails are looked for.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db import transaction
from django.db.models import CharField, Exists, OuterRef, QuerySet, Value
from django.db.models.functions import Cast, Concat
from django.utils.translation import gettext as _

from campaigns.models import Message
from workflows.models import Incident, Run

SUBJECT = "message:"
OF_A_RUN = "run:"  # begins the key of every message that a run queues: see `workflows.nodes.base.Visit.key`
AT_ONCE = 1_000


def tell_of_doubts(*, now: datetime) -> int:
    """Keep an incident for every email of a run that is in doubt, and close those of emails that no longer are.

    Returns how many were kept. Doing it again, or in several workers at once, keeps none twice.
    """
    _close_settled(now=now)
    told, after = 0, 0
    while ids := _in_doubt(after):
        told += _tell_of(ids, now=now)
        after = ids[-1]
    return told


def _in_doubt(after: int) -> list[int]:
    doubtful = Message.objects.in_doubt().filter(pk__gt=after, key__startswith=OF_A_RUN)
    return list(doubtful.order_by("pk").values_list("pk", flat=True)[:AT_ONCE])


def _tell_of(message_ids: Collection[int], *, now: datetime) -> int:
    with transaction.atomic():
        # Who holds the messages is the one who tells; the next one sees the incidents in a statement of its own.
        held = Message.objects.in_doubt().filter(pk__in=message_ids).select_for_update(of=("self",)).order_by("pk")
        messages = list(held.select_related("content"))
        run_ids = {_run_id(message) for message in messages}
        runs = set(Run.objects.filter(pk__in=run_ids).values_list("pk", flat=True))
        told = set(_open().filter(run__in=runs).values_list("subject", flat=True))
        incidents = Incident.objects.bulk_create(
            Incident(
                run_id=_run_id(message),
                node=message.content.source.rpartition(":")[2],
                subject=f"{SUBJECT}{message.pk}",
                text=_(
                    "Nobody can tell whether the email “%(name)s” was sent: something broke off just while it was"
                    " handed over. If it is tried again, it may arrive twice."
                )
                % {"name": message.content.name},
                at=now,
            )
            for message in messages
            if _run_id(message) in runs and f"{SUBJECT}{message.pk}" not in told
        )
    return len(incidents)


def _run_id(message: Message) -> int:
    return int(message.key.split(":")[1])


def _close_settled(*, now: datetime) -> None:
    """Such as of an email whose worker lived after all, and said that it was sent."""
    doubtful = Message.objects.in_doubt().annotate(named=Concat(Value(SUBJECT), Cast("pk", CharField())))
    _open().filter(~Exists(doubtful.filter(named=OuterRef("subject")))).update(closed_at=now)


def _open() -> QuerySet[Incident]:
    return Incident.objects.filter(closed_at__isnull=True, subject__startswith=SUBJECT)
