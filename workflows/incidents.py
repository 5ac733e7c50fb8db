"""Incidents: what went wrong, and what people decide about it: try it again, or leave it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from campaigns import sending
from campaigns.models import Message
from crm.models import User
from crm.registry import Registry
from workflows import deliveries
from workflows.engine import failing
from workflows.models import Incident


@dataclass(frozen=True)
class Subject:
    """What an incident can be about besides a run's node; ``key`` stands before the id in `Incident.subject`.

    ``again(id, now=)`` has it done again, and ``leave(id)`` writes down that nobody wants it any more.
    """

    key: str
    label: Any
    again: Callable[..., object]
    leave: Callable[[int], object]


SUBJECTS: Registry[Subject] = Registry("subject of incidents")


def open_incidents(workflow_id: int) -> QuerySet[Incident]:
    """Those of a workflow that nobody has decided about, the latest first."""
    return Incident.objects.filter(run__workflow=workflow_id, closed_at__isnull=True).order_by("-pk")


def try_again(incident: Incident, *, user: User | None, now: datetime) -> bool:
    """Have done what failed; False when somebody has decided already, or nothing is left to try."""
    kind, _colon, pk = incident.subject.partition(":")
    if kind not in SUBJECTS:
        return failing.try_again(incident, user=user, now=now)
    with transaction.atomic():
        if not failing.leave(incident, user=user, now=now):
            return False
        SUBJECTS[kind].again(int(pk), now=now)
        return True


def leave(incident: Incident, *, user: User | None, now: datetime) -> bool:
    """Close an incident and leave things as they are; False when somebody has decided already."""
    kind, _colon, pk = incident.subject.partition(":")
    with transaction.atomic():
        if not failing.leave(incident, user=user, now=now):
            return False
        if kind in SUBJECTS:
            SUBJECTS[kind].leave(int(pk))
        return True


def decide(incidents: Iterable[Incident], *, again: bool, user: User | None, now: datetime) -> int:
    """Try each again, or leave each; returns for how many that was done."""
    return sum((try_again if again else leave)(incident, user=user, now=now) for incident in incidents)


def _send_again(pk: int, *, now: datetime) -> None:
    for message in Message.objects.filter(pk=pk):
        sending.send_again(message, now=now)


def _leave_message(pk: int) -> None:
    for message in Message.objects.filter(pk=pk):
        sending.leave(message)


def _leave_delivery(pk: int) -> None:
    """It has failed, and stays so."""


SUBJECTS.add(Subject("delivery", _("Delivery"), deliveries.send_again, _leave_delivery))
SUBJECTS.add(Subject("message", _("Email"), _send_again, _leave_message))
