"""Seven segments over fields, activities, lists and segments, and the SQL that somebody good would write for each."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from benchmarks.by_hand import ON_LIST, Example
from benchmarks.people import NOW
from segments.compiler import validate
from segments.models import Segment
from segments.refresh import refresh_segment

LEFT_OUT = 900  # the id of the segment that one of them leaves out
CONSENTED = {"type": "field", "field": "newsletter", "operator": "is", "value": "subscribed"}
SHOES = [{"property": "category", "operator": "is", "value": "shoes"}]


def event_rule(event: str, days: int | None = None, **rule: Any) -> dict[str, Any]:
    """At least one such event, unless ``rule`` says otherwise, in so many days or at any time."""
    window = {"kind": "last", "count": days, "unit": "days"} if days else {"kind": "ever"}
    return {"type": "event", "event": event, "metric": "count", "operator": "at_least", "value": 1} | {
        "window": window,
        **rule,
    }


def _field(field: str, operator: str, value: Any) -> dict[str, Any]:
    return {"type": "field", "field": field, "operator": operator, "value": value}


def _since(days: int) -> str:
    return (
        f"occurred_at > '{NOW - timedelta(days=days):%Y-%m-%d %H:%M:%S}' AND occurred_at <= '{NOW:%Y-%m-%d %H:%M:%S}'"
    )


def _of(event: str, *conditions: str) -> str:
    """The contacts of the events of a type; the server's time zone is UTC on both databases."""
    return " AND ".join([f"SELECT contact_id FROM contacts_event WHERE type = '{event}'", *conditions])


AUTUMN = "occurred_at >= '2025-09-01 00:00:00' AND occurred_at < '2025-12-01 00:00:00'"
IN_AUTUMN = {"kind": "between", "from": "2025-09-01", "to": "2025-11-30"}
MEMBERS_LEFT_OUT = f"SELECT contact_id FROM segments_membership WHERE segment_id = {LEFT_OUT}"
BIG_SPENDERS = (
    f"{_of('purchase')} GROUP BY contact_id HAVING SUM(value) > 300"
    f" AND AVG(CASE WHEN {_since(365)} THEN value END) > 110.0012 EXCEPT {MEMBERS_LEFT_OUT}"
)


def _shoes(category: str) -> str:
    conditions = (_since(365), f"{category} = 'shoes'")
    often = "GROUP BY contact_id HAVING COUNT(*) >= 2"
    return f"{_of('product_visit', *conditions)} {often} EXCEPT {_of('purchase', *conditions)}"


def _same(sql: str) -> tuple[str, str]:
    return sql, sql


MIXED = [
    Example(
        "fields only",
        [_field("country", "is_any_of", ["ES", "FR"]), CONSENTED, _field("points", "at_least", 50)],
        *_same(
            "SELECT id FROM contacts_contact"
            " WHERE country IN ('ES', 'FR') AND newsletter = 'subscribed' AND points >= 50"
        ),
    ),
    Example(
        "custom fields",
        [_field("custom.tier", "is", "gold"), _field("custom.score", "at_least", "60")],
        "SELECT id FROM contacts_contact WHERE custom ->> '$.tier' = 'gold' AND custom ->> '$.score' >= 60",
        "SELECT id FROM contacts_contact WHERE custom ->> 'tier' = 'gold' AND (custom -> 'score')::numeric >= 60",
    ),
    Example(
        "an activity in a window",
        [event_rule("product_visit", 30)],
        *_same(f"SELECT DISTINCT contact_id FROM ({_of('product_visit', _since(30))}) visits"),
    ),
    Example(
        "received and opened none, in a window",
        [
            event_rule("email_delivered", window=IN_AUTUMN),
            {"match": "none", "rules": [event_rule("email_opened", window=IN_AUTUMN)]},
        ],
        *_same(f"{_of('email_delivered', AUTUMN)} EXCEPT {_of('email_opened', AUTUMN)}"),
    ),
    Example(
        "windows or a list",
        [
            {
                "match": "any",
                "rules": [
                    event_rule("purchase", 180),
                    {
                        "match": "all",
                        "rules": [event_rule("cart_add", 30), {"type": "list", "list": 2, "operator": "member"}],
                    },
                ],
            }
        ],
        # The plus keeps SQLite from looking up the events of each contact on the list, which takes four times as long.
        f"{_of('purchase', _since(180))} UNION {_of('cart_add', _since(30))} AND +contact_id IN ({ON_LIST.format(2)})",
        f"{_of('purchase', _since(180))} UNION {_of('cart_add', _since(30))} AND contact_id IN ({ON_LIST.format(2)})",
    ),
    Example(
        "sum and average, not in a segment",
        [
            event_rule("purchase", metric="sum", property="value", operator="greater_than", value="300"),
            event_rule("purchase", 365, metric="average", property="value", operator="greater_than", value="110.0012"),
            {"type": "segment", "segment": LEFT_OUT, "operator": "not_member"},
        ],
        *_same(BIG_SPENDERS),
    ),
    Example(
        "often looked at, not bought",
        [
            event_rule("product_visit", 365, where=SHOES, value=2),
            {"match": "none", "rules": [event_rule("purchase", 365, where=SHOES)]},
        ],
        _shoes("properties ->> '$.category'"),
        _shoes("properties ->> 'category'"),
    ),
]


def make_mixed() -> list[Segment]:
    """The segments, not yet filled, but for the one that another leaves out. There must be none before."""
    left_out = make_segment("Left out", [_field("country", "is_any_of", ["DE", "IT"])], id=LEFT_OUT)
    refresh_segment(left_out, now=NOW)
    return [make_segment(example.name, example.rules) for example in MIXED]


def make_segment(name: str, rules: list[dict[str, Any]], **values: Any) -> Segment:
    """A dynamic plus segment for whose members all rules hold, not yet filled."""
    definition = {"version": 1, "match": "all", "rules": rules}
    checked = validate(definition, kind="dynamic_plus")
    return Segment.objects.create(name=name, kind=Segment.Kind.DYNAMIC_PLUS, definition=checked, **values)
