"""Comparing what the engine says with the plain reading, in transactions that leave nothing behind."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.db import transaction
from django.test import override_settings

from segments import statements
from segments.compiler import matching
from segments.models import Membership, Segment
from segments.refresh import refresh_segment
from tests.segments.reading import Reading
from tests.segments.worlds import CUSTOM_TYPES

DEEP = 1 if os.environ.get("HYPOTHESIS_PROFILE", "quick") == "quick" else 20
"""How many times as many examples as usual are tried."""


@contextmanager
def undone() -> Iterator[None]:
    """Whatever happens inside is rolled back."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@contextmanager
def account_time_zone(zone: str) -> Iterator[None]:
    """The account's time zone is another; what was compiled for the one before is forgotten, as by a restart."""
    statements._kept.clear()
    with override_settings(TIME_ZONE=zone):
        yield
    statements._kept.clear()


def new_segment(definition: dict[str, Any], name: str = "", kind: str = Segment.Kind.DYNAMIC_PLUS) -> Segment:
    """A segment with a definition, whose members nobody has looked for yet."""
    name = name or f"Segment {Segment.objects.count()}"
    return Segment.objects.create(name=name, kind=kind, definition=definition, stale=True)


def read(
    definition: dict[str, Any], contacts: dict[int, dict[str, Any]], *, now: datetime, zone: str = "UTC"
) -> set[int]:
    """The members by the plain reading."""
    reading = Reading(now=now, zone=zone, custom_types=CUSTOM_TYPES)
    return {pk for pk, contact in contacts.items() if reading.holds(definition, contact)}


def matched(definition: dict[str, Any], *, now: datetime) -> set[int]:
    """The members by the compiled query."""
    return set(matching(definition, now=now).values_list("pk", flat=True))


def refreshed(segment: Segment, *, now: datetime) -> set[int]:
    """The members after a full refresh."""
    refresh_segment(segment, now=now)
    return members(segment)


def members(segment: Segment) -> set[int]:
    return set(Membership.objects.filter(segment=segment).values_list("contact_id", flat=True))


def examined(segment: Segment, contact_ids: list[int], *, now: datetime) -> set[int]:
    """The members by the statement that looks at a few contacts only."""
    return {
        contact_id
        for _segment, contact_id in statements.verdicts(
            {segment.pk: statements.kept(segment).few}, contact_ids, now=now
        )
    }
