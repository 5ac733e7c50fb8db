"""What was saved of a segment, and whether somebody else saved meanwhile."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from django.db import connection, transaction

from crm.models import User
from segments.models import Segment, SegmentVersion

SAVING = 0x53415645  # one number for everybody who saves segments on a PostgreSQL server


class ChangedMeanwhile(Exception):
    """Somebody else saved the segment since it was looked at; ``saved`` is the segment as it is now."""

    def __init__(self, saved: Segment) -> None:
        self.saved = saved
        super().__init__(f"{saved} was changed meanwhile")


def token_of(segment: Segment) -> str:
    """A text that is another one as soon as anything else is saved of the segment than it has now."""
    saved = [segment.version, segment.kind, segment.name, segment.description, segment.is_test]
    return hashlib.sha256(json.dumps(saved).encode()).hexdigest()[:32]


@contextmanager
def being_saved(segment: Segment) -> Iterator[Segment]:
    """A transaction in which nobody else saves a segment; gives this one as it is stored now.

    Two saved at once could come to depend on each other, which neither would see. Raises `Segment.DoesNotExist` for a
    segment that was deleted for good.
    """
    with transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [SAVING])
        yield Segment.objects.select_for_update().get(pk=segment.pk)


def refuse_stale(current: Segment, expected: str | None) -> None:
    """Raise `ChangedMeanwhile` unless ``expected`` is the token of what is stored; None expects nothing."""
    if expected is not None and expected != token_of(current):
        raise ChangedMeanwhile(current)


def keep_version(
    segment: Segment, *, now: datetime, user: User | None, restored_from: int | None = None
) -> SegmentVersion:
    """Keep the definition that the segment has now; in the transaction that saves it."""
    return SegmentVersion.objects.create(
        segment=segment,
        version=segment.version,
        kind=segment.kind,
        definition=segment.conditions,
        saved_at=now,
        saved_by=user,
        restored_from=restored_from,
    )
