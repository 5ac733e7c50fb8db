"""Definitions as sentences."""

from typing import Any

import pytest

from segments.compiler import describe, validate
from segments.models import Segment
from tests.segments import worlds

pytestmark = pytest.mark.django_db


def rule(key: str, operator: str, value: Any = None, **more: Any) -> dict[str, Any]:
    return {"type": "field", "field": key, "operator": operator} | ({} if value is None else {"value": value}) | more


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (rule("custom.interests", "has", "gold"), "interests has Gold"),
        (rule("custom.interests", "has_all_of", ["gold", "silver"]), "interests has all of Gold and Silver"),
        (rule("custom.interests", "has_none_of", ["gold"]), "interests has none of Gold (or has no value)"),
        (rule("custom.tier", "is", "o'clock"), "tier is O'Clock"),
        (rule("country", "is_any_of", ["ES", "DE", "GB"]), "Country is any of Spain, Germany or United Kingdom"),
        (rule("country", "is_not", "ES"), "Country is not Spain (or has no value)"),
        (rule("country", "is_not", "ES", only_set=True), "Country is not Spain (only contacts with a value)"),
        (rule("newsletter", "is_not", "pending"), "Newsletter is not Pending"),
        (rule("custom.vip", "is_true"), "vip is yes"),
        (rule("phone", "starts_with", "+34"), "Phone starts with +34"),
        (rule("points", "between", {"from": 1, "to": 20000}), "Points is between 1 and 20,000"),
        (rule("purchases_total", "equals", 1.5), "Total of purchases equals 1.50"),
        (rule("date_of_birth", "on_or_after", "1965-01-01"), "Date of birth is equal to or after 1 Jan 1965"),
        (rule("last_seen_at", "in_last", {"count": 1, "unit": "days"}), "Last seen is in the last 1 day"),
        (
            rule("last_seen_at", "between_ago", {"from_count": 0, "to_count": 3, "unit": "weeks"}),
            "Last seen is between 0 and 3 weeks ago",
        ),
        (rule("date_of_birth", "anniversary_today"), "Date of birth has its anniversary today"),
        (
            rule("date_of_birth", "anniversary_in_month", {"month": 2}),
            "Date of birth has its anniversary in February",
        ),
        (rule("date_of_birth", "in_this", {"unit": "quarter"}), "Date of birth is in this quarter"),
        (rule("city", "is_set"), "City has a value"),
    ],
)
def test_conditions_on_fields(rule: dict[str, Any], words: str):
    worlds.declare_fields()
    definition = validate({"version": 1, "match": "all", "rules": [rule]}, kind=Segment.Kind.DYNAMIC)
    assert describe(definition) == f"Contacts for whom {words}."


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"operator": "member"}, "they are on the list News"),
        ({"operator": "not_member"}, "they are not on the list News"),
        (
            {"operator": "joined", "window": {"kind": "last", "count": 2, "unit": "days"}},
            "they joined the list News in the last 2 days",
        ),
        (
            {"operator": "joined", "window": {"kind": "this", "unit": "month"}},
            "they joined the list News in this month",
        ),
        (
            {"operator": "joined", "window": {"kind": "between", "from": "2024-01-01", "to": "2024-01-02"}},
            "they joined the list News between 1 Jan 2024 and 2 Jan 2024 (both included)",
        ),
    ],
)
def test_conditions_on_lists(more: dict[str, Any], words: str):
    rule = {"type": "list", "list": worlds.make_lists()[0]} | more
    definition = validate({"version": 1, "match": "all", "rules": [rule]}, kind=Segment.Kind.DYNAMIC)
    assert describe(definition) == f"Contacts for whom {words}."


def test_groups_are_told_apart():
    a, b, c, d, e = (rule(key, "is_set") for key in ("city", "email", "phone", "region", "gender"))
    any_of = {"match": "any", "rules": [b, {"match": "none", "rules": [c, d]}]}
    definition = {"version": 1, "match": "all", "rules": [a, any_of, {"match": "none", "rules": [e]}]}
    assert describe(definition) == (
        "Contacts for whom City has a value"
        " and (Email has a value or (none of this holds: Phone has a value or Region has a value))"
        " and (none of this holds: Gender has a value)."
    )


def test_what_is_gone_is_said_to_be():
    gone = [
        rule("custom.height", "is", "x"),
        {"type": "list", "list": 0, "operator": "member"},
        {"type": "segment", "segment": 0, "operator": "not_member"},
    ]
    assert describe({"version": 1, "match": "all", "rules": gone}) == (
        "Contacts for whom something holds for a deleted field (custom.height)"
        " and they are on the list (deleted) and they are not in the segment (deleted)."
    )
