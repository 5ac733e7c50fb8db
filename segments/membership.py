"""Putting contacts into static segments and taking them out: by hand, by import, by workflow."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Exists, OuterRef, QuerySet

from contacts.models import Contact
from segments.ledger import Moves, memberships_lock, tell_dependents, write
from segments.models import Cause, Membership, Segment
from segments.refresh import apply_changes
from segments.refresh.plan import Plan


def add(segment: Segment, contacts: QuerySet[Contact], *, now: datetime, cause: Cause, detail: str = "") -> int:
    """Put contacts into a static segment; returns how many entered, which those already in it do not.

    Raises ValueError for a segment that is not static.
    """
    count = add_in_passing(segment, contacts, now=now, cause=cause, detail=detail)
    apply_changes(now=now)
    return count


def add_in_passing(
    segment: Segment, contacts: QuerySet[Contact], *, now: datetime, cause: Cause, detail: str = ""
) -> int:
    """`add` as a part of a larger write, whose end brings the segments with a rule on this one up to date."""
    # Not "NOT IN": PostgreSQL compares each with each when the members do not fit its working memory.
    is_member = Exists(Membership.objects.filter(segment=segment, contact_id=OuterRef("pk")))
    return _move(segment, contacts.filter(~is_member), True, now=now, cause=cause, detail=detail)


def remove(segment: Segment, contacts: QuerySet[Contact], *, now: datetime, cause: Cause, detail: str = "") -> int:
    """Take contacts out of a static segment; returns how many left. Raises ValueError for one that is not static."""
    count = remove_in_passing(segment, contacts, now=now, cause=cause, detail=detail)
    apply_changes(now=now)
    return count


def remove_in_passing(
    segment: Segment, contacts: QuerySet[Contact], *, now: datetime, cause: Cause, detail: str = ""
) -> int:
    """`remove` as a part of a larger write, whose end brings the segments with a rule on this one up to date."""
    members = Membership.objects.filter(segment=segment).values("contact_id")
    return _move(segment, contacts.filter(pk__in=members), False, now=now, cause=cause, detail=detail)


def _move(
    segment: Segment, contacts: QuerySet[Contact], entering: bool, *, now: datetime, cause: Cause, detail: str
) -> int:
    if not segment.is_static:
        raise ValueError("only a static segment is filled by hand")
    table = f"muster_moves_{uuid.uuid4().hex}"
    try:
        ids, params = contacts.order_by().values("pk").query.sql_with_params()
    except EmptyResultSet:
        return 0
    typed = ("%s::bigint", "%s::text", "%s::text") if connection.vendor == "postgresql" else ("%s", "%s", "%s")
    moves = Moves(
        f"SELECT {typed[0]} AS segment_id, contact_id, {typed[1]} AS cause, {typed[2]} AS detail FROM {table}",
        [segment.pk, str(cause), detail[:200]],
    )
    with memberships_lock(), connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMP TABLE {table} (contact_id bigint)")
        cursor.execute(f"INSERT INTO {table} {ids}", params)
        cursor.execute(f"SELECT COUNT(*) FROM {table}")
        count = int(cursor.fetchone()[0])
        write(moves, moves, {segment.pk: (count, 0) if entering else (0, count)}, now=now)
        if count and Plan.of_all(now=now).dependents(segment.pk):
            tell_dependents(segment.pk, moves)
        cursor.execute(f"DROP TABLE {table}")
    return count
