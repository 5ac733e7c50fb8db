"""Conditions on activities: exactly whom they match, on known events."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from contacts.events import NewEvent, record
from contacts.models import Contact
from segments import statements
from segments.compiler import describe, matching, validate
from segments.faults import DefinitionError
from segments.models import Segment
from segments.statements import matching_sql, prepare, verdicts

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
EVER = {"kind": "ever"}


def event(kind: str, days_ago: float, who: Contact, value: Any = None, **properties: Any) -> NewEvent:
    return NewEvent(kind, NOW - timedelta(days=days_ago), contact_id=who.pk, value=value, properties=properties)


@pytest.fixture
def people() -> dict[str, Contact]:
    """Ada bought often, Bea once and long ago, Cem looked only, Dan did nothing."""
    people = {name: Contact.objects.create(first_name=name) for name in ("Ada", "Bea", "Cem", "Dan")}
    ada, bea, cem = people["Ada"], people["Bea"], people["Cem"]
    events = [
        event("purchase", 5, ada, "0.10", category="Shoes", quantity=2, gift=True, tags=["New", "sale"]),
        event("purchase", 5, ada, "0.20", category="hats", quantity=1, gift=False),
        event("purchase", 40, ada, "100", category="hats", quantity=1),
        event("purchase", 400, bea, "50", category="shoes", tags=["old"]),
        event("product_visit", 3, cem, category="shoes", product="Sandals"),
        event("cart_add", 2, cem, category="shoes", product="Sandals"),
        event("cart_add", 6, ada, category="shoes", product="Boots"),
    ]
    assert {one.outcome.value for one in record(events, now=NOW)} == {"recorded"}
    return people


def rule(event: str = "purchase", metric: str = "count", operator: str = "at_least", **more: Any) -> dict[str, Any]:
    return {"type": "event", "event": event, "metric": metric, "operator": operator, "window": EVER} | more


def where(*conditions: Sequence[Any]) -> list[dict[str, Any]]:
    names = ("property", "operator", "value")
    return [dict(zip(names, condition, strict=False)) for condition in conditions]


def last(count: int, unit: str = "days") -> dict[str, Any]:
    return {"kind": "last", "count": count, "unit": unit}


def found(*rules: dict[str, Any], match: str = "all") -> set[str]:
    """Who matches, by every way of asking, which must agree."""
    definition = validate({"version": 1, "match": match, "rules": list(rules)}, kind=Segment.Kind.DYNAMIC_PLUS)
    names = dict(Contact.objects.values_list("pk", "first_name"))
    whole = set(matching(definition, now=NOW).values_list("pk", flat=True))
    segment = Segment(pk=1, kind=Segment.Kind.DYNAMIC_PLUS, definition=definition, version=1)
    few = {contact for _segment, contact in verdicts({1: prepare(definition).few}, sorted(names), now=NOW)}
    sql, params = matching_sql(segment, now=NOW)
    in_set = [row.pk for row in Contact.objects.raw(sql, params)]
    assert len(in_set) == len(set(in_set))
    statements._kept.clear()
    assert whole == few == set(in_set)
    assert "%(" not in describe(definition)
    return {names[pk] for pk in whole}


EVERYBODY = {"Ada", "Bea", "Cem", "Dan"}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (rule(value=1), {"Ada", "Bea"}),
        (rule(value=2), {"Ada"}),
        (rule(value=0), EVERYBODY),
        (rule(operator="equals", value=0), {"Cem", "Dan"}),
        (rule(operator="equals", value=1), {"Bea"}),
        (rule(operator="at_most", value=2), {"Bea", "Cem", "Dan"}),
        (rule(operator="less_than", value=1), {"Cem", "Dan"}),
        (rule(operator="does_not_equal", value=1), {"Ada", "Cem", "Dan"}),
        (rule(operator="does_not_equal", value=0), {"Ada", "Bea"}),
        (rule(operator="between", value={"from": 0, "to": 1}), {"Bea", "Cem", "Dan"}),
        (rule(operator="not_between", value={"from": 1, "to": 2}), {"Ada", "Cem", "Dan"}),
        (rule(operator="at_least", value=2, window=last(30)), {"Ada"}),
        (rule(operator="at_least", value=3, window=last(30)), set()),
        (rule(value=1, window={"kind": "before_last", "count": 12, "unit": "months"}), {"Bea"}),
        (rule("days", "days", value=1), set()),
        (rule(metric="days", operator="equals", value=2), {"Ada"}),
        (rule(metric="days", operator="at_most", value=1), {"Bea", "Cem", "Dan"}),
        (rule(metric="sum", property="value", operator="equals", value=100.3), {"Ada"}),
        (rule(metric="sum", property="value", operator="equals", value=0.3, window=last(30)), {"Ada"}),
        (rule(metric="sum", property="value", operator="less_than", value=60), {"Bea"}),
        (rule(metric="sum", property="value", operator="does_not_equal", value=50), {"Ada", "Cem", "Dan"}),
        (rule(metric="sum", property="value", operator="does_not_equal", value=50, only_set=True), {"Ada"}),
        (rule(metric="sum", property="value", operator="is_set"), {"Ada", "Bea"}),
        (rule(metric="sum", property="value", operator="is_not_set"), {"Cem", "Dan"}),
        (rule(metric="sum", property="quantity", operator="is_not_set"), {"Bea", "Cem", "Dan"}),
        (rule(metric="average", property="value", operator="equals", value=33.4333), {"Ada"}),
        (rule(metric="minimum", property="value", operator="at_most", value=0.1), {"Ada"}),
        (rule(metric="last", property="quantity", operator="between", value={"from": 1, "to": 1}), {"Ada"}),
        (rule(metric="maximum", property="value", operator="at_most", value=99), {"Bea"}),
        (rule(metric="maximum", property="quantity", operator="equals", value=2), {"Ada"}),
        (rule(metric="distinct", property="category", operator="equals", value=2), {"Ada"}),
        (rule(metric="distinct", property="category", operator="less_than", value=2), {"Bea"}),
        (rule(metric="distinct", property="category", operator="does_not_equal", value=1), {"Ada", "Cem", "Dan"}),
        (rule(metric="first", property="category", operator="is", value="HATS"), {"Ada"}),
        (rule(metric="last", property="category", operator="is", value="hats"), {"Ada"}),
        (rule(metric="last", property="category", operator="is_not", value="hats"), {"Bea", "Cem", "Dan"}),
        (rule(metric="first", property="quantity", operator="equals", value=1), {"Ada"}),
        (rule(metric="first", property="value", operator="greater_than", value=60), {"Ada"}),
        (rule(metric="last", property="gift", operator="is_false"), {"Ada"}),
        (rule(metric="first", property="gift", operator="is_not_set"), EVERYBODY),
        (rule(metric="last", property="gift", operator="is_set"), {"Ada"}),
        (rule(value=1, where=where(("category", "is", "SHOES"))), {"Ada", "Bea"}),
        (rule(value=1, where=where(("category", "is", "shoes"), ("quantity", "at_least", 2))), {"Ada"}),
        (rule(value=1, where=where(("category", "is", "hats"), ("quantity", "at_least", 2))), set()),
        (rule(value=1, where=where(("category", "is_not", "shoes"))), {"Ada"}),
        (rule(value=1, where=where(("quantity", "does_not_equal", 2))), {"Ada", "Bea"}),
        (rule(value=1, where=[where(("quantity", "does_not_equal", 2))[0] | {"only_set": True}]), {"Ada"}),
        (rule(value=1, where=where(("gift", "is_true"))), {"Ada"}),
        (rule(value=1, where=where(("tags", "has", "SALE"))), {"Ada"}),
        (rule(value=1, where=where(("tags", "has_any_of", ["OLD", "x"]))), {"Bea"}),
        (rule(value=1, where=where(("tags", "is_exactly", ["sale", "new"]))), {"Ada"}),
        (rule(value=1, where=where(("tags", "is_set"))), {"Ada", "Bea"}),
        (rule(value=1, where=where(("quantity", "is_not_set"))), {"Bea"}),
        (rule(value=1, where=where(("value", "at_least", 50))), {"Ada", "Bea"}),
        (rule(operator="equals", value=0, where=where(("category", "is", "hats"))), {"Bea", "Cem", "Dan"}),
    ],
)
def test_whom_an_activity_matches(people: dict[str, Contact], given: dict[str, Any], expected: set[str]):
    assert found(given) == expected
    assert found(given, match="none") == EVERYBODY - expected


def sequence(*steps: dict[str, Any], within: tuple[int, str] | None = None, window: Any = EVER) -> dict[str, Any]:
    span = {"within": {"count": within[0], "unit": within[1]}} if within else {}
    return {"type": "sequence", "steps": list(steps), "window": window} | span


def step(event: str, did: bool = True, **more: Any) -> dict[str, Any]:
    return {"event": event, "did": did} | more


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (sequence(step("cart_add"), step("purchase")), {"Ada"}),
        (sequence(step("cart_add"), step("purchase"), within=(23, "hours")), set()),
        (sequence(step("cart_add"), step("purchase"), within=(24, "hours")), {"Ada"}),
        (sequence(step("cart_add"), step("purchase", did=False), within=(1, "days")), {"Cem"}),
        (sequence(step("cart_add"), step("purchase", did=False), within=(23, "hours")), {"Ada", "Cem"}),
        (sequence(step("cart_add"), step("purchase", did=False), within=(3, "days")), set()),
        (sequence(step("cart_add"), step("purchase", did=False)), {"Cem"}),
        (sequence(step("product_visit"), step("cart_add", same="product")), {"Cem"}),
        (sequence(step("purchase"), step("cart_add"), step("purchase")), {"Ada"}),
        (sequence(step("purchase"), step("cart_add", did=False), step("purchase")), set()),
        (sequence(step("purchase"), step("product_visit", did=False), step("purchase")), {"Ada"}),
        (sequence(step("purchase"), step("cart_add"), step("purchase", same="category")), {"Ada"}),
        (sequence(step("purchase"), step("purchase"), window=last(30)), set()),
        (sequence(step("cart_add"), step("purchase"), window=last(6)), set()),
        (sequence(step("cart_add"), step("purchase"), window=last(7)), {"Ada"}),
        (
            sequence(step("cart_add"), step("purchase", where=where(("category", "is", "hats")))),
            {"Ada"},
        ),
        (sequence(step("cart_add"), step("purchase", where=where(("category", "is", "bags")))), set()),
    ],
)
def test_whom_a_sequence_matches(people: dict[str, Contact], given: dict[str, Any], expected: set[str]):
    assert found(given) == expected
    assert found(given, match="none") == EVERYBODY - expected


@pytest.mark.parametrize(
    ("match", "rules", "expected"),
    [
        ("all", [rule(value=1), rule("cart_add", value=1)], {"Ada"}),
        ("all", [rule(value=1), rule("cart_add", operator="equals", value=0)], {"Bea"}),
        ("all", [rule(operator="equals", value=0), rule("cart_add", operator="equals", value=0)], {"Dan"}),
        ("any", [rule(value=2), rule("cart_add", value=1)], {"Ada", "Cem"}),
        ("any", [rule(operator="equals", value=0), rule("cart_add", value=1)], {"Ada", "Cem", "Dan"}),
        (
            "any",
            [rule(operator="equals", value=0), rule("cart_add", operator="equals", value=0)],
            {"Bea", "Cem", "Dan"},
        ),
        ("none", [rule(value=1), rule("cart_add", value=1)], {"Dan"}),
        ("none", [rule(operator="equals", value=0), rule("cart_add", operator="equals", value=0)], {"Ada"}),
        ("none", [rule(operator="equals", value=0), rule("cart_add", value=1)], {"Bea"}),
    ],
)
def test_groups_of_activities(people: dict[str, Contact], match: str, rules: list[dict[str, Any]], expected: set[str]):
    named = {"type": "field", "field": "first_name", "operator": "is_set"}
    assert found(*rules, match=match) == expected
    # The same as a part of a group that cannot be combined as sets.
    assert found(named, {"match": match, "rules": rules}) == expected


@pytest.mark.parametrize(
    ("given", "path", "message"),
    [
        (rule("Purchase", value=1), "$.rules[0].event", "“Purchase” is no type of event."),
        (rule(metric="most", value=1), "$.rules[0].metric", "Select a valid choice. most is not one of the available"),
        (rule(metric="sum", operator="equals", value=1), "$.rules[0].property", "This field is required."),
        (rule(operator="contains", value=1), "$.rules[0].operator", "“contains” is not an operator"),
        (rule(), "$.rules[0].value", "This field is required."),
        (rule(value=1, only_set=3), "$.rules[0].only_set", "“only_set” is true or false."),
        (rule(value=1, window={"kind": "last", "count": 0, "unit": "days"}), "$.rules[0].window.count", "Ensure"),
        (rule(value=1, where={}), "$.rules[0].where", "“where” is a list."),
        (
            rule(value=1, where=[{"property": "a'b", "operator": "is", "value": "x"}]),
            "$.rules[0].where[0].property",
            "“a'b” is",
        ),
        (rule(value=1, where=[{"property": "a", "operator": "is"}]), "$.rules[0].where[0].value", "This field"),
        (rule(value=1, where=[{"property": "a", "operator": "on"}]), "$.rules[0].where[0].operator", "“on” is not"),
        (rule(value=1, where=where(("value", "is", "5"))), "$.rules[0].where[0].operator", "“is” is not an operator"),
        (rule(value=1, where=where(("value", "has", "5"))), "$.rules[0].where[0].operator", "“has” is not an operator"),
        (
            rule(metric="last", property="value", operator="is_true"),
            "$.rules[0].operator",
            "“is_true” is not an operator",
        ),
        (rule(value=1, where=[{"a": 1}]), "$.rules[0].where[0].a", "A condition on a property has no such entry."),
        (sequence(step("purchase")), "$.rules[0]", "A sequence has from 2 to 6 steps."),
        (sequence(step("purchase", did=False), step("purchase")), "$.rules[0].steps[0].did", "A sequence begins with"),
        (sequence(step("purchase"), step("x y")), "$.rules[0].steps[1].event", "“x y” is no type of event."),
        (
            sequence(step("purchase"), step("purchase"), within=(1, "months")),
            "$.rules[0].within.unit",
            "Select a valid",
        ),
    ],
)
def test_faults_name_their_place(given: dict[str, Any], path: str, message: str):
    definition = {"version": 1, "match": "all", "rules": [given]}
    with pytest.raises(DefinitionError) as raised:
        validate(definition, kind=Segment.Kind.DYNAMIC_PLUS)
    assert [str(fault).startswith(f"{path}: {message}") for fault in raised.value.faults] == [True], [
        str(fault) for fault in raised.value.faults
    ]


def test_one_contact_is_not_looked_for_among_all_events_of_a_type(db: None):
    spent = rule(metric="sum", property="value", value="100")
    definition = validate({"version": 1, "match": "all", "rules": [spent]}, kind=Segment.Kind.DYNAMIC_PLUS)
    kept = prepare(definition)
    assert ('+U0."type"' in kept.few.sql) == (connection.vendor == "sqlite")
    assert '+U0."type"' not in kept.whole.sql
