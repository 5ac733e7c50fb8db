"""The same hashed data as a file, for an upload by hand where no ad account is connected."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from crm.models import User
from segments.facebook.hashing import COLUMNS, IN_FILE, row
from segments.facebook.people import sendable_of
from segments.models import FacebookExport, Segment

HEADER = tuple(key.name.lower() for key in IN_FILE)
AT_ONCE = 2_000


def take_down_file(segment: Segment, *, now: datetime, user: User) -> None:
    """Write down that somebody downloads the file, with how many contacts are in it."""
    FacebookExport.objects.create(
        kind=FacebookExport.Kind.FILE,
        segment=segment,
        segment_name=segment.name,
        user=user,
        started_at=now,
        finished_at=now,
        received=sendable_of(segment).count(),
    )


def rows(segment: Segment) -> Iterator[list[str]]:
    """The members who may be sent, in the order of their ids, read in parts so that memory stays flat."""
    contacts = sendable_of(segment).only(*COLUMNS).order_by("pk")
    after = 0
    while found := list(contacts.filter(pk__gt=after)[:AT_ONCE]):
        for contact in found:
            yield row(contact, IN_FILE)
        after = found[-1].pk
