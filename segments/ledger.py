"""The one place that writes memberships, with the ledger, the sizes, the days, and the news for dependent segments."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from contacts.json_rows import rows_of, rows_parameter
from segments.clock import today
from segments.models import SegmentDay, Transition

LOCK = 0x4D555354  # one number for everybody who writes memberships on a PostgreSQL server


@contextmanager
def memberships_lock(*, patience: float | None = None) -> Iterator[None]:
    """A transaction that is alone in writing memberships.

    On SQLite every transaction is alone from its beginning (IMMEDIATE); on PostgreSQL an advisory lock does the same.
    ``patience`` bounds the wait for it, in seconds; then PostgreSQL raises OperationalError.
    """
    with transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                lock = f"SELECT pg_advisory_xact_lock({LOCK})"
                if patience is not None:
                    # In one message, because every page that writes sends it.
                    lock = f"SET LOCAL lock_timeout = {int(patience * 1000)}; {lock}; SET LOCAL lock_timeout = 0"
                cursor.execute(lock)
        yield


@dataclass(frozen=True)
class Moves:
    """Contacts that move, as a SELECT of ``segment_id, contact_id, cause, detail``."""

    sql: str
    params: list[Any]


def moves_of(rows: Iterable[tuple[int, int, str, str]]) -> Moves:
    """Moves from rows of segment, contact, cause and detail: for a few of them."""
    packed = json.dumps(list(rows))
    if connection.vendor == "postgresql":
        return Moves(
            "SELECT (move ->> 0)::bigint AS segment_id, (move ->> 1)::bigint AS contact_id, move ->> 2 AS cause,"
            " move ->> 3 AS detail FROM jsonb_array_elements(%s::jsonb) move",
            [packed],
        )
    return Moves(
        "SELECT json_extract(value, '$[0]') AS segment_id, json_extract(value, '$[1]') AS contact_id,"
        " json_extract(value, '$[2]') AS cause, json_extract(value, '$[3]') AS detail FROM json_each(%s)",
        [packed],
    )


def write(entered: Moves, left: Moves, sizes: dict[int, tuple[int, int]], *, now: datetime) -> None:
    """Write who entered and who left, in the transaction of `memberships_lock`.

    The caller has made sure that who enters is not a member and who leaves is one; ``sizes`` says for each segment
    how many these are.
    """
    entering = any(count for count, _left in sizes.values())
    leaving = any(count for _entered, count in sizes.values())
    moment = Transition._meta.get_field("at").get_db_prep_value(now, connection)
    with connection.cursor() as cursor:
        # The ledger first: moves may be read from the memberships themselves.
        for kind, moves, happens in (("entered", entered, entering), ("left", left, leaving)):
            if happens:
                cursor.execute(
                    "INSERT INTO segments_transition (segment_id, contact_id, kind, at, cause, detail)"
                    f" SELECT segment_id, contact_id, '{kind}', {_moment()}, cause, detail FROM ({moves.sql}) moves",
                    [moment, *moves.params],
                )
        if entering:
            cursor.execute(
                "INSERT INTO segments_membership (segment_id, contact_id, entered_at, cause)"
                f" SELECT segment_id, contact_id, {_moment()}, cause FROM ({entered.sql}) moves",
                [moment, *entered.params],
            )
        if leaving:
            _delete(cursor, left)
    count_moves(sizes, now=now)


def _delete(cursor: Any, left: Moves) -> None:
    if connection.vendor == "postgresql":
        cursor.execute(
            f"DELETE FROM segments_membership m USING ({left.sql}) moves"
            " WHERE m.segment_id = moves.segment_id AND m.contact_id = moves.contact_id",
            left.params,
        )
    else:
        cursor.execute(
            "DELETE FROM segments_membership WHERE (segment_id, contact_id) IN"
            f" (SELECT segment_id, contact_id FROM ({left.sql}))",
            left.params,
        )


def _moment() -> str:
    return "%s::timestamptz" if connection.vendor == "postgresql" else "%s"


def count_moves(sizes: dict[int, tuple[int, int]], *, now: datetime) -> None:
    """Add how many entered and left each segment to its size, and to its counts of the day."""
    counts = [
        {"segment_id": segment_id, "come": come, "gone": gone}
        for segment_id, (come, gone) in sizes.items()
        if come or gone
    ]
    if not counts:
        return
    moved = f"{rows_of({'segment_id': 'bigint', 'come': 'bigint', 'gone': 'bigint'})} AS moved"
    rows = rows_parameter(counts)
    date = "%s::date" if connection.vendor == "postgresql" else "%s"
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE segments_segment SET size = size + moved.come - moved.gone"
            f" FROM {moved} WHERE segments_segment.id = moved.segment_id",
            [rows],
        )
        # WHERE true: without it SQLite would read ON CONFLICT as the condition of a join.
        cursor.execute(
            'INSERT INTO segments_segmentday AS today (segment_id, day, entered, "left")'
            f" SELECT segment_id, {date}, come, gone FROM {moved} WHERE true ON CONFLICT (segment_id, day)"
            ' DO UPDATE SET entered = today.entered + excluded.entered, "left" = today."left" + excluded."left"',
            [SegmentDay._meta.get_field("day").get_db_prep_value(today(now), connection), rows],
        )


def tell_dependents(segment_id: int, moved: Moves) -> None:
    """Leave a row in the change log for every contact that moved, for the segments with a rule on this one."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO contacts_change (contact_id, key) SELECT contact_id, %s FROM ({moved.sql}) moves",
            [f"segment:{segment_id}", *moved.params],
        )
