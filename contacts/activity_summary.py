"""What contacts carry of the events they did: first and last seen, and the summary of their purchases."""

from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from django.db import connection

from contacts.event_types import PURCHASE, event_type
from contacts.json_rows import rows_of, rows_parameter

COLUMNS = {
    "contact_id": "bigint",
    "first_seen_at": "timestamptz",
    "last_seen_at": "timestamptz",
    "purchases_count": "integer",
    "purchases_total": "numeric",
    "first_purchase_at": "timestamptz",
    "last_purchase_at": "timestamptz",
}

# SQLite computes in floating point: rounding each sum to four places keeps it exact. The average, whose half must go
# up as on PostgreSQL, is divided in whole numbers.
ARITHMETIC = {
    "postgresql": {
        "total": "old.purchases_total + added.purchases_total",
        "average": "ROUND(new.purchases_total / new.purchases_count, 4)",
    },
    "sqlite": {
        "total": "ROUND(old.purchases_total + added.purchases_total, 4)",
        "average": """
            (CASE WHEN new.purchases_total < 0 THEN -1 ELSE 1 END) * (
              (2 * CAST(ROUND(ABS(new.purchases_total) * 10000) AS INTEGER) + new.purchases_count)
              / (2 * new.purchases_count)
            ) / 10000.0""",
    },
}


class Done(NamedTuple):
    """An event that has been written, at a moment as `moment_writer` writes it. A ``value`` of None counts as 0."""

    contact_id: int
    type: str
    occurred_at: str
    value: Decimal | None


def add(events: Sequence[Done]) -> None:
    """Add events that have just been written to the summaries of their contacts.

    The transaction must hold the locks of the contacts' rows. Adding, instead of computing anew from all events, is
    then exact in any order of time, and takes no longer for a contact with a long history.
    """
    additions = _additions(events)
    if not additions:
        return
    arithmetic = ARITHMETIC[connection.vendor]
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH added AS MATERIALIZED {rows_of(COLUMNS)}, new AS MATERIALIZED (
              SELECT old.id,
                {_either("first_seen_at", "<=")}, {_either("last_seen_at", ">=")},
                old.purchases_count + added.purchases_count AS purchases_count,
                {arithmetic["total"]} AS purchases_total,
                {_either("first_purchase_at", "<=")}, {_either("last_purchase_at", ">=")}
              FROM added JOIN contacts_contact AS old ON old.id = added.contact_id
              WHERE added.purchases_count > 0 OR old.first_seen_at IS NULL OR old.last_seen_at IS NULL
                OR added.first_seen_at < old.first_seen_at OR added.last_seen_at > old.last_seen_at
            )
            UPDATE contacts_contact SET
              first_seen_at = new.first_seen_at, last_seen_at = new.last_seen_at,
              purchases_count = new.purchases_count, purchases_total = new.purchases_total,
              purchases_average = CASE WHEN new.purchases_count > 0 THEN {arithmetic["average"]} END,
              first_purchase_at = new.first_purchase_at, last_purchase_at = new.last_purchase_at
            FROM new WHERE contacts_contact.id = new.id
            """,
            [rows_parameter(additions)],
        )


def _either(column: str, comparison: str) -> str:
    """SQL for the old or the added value: the one that compares so with the other, or the only one there is."""
    return (
        f"CASE WHEN old.{column} {comparison} added.{column} OR added.{column} IS NULL"
        f" THEN old.{column} ELSE added.{column} END AS {column}"
    )


def _additions(events: Sequence[Done]) -> list[dict[str, Any]]:
    """What the events add to each contact, as rows of `COLUMNS`."""
    by_contact: dict[int, list[Done]] = defaultdict(list)
    for event in events:
        if event_type(event.type).by_contact:
            by_contact[event.contact_id].append(event)
    return [_addition(contact_id, own) for contact_id, own in by_contact.items()]


def _addition(contact_id: int, events: list[Done]) -> dict[str, Any]:
    # Moments that are written the same way are in the same order as texts.
    times = [event.occurred_at for event in events]
    purchases = [event for event in events if event.type == PURCHASE]
    purchase_times = [event.occurred_at for event in purchases]
    return {
        "contact_id": contact_id,
        "first_seen_at": min(times),
        "last_seen_at": max(times),
        "purchases_count": len(purchases),
        "purchases_total": str(sum(event.value or 0 for event in purchases)),
        "first_purchase_at": min(purchase_times, default=None),
        "last_purchase_at": max(purchase_times, default=None),
    }
