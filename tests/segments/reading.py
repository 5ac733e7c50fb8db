"""A plain reading of segment definitions: what they mean, in Python, for one contact at a time.

The tests compare the engine with it. It follows the meaning that is promised to people and knows nothing of SQL: it is
slow, short, and written to be read.

A contact is a dictionary of ``values`` (system fields by key), ``custom`` (the JSON of the custom fields), ``lists``
(by list, since when it is subscribed), ``segments`` (those it is a member of) and ``events`` (dictionaries of ``type``,
``at``, ``value`` and ``properties``, in the order in which they were written).
"""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tests.segments.reading_events import Activities
from tests.segments.reading_values import (
    NUMBERS,
    TEXTS,
    anniversary,
    compare_choices,
    compare_numbers,
    compare_texts,
    from_json,
    number_of_period,
    step_day,
)

SYSTEM_TYPES = {
    "email": "email",
    "external_id": "text",
    "first_name": "text",
    "last_name": "text",
    "phone": "phone",
    "date_of_birth": "date",
    "gender": "choice",
    "language": "choice",
    "country": "choice",
    "region": "text",
    "city": "text",
    "postal_code": "text",
    "time_zone": "choice",
    "newsletter": "choice",
    "newsletter_at": "datetime",
    "email_status": "choice",
    "points": "integer",
    "first_seen_at": "datetime",
    "last_seen_at": "datetime",
    "created_at": "datetime",
    "updated_at": "datetime",
    "purchases_count": "integer",
    "purchases_total": "decimal",
    "purchases_average": "decimal",
    "first_purchase_at": "datetime",
    "last_purchase_at": "datetime",
}
NEGATIVE = {
    "is_not": "is",
    "does_not_contain": "contains",
    "does_not_start_with": "starts_with",
    "does_not_end_with": "ends_with",
    "is_none_of": "is_any_of",
    "does_not_equal": "equals",
    "not_between": "between",
    "not_on": "on",
    "does_not_have": "has",
    "has_none_of": "has_any_of",
}


