"""What contacts carry of the events they did: first and last seen, and the summary of their purchases."""

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, NamedTuple

from django.db import connection

from contacts.event_types import PURCHASE, event_type
from contacts.json_rows import rows_of, rows_parameter
from contacts.models import Contact

PLACES = Decimal("0.0001")

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


def unite(gone: Contact, kept: Contact) -> None:
    """Let the summary of one contact tell of what another did besides. Saves nothing; both must be locked."""
    for first, last in (("first_seen_at", "last_seen_at"), ("first_purchase_at", "last_purchase_at")):
        for column, choose in ((first, min), (last, max)):
            moments = [moment for contact in (gone, kept) if (moment := getattr(contact, column))]
            setattr(kept, column, choose(moments, default=None))
    kept.purchases_count += gone.purchases_count
    kept.purchases_total += gone.purchases_total
    if kept.purchases_count:
        kept.purchases_average = (kept.purchases_total / kept.purchases_count).quantize(PLACES, ROUND_HALF_UP)


def _either(column: str, comparison: str) -> str:
    """SQL for the old or the added value: the one that compares so with the other, or the only one there is."""
    return (
        f"CASE WHEN old.{column} {comparison} added.{column} OR added.{column} IS NULL"
        f" THEN old.{column} ELSE added.{column} END AS {column}"
    )


def _additions(events: Sequence[Done]) -> list[dict[str, Any]]:
    """What the events add to each contact, as rows of `COLUMNS`."""
    counts = {kind: event_type(kind).by_contact for kind in {event.type for event in events}}
    additions: dict[int, dict[str, Any]] = {}
    for contact_id, kind, occurred_at, value in events:
        if not counts[kind]:
            continue
        added = additions.get(contact_id)
        if added is None:
            added = additions[contact_id] = {"contact_id": contact_id, "purchases_count": 0, "purchases_total": 0}
        _stretch(added, "first_seen_at", "last_seen_at", occurred_at)
        if kind == PURCHASE:
            added["purchases_count"] += 1
            added["purchases_total"] += value or 0
            _stretch(added, "first_purchase_at", "last_purchase_at", occurred_at)
    for added in additions.values():
        added["purchases_total"] = str(added["purchases_total"])
    return list(additions.values())


def _stretch(added: dict[str, Any], first: str, last: str, moment: str) -> None:
    """Let the time from first to last reach to a moment. Written the same way, moments are in order as texts."""
    if first not in added:
        added[first] = added[last] = moment
    elif moment < added[first]:
        added[first] = moment
    elif moment > added[last]:
        added[last] = moment
