"""Part of a benchmark: what one purchase costs until the segments over activities are right."""

from typing import Any

from benchmarks.edits import stop_unless_right
from benchmarks.fill_events import forget_recorded
from benchmarks.meter import Cost, measured
from benchmarks.mixed_segments import SHOES, event_rule, make_segment
from benchmarks.people import NOW, forget_segments
from benchmarks.report import ONE_AT_A_TIME, one_at_a_time, table
from contacts.events import NewEvent, record
from contacts.models import Contact
from segments.models import Transition
from segments.refresh import refresh_due

WARM_UP = 10  # events before the measured ones, in which the process compiles what it then keeps
CASES = ((0, 0), (200, 20), (200, 110))  # segments, and how many of them have a rule on purchases
OTHERS = ("page_visit", "product_visit", "cart_add", "email_delivered", "email_opened")


def main(events: str) -> None:
    forget_recorded()
    rows = []
    for place, (segments, concerned) in enumerate(CASES):
        _make(segments, concerned)
        first, costs, moves = _buy(int(events), place)
        rows.append([f"{segments}, of which {concerned}", *one_at_a_time(first, costs, moves)])
    table(
        f"One purchase: median of {events} (ms)",
        ["segments, with a rule on purchases", *ONE_AT_A_TIME],
        rows,
    )


def _make(segments: int, concerned: int) -> None:
    """Segments of a few thousand members at most, no two of them alike."""
    forget_segments()
    for number in range(segments):
        days = number % 28 + 1
        purchases = _rules("purchase", number, days) if number < concerned else []
        rules = purchases or [event_rule(OTHERS[number % len(OTHERS)], days, value=2 + number % 3)]
        points = {"from": number % 97, "to": number % 97 + 3}
        rules.append({"type": "field", "field": "points", "operator": "between", "value": points})
        make_segment(f"Segment {number}", rules if number % 2 else rules[:-1], stale=True)
    refresh_due(now=NOW)


def _rules(event: str, number: int, days: int) -> list[dict[str, Any]]:
    """Conditions on events of a type, in one of the forms that people ask for."""
    amount = {"property": "value", "operator": "greater_than", "value": str(100 + number)}
    quantity = [{"property": "quantity", "operator": "at_least", "value": "3"}]
    kinds: list[list[dict[str, Any]]] = [
        [event_rule(event, days)],
        [event_rule(event, days, metric="sum", **amount)],
        [event_rule(event, days, metric="average", **amount)],
        [event_rule(event, days, where=SHOES)],
        [event_rule(event, days, where=quantity), {"match": "none", "rules": [event_rule("email_opened", days)]}],
        [
            event_rule("cart_add", days),
            {"match": "any", "rules": [event_rule(event, operator="equals", value=0), event_rule(event, days)]},
        ],
        [event_rule(event, metric="days", value=4), event_rule("page_visit", days)],
    ]
    return kinds[number % len(kinds)]


def _buy(events: int, place: int) -> tuple[Cost, list[Cost], int]:
    """Record purchases of different contacts, and of others for every ``place``.

    Returns the cost of the first, those of the measured ones, and how many moves these led to.
    """
    contact_ids = list(Contact.objects.order_by("pk").values_list("pk", flat=True))
    step = len(contact_ids) // (events + WARM_UP)
    chosen = contact_ids[place::step][: events + WARM_UP]
    costs = []
    for number, contact_id in enumerate(chosen):
        if number == WARM_UP:
            before = Transition.objects.count()
        bought = {"product": f"p{number}", "category": "shoes", "quantity": 1 + number % 4, "currency": "EUR"}
        key = f"bought {place}-{number}"
        event = NewEvent("purchase", NOW, contact_id=contact_id, value=120 + number, properties=bought, key=key)
        with measured() as cost:
            record([event], now=NOW)
        costs.append(cost)
    stop_unless_right(chosen)
    return costs[0], costs[WARM_UP:], Transition.objects.count() - before
