"""Dynamic plus segments over the purchases of a real shop, each with the same question in plain Python."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, NamedTuple

EVER = {"kind": "ever"}


class Purchase(NamedTuple):
    """A purchase; a customer's come in the order of time, and those of one day in the order of the file."""

    at: datetime
    quantity: int
    amount: Decimal


Bought = Sequence[Purchase]
Holds = Callable[[Bought, datetime], bool]


def purchases(metric: str, operator: str, value: Any, **more: Any) -> dict[str, Any]:
    rule = {"type": "event", "event": "purchase", "metric": metric, "operator": operator, "value": value}
    return rule | {"window": EVER} | more


def sequence(*steps: dict[str, Any], days: int) -> dict[str, Any]:
    within = {"count": days, "unit": "days"}
    return {"type": "sequence", "steps": list(steps), "within": within, "window": EVER}


def last(count: int, unit: str) -> dict[str, Any]:
    return {"kind": "last", "count": count, "unit": unit}


def member(name: str, operator: str = "member") -> dict[str, Any]:
    """A rule on another of these segments, which is named here and has no id yet."""
    return {"type": "segment", "segment": name, "operator": operator}


BUYS = {"event": "purchase", "did": True}
DOES_NOT_BUY = {"event": "purchase", "did": False}


def day(year: int, month: int, day_of_month: int) -> datetime:
    return datetime(year, month, day_of_month, tzinfo=UTC)


def days(bought: Bought) -> int:
    return len({one.at.date() for one in bought})


def total(bought: Bought) -> Decimal:
    return sum((one.amount for one in bought), Decimal())


def average(bought: Bought) -> Decimal:
    return (total(bought) / len(bought)).quantize(Decimal("0.0001"), ROUND_HALF_UP)


def since(bought: Bought, moment: datetime) -> Bought:
    return [one for one in bought if one.at > moment]


def follow(bought: Bought, one: Purchase, count: int) -> Bought:
    """The purchases after one, no more than so many days later."""
    return [other for other in bought if one.at < other.at <= one.at + timedelta(days=count)]


def year_before(now: datetime) -> datetime:
    return now.replace(year=now.year - 1)


def lapsed(bought: Bought, now: datetime) -> bool:
    return not since(bought, year_before(now))


def again_soon(bought: Bought, now: datetime) -> bool:
    return any(follow(bought, one, 30) for one in bought)


PLUS: dict[str, tuple[list[dict[str, Any]], Holds]] = {
    "on three days": ([purchases("days", "at_least", 3)], lambda bought, now: days(bought) >= 3),
    "several times on a single day": (
        [purchases("count", "at_least", 2), purchases("days", "equals", 1)],
        lambda bought, now: len(bought) >= 2 and days(bought) == 1,
    ),
    "lapsed": (
        [
            purchases("count", "at_least", 1, window={"kind": "before_last", "count": 1, "unit": "years"}),
            purchases("count", "equals", 0, window=last(12, "months")),
        ],
        lapsed,
    ),
    "large orders on average": (
        [purchases("average", "greater_than", 50, property="value")],
        lambda bought, now: average(bought) > 50,
    ),
    "an average of orders to the last place": (
        [purchases("average", "equals", 14.5667, property="value")],
        lambda bought, now: average(bought) == Decimal("14.5667"),
    ),
    "began with one": (
        [purchases("first", "equals", 1, property="quantity")],
        lambda bought, now: bought[0].quantity == 1,
    ),
    "two or three in the end": (
        [purchases("last", "between", {"from": 2, "to": 3}, property="quantity")],
        lambda bought, now: 2 <= bought[-1].quantity <= 3,
    ),
    "not small in the end": (
        [purchases("last", "not_between", {"from": 0, "to": 99.99}, property="value")],
        lambda bought, now: not 0 <= bought[-1].amount <= Decimal("99.99"),
    ),
    "different quantities": (
        [purchases("distinct", "at_least", 3, property="quantity")],
        lambda bought, now: len({one.quantity for one in bought}) >= 3,
    ),
    "often but never for much": (
        [purchases("maximum", "at_most", 20, property="value"), purchases("count", "greater_than", 2)],
        lambda bought, now: max(one.amount for one in bought) <= 20 and len(bought) > 2,
    ),
    "twice five or more": (
        [purchases("count", "at_least", 2, where=[{"property": "quantity", "operator": "at_least", "value": 5}])],
        lambda bought, now: sum(one.quantity >= 5 for one in bought) >= 2,
    ),
    "for much in half a year": (
        [purchases("sum", "greater_than", 100, property="value", window=last(180, "days"))],
        lambda bought, now: total(since(bought, now - timedelta(days=180))) > 100,
    ),
    "for some in the first quarter": (
        [
            purchases(
                *("sum", "between", {"from": 100, "to": 200.5}),
                property="value",
                window={"kind": "between", "from": "1997-01-01", "to": "1997-03-31"},
            )
        ],
        lambda bought, now: 100 <= total([one for one in bought if one.at < day(1997, 4, 1)]) <= Decimal("200.5"),
    ),
    "at most once in the quarter before": (
        [purchases("days", "at_most", 1, window={"kind": "previous", "unit": "quarter"})],
        lambda bought, now: days([one for one in bought if day(1998, 4, 1) <= one.at < day(1998, 7, 1)]) <= 1,
    ),
    "again within 30 days": ([sequence(BUYS, BUYS, days=30)], again_soon),
    "three times within 30 days": (
        [sequence(BUYS, BUYS, BUYS, days=30)],
        lambda bought, now: any(days(follow(bought, one, 30)) >= 2 for one in bought),
    ),
    "the same quantity within 60 days": (
        [sequence(BUYS, BUYS | {"same": "quantity"}, days=60)],
        lambda bought, now: any(other.quantity == one.quantity for one in bought for other in follow(bought, one, 60)),
    ),
    "not again within 90 days": (
        [sequence(BUYS, DOES_NOT_BUY, days=90)],
        lambda bought, now: any(one.at + timedelta(days=90) <= now and not follow(bought, one, 90) for one in bought),
    ),
    "for much, or new and recent": (
        [
            {
                "match": "any",
                "rules": [
                    purchases("sum", "at_least", 500, property="value"),
                    {
                        "match": "all",
                        "rules": [
                            purchases("count", "at_least", 1, window=last(4, "months")),
                            {
                                "match": "none",
                                "rules": [
                                    purchases("count", "at_least", 1, window={"kind": "until", "date": "1997-02-28"}),
                                    purchases("minimum", "less_than", 10, property="value"),
                                ],
                            },
                        ],
                    },
                ],
            }
        ],
        lambda bought, now: (
            total(bought) >= 500
            or (
                bool(since(bought, now.replace(month=now.month - 4, day=min(now.day, 30))))
                and not (bought[0].at < day(1997, 3, 1) or min(one.amount for one in bought) < 10)
            )
        ),
    ),
    "came back soon once, and lapsed": (
        [member("again within 30 days"), member("lapsed")],
        lambda bought, now: again_soon(bought, now) and lapsed(bought, now),
    ),
    "neither soon nor lapsed": (
        [
            {"match": "none", "rules": [member("again within 30 days"), member("lapsed")]},
            member("came back soon once, and lapsed", "not_member"),
        ],
        lambda bought, now: not again_soon(bought, now) and not lapsed(bought, now),
    ),
}
