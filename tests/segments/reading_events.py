"""The plain reading of rules on activities: which events count, what is measured of them, and what follows what."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from tests.segments.reading_values import fold, from_json

Event = dict[str, Any]

FOURTH_PLACE = Decimal("0.0001")
PRESENCE = ("is_set", "is_not_set")
OPERATORS = {
    "text": (
        *("is", "is_not", "contains", "does_not_contain", "starts_with", "does_not_start_with"),
        *("ends_with", "does_not_end_with", "is_any_of", "is_none_of"),
    ),
    "decimal": (
        *("equals", "does_not_equal", "greater_than", "at_least", "less_than", "at_most", "between", "not_between"),
    ),
    "boolean": ("is_true", "is_false"),
    "choices": ("has", "does_not_have", "has_any_of", "has_all_of", "has_none_of", "is_exactly"),
}
"""By the type that a property is read as, the operators that say so."""


class Activities:
    """The part of the reading that is about events."""

    def answers(self, rule: dict[str, Any], kind: str, found: Any) -> bool:
        raise NotImplementedError

    def inside(self, found: datetime, window: dict[str, Any]) -> bool:
        raise NotImplementedError

    def day_of(self, found: datetime) -> date:
        raise NotImplementedError

    now: datetime

    def event(self, rule: dict[str, Any], contact: dict[str, Any]) -> bool:
        events = [one for one in self.chosen(rule, contact["events"]) if self.inside(one["at"], rule["window"])]
        return self.answers(rule, *self.measured(rule, events))

    def chosen(self, rule: dict[str, Any], events: Iterable[Event]) -> list[Event]:
        """The events of the rule's type whose own properties are as it wants them."""
        return [
            one
            for one in events
            if one["type"] == rule["event"] and all(self.fits(where, one) for where in rule.get("where", []))
        ]

    def fits(self, where: dict[str, Any], event: Event) -> bool:
        kind, found = read_as(where["operator"], event, where["property"])
        if kind == "choices":  # nobody declared those that a property can have: they compare as texts
            value = where["value"]
            where = where | {"value": fold(value) if isinstance(value, str) else [fold(one) for one in value]}
            found = found and [fold(one) for one in found]
        return self.answers(where, kind, found)

    def measured(self, rule: dict[str, Any], events: list[Event]) -> tuple[str, Any]:
        """What the metric gives, with its type; None for no value."""
        metric, key = rule["metric"], rule.get("property", "")
        if metric == "count":
            return "integer", len(events)
        if metric == "days":
            return "integer", len({self.day_of(one["at"]) for one in events})
        if metric in ("first", "last"):
            ordered = sorted(events, key=lambda one: one["at"])  # those at one moment stay as they were written
            return read_as(rule["operator"], ordered[0 if metric == "first" else -1] if events else None, key)
        if metric == "distinct":
            different = {one for one in (comparable(property_of(event, key)) for event in events) if one is not None}
            return "decimal", len(different) if events else None
        numbers = [one for one in (number_of(event, key) for event in events) if one is not None]
        return "decimal", AGGREGATES[metric](numbers) if numbers else None

    def sequence(self, rule: dict[str, Any], contact: dict[str, Any]) -> bool:
        within = rule.get("within")
        span = timedelta(**{within["unit"]: within["count"]}) if within else None
        steps, events = rule["steps"], contact["events"]
        for first in self.chosen(steps[0], events):
            if not self.inside(first["at"], rule["window"]):
                continue
            if span and not steps[-1]["did"] and first["at"] + span > self.now:
                continue  # there is still time to do it
            in_time = [one for one in events if span is None or one["at"] <= first["at"] + span]
            if self.goes_on(steps[1:], first, in_time):
                return True
        return False

    def goes_on(self, steps: list[dict[str, Any]], before: Event, events: list[Event]) -> bool:
        """Whether the steps follow an event; what was not done was not done before the next that was."""
        not_done = []
        for place, step in enumerate(steps):
            if not step["did"]:
                not_done.append(step)
                continue
            return any(
                self.goes_on(steps[place + 1 :], one, events)
                for one in self.after(step, before, events)
                if not any(
                    other["at"] < one["at"] for missed in not_done for other in self.after(missed, before, events)
                )
            )
        return not any(self.after(step, before, events) for step in not_done)

    def after(self, step: dict[str, Any], before: Event, events: list[Event]) -> list[Event]:
        """The events of a step that are later than the event before."""
        later = [one for one in self.chosen(step, events) if one["at"] > before["at"]]
        if "same" not in step:
            return later
        wanted = comparable(property_of(before, step["same"]))
        return [one for one in later if wanted is not None and comparable(property_of(one, step["same"])) == wanted]


def property_of(event: Event | None, key: str) -> Any:
    if event is None:
        return None
    return event["value"] if key == "value" else event["properties"].get(key)


def number_of(event: Event | None, key: str) -> Decimal | None:
    """A property as a number, exactly as it is written."""
    raw = property_of(event, key)
    number: Decimal | None = raw if isinstance(raw, Decimal) else from_json("decimal", raw)
    return number


def read_as(operator: str, event: Event | None, key: str) -> tuple[str, Any]:
    """A property as the type that an operator compares; whether there is anything is asked of every type."""
    if operator in PRESENCE:
        raw = property_of(event, key)
        return "any", None if raw is None or raw in ("", [], {}) else raw
    kind = next(kind for kind, operators in OPERATORS.items() if operator in operators)
    return kind, number_of(event, key) if kind == "decimal" else from_json(kind, property_of(event, key))


def comparable(raw: Any) -> tuple[str, Any] | None:
    """What two values have in common that are the same, whatever their type; None for what is none."""
    if isinstance(raw, bool):
        return "boolean", raw
    if isinstance(raw, str):
        return ("text", fold(raw)) if raw else None
    if isinstance(raw, int | float):
        return "number", Decimal(repr(raw))
    return ("number", raw) if isinstance(raw, Decimal) else None


def rounded(number: Decimal) -> Decimal:
    return number.quantize(FOURTH_PLACE, ROUND_HALF_UP)


def total(numbers: list[Decimal]) -> Decimal:
    return sum((rounded(number) for number in numbers), Decimal())


AGGREGATES = {
    "sum": total,
    "average": lambda numbers: rounded(total(numbers) / len(numbers)),
    "minimum": min,
    "maximum": max,
}
