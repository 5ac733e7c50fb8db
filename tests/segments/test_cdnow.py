"""Segments over the purchases of a real shop have exactly the members that plain Python finds in the files."""

import csv
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from django.core.management import call_command
from django.db import connection

from contacts.models import Contact
from segments.editing import create_segment
from segments.models import Segment
from segments.refresh import apply_changes, apply_time, audit, refresh_due, refresh_segment
from tests.segments.records import assert_records_agree
from tests.segments.shop_segments import PLUS, Bought, Purchase

pytestmark = [pytest.mark.realdata, pytest.mark.django_db]

NOW = datetime(1998, 7, 1, 12, 0, tzinfo=UTC)
LATER = datetime(1998, 8, 31, 12, 0, tzinfo=UTC)


class Customer(NamedTuple):
    """What a customer bought."""

    count: int
    total: Decimal
    average: Decimal
    first: datetime
    last: datetime
    bought: Bought


def at(year: int, month: int, day: int, hour: int = 0) -> datetime:
    return datetime(year, month, day, hour, tzinfo=UTC)


def rule(key: str, operator: str, value: Any) -> dict[str, Any]:
    return {"type": "field", "field": key, "operator": operator, "value": value}


def months_before(now: datetime, months: int) -> datetime:
    """For the two moments above, whose days all the months in question have or end before."""
    month = now.month - 1 - months
    ends = {2: 28, 4: 30, 6: 30, 9: 30, 11: 30}
    number = month % 12 + 1
    return now.replace(year=now.year + month // 12, month=number, day=min(now.day, ends.get(number, 31)))


Holds = Callable[[Customer, datetime], bool]
SEGMENTS: dict[str, tuple[list[dict[str, Any]], Holds]] = {
    "often": ([rule("purchases_count", "at_least", 10)], lambda one, now: one.count >= 10),
    "two or three times": (
        [rule("purchases_count", "between", {"from": 2, "to": 3})],
        lambda one, now: 2 <= one.count <= 3,
    ),
    "not once": ([rule("purchases_count", "does_not_equal", 1)], lambda one, now: one.count != 1),
    "for much": ([rule("purchases_total", "greater_than", 1000)], lambda one, now: one.total > 1000),
    "for exactly": ([rule("purchases_total", "equals", 43.7)], lambda one, now: one.total == Decimal("43.7")),
    "not for little": (
        [rule("purchases_total", "not_between", {"from": 0, "to": 99.99})],
        lambda one, now: not 0 <= one.total <= Decimal("99.99"),
    ),
    "small baskets": (
        [rule("purchases_average", "less_than", 12.0033)],
        lambda one, now: one.average < Decimal("12.0033"),
    ),
    "an average to the last place": (
        [rule("purchases_average", "equals", 14.5667)],
        lambda one, now: one.average == Decimal("14.5667"),
    ),
    "since January": (
        [rule("first_purchase_at", "on_or_before", "1997-01-31")],
        lambda one, now: one.first < at(1997, 2, 1),
    ),
    "first in February": (
        [rule("first_purchase_at", "anniversary_in_month", {"month": 2})],
        lambda one, now: one.first.month == 2,
    ),
    "last in spring": (
        [rule("last_purchase_at", "between", {"from": "1998-03-21", "to": "1998-06-20"})],
        lambda one, now: at(1998, 3, 21) <= one.last < at(1998, 6, 21),
    ),
    "recently": (
        [rule("last_purchase_at", "in_last", {"count": 90, "unit": "days"})],
        lambda one, now: now - timedelta(days=90) < one.last <= now,
    ),
    "three to six months ago": (
        [rule("last_purchase_at", "between_ago", {"from_count": 3, "to_count": 6, "unit": "months"})],
        lambda one, now: months_before(now, 6) < one.last <= months_before(now, 3),
    ),
    "in the quarter before": (
        [rule("last_purchase_at", "in_previous", {"unit": "quarter"})],
        lambda one, now: at(1998, 4, 1) <= one.last < at(1998, 7, 1),
    ),
    "good customers who stay away": (
        [
            rule("purchases_count", "greater_than", 2),
            rule("purchases_total", "at_least", 100),
            rule("last_purchase_at", "more_than_ago", {"count": 1, "unit": "years"}),
        ],
        lambda one, now: one.count > 2 and one.total >= 100 and one.last <= now.replace(year=now.year - 1),
    ),
}


def customers_of(folder: Path) -> dict[str, Customer]:
    purchases: dict[str, list[Purchase]] = defaultdict(list)
    with (folder / "purchases.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            day = datetime.fromisoformat(row["date"]).replace(tzinfo=UTC)
            purchases[row["customer_id"]].append(Purchase(day, int(row["quantity"]), Decimal(row["amount"])))
    customers = {}
    for customer_id, bought in purchases.items():
        bought.sort(key=lambda one: one.at)
        amounts = [one.amount for one in bought]
        average = (sum(amounts, Decimal()) / len(amounts)).quantize(Decimal("0.0001"), ROUND_HALF_UP)
        customers[customer_id] = Customer(
            len(bought), sum(amounts, Decimal()), average, bought[0].at, bought[-1].at, bought
        )
    return customers


def names(segment: Segment) -> set[str]:
    return set(segment.members.values_list("external_id", flat=True))


def gather_statistics() -> None:
    """What a server does by itself within a minute; in the one transaction of a test it sees no rows."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE contacts_contact, contacts_event, segments_membership")


def test_segments_over_a_real_shop(cdnow: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Half of the segments are there before the purchases come, half are made afterwards; then two months pass."""
    monkeypatch.chdir(tmp_path)
    customers = customers_of(cdnow)
    segments: dict[str, Segment] = {}

    def make(name: str) -> None:
        kind = Segment.Kind.DYNAMIC if name in SEGMENTS else Segment.Kind.DYNAMIC_PLUS
        rules = SEGMENTS[name][0] if name in SEGMENTS else with_ids(PLUS[name][0])
        definition = {"version": 1, "match": "all", "rules": rules}
        segments[name] = create_segment(name=name, kind=kind, definition=definition, now=NOW)
        refresh_segment(segments[name], now=NOW)

    def with_ids(part: Any) -> Any:
        """A part of a definition with the ids of the segments that it names."""
        if isinstance(part, list):
            return [with_ids(inner) for inner in part]
        if not isinstance(part, dict):
            return part
        return {key: segments[one].pk if key == "segment" else with_ids(one) for key, one in part.items()}

    def expect(now: datetime) -> None:
        expected = {
            name: {one for one, bought in customers.items() if SEGMENTS[name][1](bought, now)} for name in SEGMENTS
        } | {name: {one for one, customer in customers.items() if PLUS[name][1](customer.bought, now)} for name in PLUS}
        assert {name: names(segment) for name, segment in segments.items()} == expected
        assert all(expected.values()), "every segment has somebody"
        assert all(len(found) < len(customers) for found in expected.values()), "and nobody has everybody"

    for name in [*list(SEGMENTS)[::2], *list(PLUS)[:-7]]:
        make(name)
    call_command("import_contacts", str(cdnow / "customers.csv"), "--map", "customer_id=external_id")
    columns = ["customer_id=external_id", "date=occurred_at", "amount=value", "quantity=properties.quantity"]
    call_command("import_events", str(cdnow / "purchases.csv"), "--type", "purchase", "--map", *columns)
    gather_statistics()
    apply_changes(now=NOW)
    refresh_due(now=NOW)
    for name in [*list(SEGMENTS)[1::2], *list(PLUS)[-7:]]:
        make(name)
    gather_statistics()
    assert Contact.objects.count() == len(customers) == 23_570
    expect(NOW)
    apply_time(now=LATER)
    refresh_due(now=LATER)
    expect(LATER)
    assert_records_agree()
    assert {run.differences for run in audit(now=LATER)} == {0}
