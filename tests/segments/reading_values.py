"""The plain reading of values: what is one, how two compare, and the steps of the calendar."""

import re
from calendar import isleap, monthrange
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

TEXTS = ("text", "long_text", "email", "phone", "url")
NUMBERS = ("integer", "decimal")
DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", re.ASCII)


def from_json(kind: str, raw: Any) -> Any:
    """A custom field's value, None when what is stored does not have the field's type."""
    match kind:
        case "integer" | "decimal":
            return Decimal(repr(raw)) if isinstance(raw, int | float) and not isinstance(raw, bool) else None
        case "boolean":
            return raw if isinstance(raw, bool) else None
        case "choices":
            return [item for item in raw if isinstance(item, str)] or None if isinstance(raw, list) else None
    if not isinstance(raw, str) or raw == "":
        return None
    try:
        if kind == "date":
            return date.fromisoformat(raw) if DAY.fullmatch(raw) else None
        if kind == "datetime":
            return datetime.fromisoformat(raw) if MOMENT.fullmatch(raw) else None
    except ValueError:
        return None
    return raw


def fold(text: str) -> str:
    """Without case: "ß", "ẞ" and "SS" are the same, and so are the three sigmas."""
    return text.replace("ẞ", "ß").upper().lower().replace("ς", "σ")


def compare_texts(operator: str, found: str, value: Any) -> bool:
    text = fold(found)
    match operator:
        case "is":
            return text == fold(value)
        case "contains":
            return fold(value) in text
        case "starts_with":
            return text.startswith(fold(value))
        case "ends_with":
            return text.endswith(fold(value))
        case _:
            return text in [fold(item) for item in value]


def compare_numbers(operator: str, found: Decimal | int, value: Any) -> bool:
    def number(raw: Any) -> Decimal:
        return Decimal(repr(raw))

    match operator:
        case "equals":
            return found == number(value)
        case "greater_than":
            return found > number(value)
        case "at_least":
            return found >= number(value)
        case "less_than":
            return found < number(value)
        case "at_most":
            return found <= number(value)
        case _:
            return number(value["from"]) <= found <= number(value["to"])


def compare_choices(operator: str, found: set[str], value: Any) -> bool:
    match operator:
        case "has":
            return value in found
        case "has_any_of":
            return bool(found & set(value))
        case "has_all_of":
            return found >= set(value)
        case _:
            return found == set(value)


# The calendar


def step_day(day: date, count: int, unit: str) -> date:
    """The day so many units on; a day that the month does not have becomes its last."""
    try:
        if unit in ("days", "weeks"):
            return day + timedelta(days=count * (7 if unit == "weeks" else 1))
        months = 12 * day.year + day.month - 1 + count * (12 if unit == "years" else 1)
        year, month = months // 12, months % 12 + 1
        return date(year, month, min(day.day, monthrange(year, month)[1]))
    except (OverflowError, ValueError):
        return date.max if count > 0 else date.min


def number_of_period(day: date, unit: str) -> int:
    """Days, weeks (from Monday), months, quarters or years, numbered through."""
    return {
        "day": day.toordinal(),
        "week": (day.toordinal() - 1) // 7,
        "month": 12 * day.year + day.month - 1,
        "quarter": 4 * day.year + (day.month - 1) // 3,
        "year": day.year,
    }[unit]


def anniversary(day: date, year: int) -> date:
    """When the day is kept in a year: 29 February on the 28th where there is no 29th."""
    return date(year, 2, 28) if (day.month, day.day) == (2, 29) and not isleap(year) else day.replace(year=year)
