"""Representative dynamic segments, and the SQL that somebody who knows the database would write for each by hand.

The hand-written SQL relies on what it knows of this data, such as that no tier is a number, which the engine cannot.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from benchmarks.people import NOW


@dataclass(frozen=True)
class Example:
    """A definition's rules, and a SELECT of the ids of the same contacts."""

    name: str
    rules: list[dict[str, Any]]
    sqlite: str
    postgresql: str

    @property
    def definition(self) -> dict[str, Any]:
        return {"version": 1, "match": "all", "rules": self.rules}

    @property
    def select(self) -> str:
        return self.postgresql if connection.vendor == "postgresql" else self.sqlite


def _rule(field: str, operator: str, value: Any = None) -> dict[str, Any]:
    rule = {"type": "field", "field": field, "operator": operator}
    return rule if value is None else rule | {"value": value}


def _list(list_id: int, operator: str) -> dict[str, Any]:
    return {"type": "list", "list": list_id, "operator": operator}


def _contacts(sqlite: str, postgresql: str = "") -> tuple[str, str]:
    return tuple(f"SELECT id FROM contacts_contact WHERE {where}" for where in (sqlite, postgresql or sqlite))


MONTH_AGO = NOW - timedelta(days=30)
ON_LIST = "SELECT contact_id FROM contacts_listmembership WHERE list_id = {} AND unsubscribed_at IS NULL"
ON_ONE_NOT_THE_OTHER = f"{ON_LIST.format(1)} EXCEPT {ON_LIST.format(2)}"

EXAMPLES = [
    Example(
        "country and newsletter",
        [_rule("country", "is_any_of", ["ES", "FR"]), _rule("newsletter", "is", "subscribed")],
        *_contacts("country IN ('ES', 'FR') AND newsletter = 'subscribed'"),
    ),
    Example(
        "born on or after, and newsletter",
        [_rule("date_of_birth", "on_or_after", "1965-01-01"), _rule("newsletter", "is", "subscribed")],
        *_contacts("date_of_birth >= '1965-01-01' AND newsletter = 'subscribed'"),
    ),
    Example(
        "names contain",
        [_rule("first_name", "contains", "Mar"), _rule("last_name", "does_not_contain", "tin")],
        *_contacts(
            "first_name LIKE '%mar%' AND last_name NOT LIKE '%tin%'",
            "first_name ILIKE '%mar%' AND last_name NOT ILIKE '%tin%'",
        ),
    ),
    Example(
        "custom choice is not, or has no value",
        [_rule("custom.tier", "is_not", "gold")],
        *_contacts("custom ->> '$.tier' IS NOT 'gold'", "custom ->> 'tier' IS DISTINCT FROM 'gold'"),
    ),
    Example(
        "custom decimal in a range",
        [_rule("custom.score", "between", {"from": "20", "to": "60.5"})],
        *_contacts("custom ->> '$.score' BETWEEN 20 AND 60.5", "(custom ->> 'score')::numeric BETWEEN 20 AND 60.5"),
    ),
    Example(
        "bought in the last 30 days, for 200 in all",
        [
            _rule("last_purchase_at", "in_last", {"count": 30, "unit": "days"}),
            _rule("purchases_total", "at_least", "200"),
        ],
        *_contacts(
            f"last_purchase_at > '{MONTH_AGO:%Y-%m-%d %H:%M:%S}' AND last_purchase_at <= '{NOW:%Y-%m-%d %H:%M:%S}'"
            " AND purchases_total >= 200",
            f"last_purchase_at > '{MONTH_AGO}' AND last_purchase_at <= '{NOW}' AND purchases_total >= 200",
        ),
    ),
    Example(
        "on one list and not on another",
        [_list(1, "member"), _list(2, "not_member")],
        ON_ONE_NOT_THE_OTHER,
        ON_ONE_NOT_THE_OTHER,
    ),
    Example(
        "birthday in the next 7 days",
        [_rule("date_of_birth", "anniversary_in_next", {"count": 7, "unit": "days"})],
        *_contacts(
            "substr(date_of_birth, 6) BETWEEN '03-10' AND '03-17'",
            "EXTRACT(MONTH FROM date_of_birth) = 3 AND EXTRACT(DAY FROM date_of_birth) BETWEEN 10 AND 17",
        ),
    ),
]


def refresh_by_hand(example: Example, segment_id: int) -> None:
    """Make the memberships of a segment equal to the example's SELECT, and write who entered and left to the ledger.

    Of the ways that were tried this is the quickest on each database.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            _compare_on_postgresql(cursor, example.select, segment_id)
        else:
            _compare_on_sqlite(cursor, example.select, segment_id)
        at = f"'{NOW:%Y-%m-%d %H:%M:%S}'" if connection.vendor == "sqlite" else f"'{NOW}'::timestamptz"
        cursor.execute(
            "INSERT INTO segments_membership (segment_id, contact_id, entered_at, cause)"
            f" SELECT {segment_id}, contact_id, {at}, 'refresh' FROM by_hand WHERE entering"
        )
        cursor.execute(
            f"DELETE FROM segments_membership WHERE segment_id = {segment_id}"
            " AND contact_id IN (SELECT contact_id FROM by_hand WHERE NOT entering)"
        )
        cursor.execute(
            "INSERT INTO segments_transition (segment_id, contact_id, kind, at, cause, detail)"
            f" SELECT {segment_id}, contact_id, CASE WHEN entering THEN 'entered' ELSE 'left' END, {at}, 'refresh', ''"
            " FROM by_hand"
        )
        cursor.execute("DROP TABLE by_hand")


def _compare_on_sqlite(cursor: CursorWrapper, select: str, segment_id: int) -> None:
    members = f"SELECT contact_id FROM segments_membership WHERE segment_id = {segment_id}"
    cursor.execute("CREATE TEMP TABLE matches (id INTEGER PRIMARY KEY)")
    cursor.execute(f"INSERT INTO matches {select} ORDER BY 1")
    cursor.execute("CREATE TEMP TABLE by_hand (contact_id INTEGER PRIMARY KEY, entering INTEGER)")
    cursor.execute(f"INSERT INTO by_hand SELECT *, 1 FROM (SELECT id FROM matches EXCEPT {members})")
    cursor.execute(f"INSERT INTO by_hand SELECT *, 0 FROM ({members} EXCEPT SELECT id FROM matches)")
    cursor.execute("DROP TABLE matches")


def _compare_on_postgresql(cursor: CursorWrapper, select: str, segment_id: int) -> None:
    cursor.execute("SET LOCAL work_mem = '128MB'")
    cursor.execute("CREATE TEMP TABLE by_hand (contact_id bigint, entering boolean)")
    cursor.execute(
        "INSERT INTO by_hand SELECT COALESCE(matches.id, members.id), members.id IS NULL"
        f" FROM ({select}) matches (id) FULL JOIN"
        f" (SELECT contact_id FROM segments_membership WHERE segment_id = {segment_id}) members (id)"
        " ON members.id = matches.id WHERE matches.id IS NULL OR members.id IS NULL"
    )