class Reading(Activities):
    """How definitions are read at one moment, in one account's time zone, with these custom fields (type by key)."""

    def __init__(self, *, now: datetime, zone: str, custom_types: dict[str, str]) -> None:
        self.now = now
        self.zone = ZoneInfo(zone)
        self.custom_types = custom_types

    def holds(self, group: dict[str, Any], contact: dict[str, Any]) -> bool:
        answers = [
            self.holds(rule, contact) if "match" in rule else self.rule(rule, contact) for rule in group["rules"]
        ]
        return {"all": all(answers), "any": any(answers), "none": not any(answers)}[group["match"]]

    def rule(self, rule: dict[str, Any], contact: dict[str, Any]) -> bool:
        kinds = {
            "field": self.field,
            "list": self.list,
            "import": self.came_with,
            "segment": self.segment,
            "event": self.event,
            "sequence": self.sequence,
        }
        return kinds[rule["type"]](rule, contact)

    def segment(self, rule: dict[str, Any], contact: dict[str, Any]) -> bool:
        return (rule["segment"] in contact["segments"]) == (rule["operator"] == "member")

    def came_with(self, rule: dict[str, Any], contact: dict[str, Any]) -> bool:
        return (rule["import"] in contact["imports"]) == (rule["operator"] == "member")

    def list(self, rule: dict[str, Any], contact: dict[str, Any]) -> bool:
        joined = contact["lists"].get(rule["list"])
        if rule["operator"] == "joined":
            return joined is not None and self.inside(joined, rule["window"])
        return (joined is not None) == (rule["operator"] == "member")

    # Fields

    def field(self, rule: dict[str, Any], contact: dict[str, Any]) -> bool:
        return self.answers(rule, *self.value(rule["field"], contact))

    def answers(self, rule: dict[str, Any], kind: str, found: Any) -> bool:
        """Whether a comparison holds for what was found, a value of a type, None when there is none."""
        operator = rule["operator"]
        if operator in ("is_set", "is_not_set"):
            return (found is not None) == (operator == "is_set")
        if operator in NEGATIVE:
            if found is None:
                return not rule.get("only_set", False)
            return not self.compare(kind, NEGATIVE[operator], found, rule.get("value"))
        return found is not None and self.compare(kind, operator, found, rule.get("value"))

    def value(self, key: str, contact: dict[str, Any]) -> tuple[str, Any]:
        """The field's type and the contact's value, None when there is none."""
        if not key.startswith("custom."):
            found = contact["values"].get(key)
            return SYSTEM_TYPES[key], None if found == "" else found
        key = key.removeprefix("custom.")
        kind = self.custom_types[key]
        return kind, from_json(kind, contact["custom"].get(key))

    def compare(self, kind: str, operator: str, found: Any, value: Any) -> bool:
        if kind in TEXTS:
            return compare_texts(operator, found, value)
        if kind in NUMBERS:
            return compare_numbers(operator, found, value)
        if kind == "boolean":
            return found == (operator == "is_true")
        if kind == "choice":
            return found == value if operator == "is" else found in value
        if kind == "choices":
            return compare_choices(operator, set(found), value)
        return self.compare_times(operator, found, value)

    # Days and moments

    def compare_times(self, operator: str, found: date | datetime, value: Any) -> bool:
        if operator.startswith("anniversary_"):
            return self.compare_anniversaries(operator, self.day_of(found), value)
        if operator in ("in_this", "in_previous", "in_following"):
            return self.in_period(operator.removeprefix("in_"), self.day_of(found), value["unit"])
        if operator in ("in_last", "more_than_ago", "between_ago", "in_next", "more_than_ahead"):
            return (
                self.rolls_over(operator, found, value)
                if isinstance(found, datetime)
                else self.counts_days(operator, found, value)
            )
        return self.absolute(operator, found, value)

    def absolute(self, operator: str, found: date | datetime, value: Any) -> bool:
        match operator:
            case "on":
                return self.day_of(found) == date.fromisoformat(value)
            case "before":
                return not self.not_before(found, value)
            case "on_or_before":
                return self.not_after(found, value)
            case "after":
                return not self.not_after(found, value)
            case "on_or_after":
                return self.not_before(found, value)
            case _:
                return self.not_before(found, value["from"]) and self.not_after(found, value["to"])

    def not_before(self, found: date | datetime, value: str) -> bool:
        if "T" in value:
            return found >= self.moment(value)
        return self.day_of(found) >= date.fromisoformat(value)

    def not_after(self, found: date | datetime, value: str) -> bool:
        if "T" in value:
            return found <= self.moment(value)
        return self.day_of(found) <= date.fromisoformat(value)

    def moment(self, wall_time: str) -> datetime:
        return datetime.fromisoformat(wall_time).replace(tzinfo=self.zone).astimezone(UTC)

    def day_of(self, found: date | datetime) -> date:
        return found.astimezone(self.zone).date() if isinstance(found, datetime) else found

    @property
    def today(self) -> date:
        return self.now.astimezone(self.zone).date()

    def counts_days(self, operator: str, found: date, value: Any) -> bool:
        """Relative operators on a day: whole days, both ends included."""
        today, unit = self.today, value["unit"]
        match operator:
            case "in_last":
                return step_day(today, -value["count"], unit) <= found <= today
            case "more_than_ago":
                return found < step_day(today, -value["count"], unit)
            case "between_ago":
                first, last = (step_day(today, -value[end], unit) for end in ("to_count", "from_count"))
                return first <= found <= last
            case "in_next":
                return today <= found <= step_day(today, value["count"], unit)
            case _:
                return found > step_day(today, value["count"], unit)

    def rolls_over(self, operator: str, found: datetime, value: Any) -> bool:
        """Relative operators on a moment: exact."""
        unit = value["unit"]
        match operator:
            case "in_last":
                return self.step(-value["count"], unit) < found <= self.now
            case "more_than_ago":
                return found <= self.step(-value["count"], unit)
            case "between_ago":
                first, last = (self.step(-value[end], unit) for end in ("to_count", "from_count"))
                return first < found <= last
            case "in_next":
                return self.now < found <= self.step(value["count"], unit)
            case _:
                return found > self.step(value["count"], unit)

    def in_period(self, which: str, day: date, unit: str) -> bool:
        distance = number_of_period(day, unit) - number_of_period(self.today, unit)
        return distance == {"this": 0, "previous": -1, "following": 1}[which]

    def compare_anniversaries(self, operator: str, day: date, value: Any) -> bool:
        today = self.today
        match operator:
            case "anniversary_today":
                first = last = today
            case "anniversary_in_last":
                first, last = step_day(today, -value["count"], value["unit"]), today
            case "anniversary_in_next":
                first, last = today, step_day(today, value["count"], value["unit"])
            case _:
                return day.month == value["month"]
        return any(first <= anniversary(day, year) <= last for year in range(first.year, last.year + 1))

    def inside(self, found: datetime, window: dict[str, Any]) -> bool:
        """Whether a moment is in a window of time."""
        match window["kind"]:
            case "ever":
                return True
            case "last":
                return self.rolls_over("in_last", found, window)
            case "before_last":
                return self.rolls_over("more_than_ago", found, window)
            case "between":
                return self.absolute("between", found, window)
            case "since":
                return self.not_before(found, window["date"])
            case "until":
                return self.not_after(found, window["date"])
            case "between_ago":
                return self.rolls_over("between_ago", found, window)
            case _:
                return self.in_period(window["kind"], self.day_of(found), window["unit"])

    def step(self, count: int, unit: str) -> datetime:
        """The moment so many units from now: exact up to weeks, by the account's calendar for months and years."""
        exact = {"minutes": 60, "hours": 3600, "days": 86_400, "weeks": 7 * 86_400}
        try:
            if unit in exact:
                return self.now + timedelta(seconds=count * exact[unit])
            local = self.now.astimezone(self.zone)
            day = step_day(local.date(), count, unit)
            return local.replace(year=day.year, month=day.month, day=day.day).astimezone(UTC)
        except OverflowError:
            return datetime.max.replace(tzinfo=UTC) if count > 0 else datetime.min.replace(tzinfo=UTC)
