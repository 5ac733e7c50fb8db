"""Random definitions for the property tests: every operator of every field, every window, groups in groups."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tests.segments.reading_values import NUMBERS, TEXTS
from tests.segments.worlds import (
    BIG,
    CHOICES,
    DAY_UNITS,
    PHONES,
    TYPES,
    as_number,
    counts,
    days,
    moments,
    numbers,
    texts,
)

UNITS = ["minutes", "hours", *DAY_UNITS]
YEARLY_UNITS = ["days", "weeks", "months"]
PERIODS = ["day", "week", "month", "quarter", "year"]


def operators_of(kind: str) -> list[str]:
    """The operators that fields of a type promise."""
    presence = ["is_set", "is_not_set"]
    if kind in TEXTS:
        names = ["is", "contains", "starts_with", "ends_with", "is_any_of", "is_not", "does_not_contain"]
        return [*presence, *names, "does_not_start_with", "does_not_end_with", "is_none_of"]
    if kind in NUMBERS:
        names = ["equals", "does_not_equal", "greater_than", "at_least", "less_than", "at_most"]
        return [*presence, *names, "between", "not_between"]
    if kind == "boolean":
        return [*presence, "is_true", "is_false"]
    if kind == "choice":
        return [*presence, "is", "is_not", "is_any_of", "is_none_of"]
    if kind == "choices":
        return [*presence, "has", "does_not_have", "has_any_of", "has_all_of", "has_none_of", "is_exactly"]
    absolute = ["on", "not_on", "before", "on_or_before", "after", "on_or_after", "between", "not_between"]
    relative = ["in_last", "more_than_ago", "between_ago", "in_next", "more_than_ahead"]
    calendar = ["in_this", "in_previous", "in_following"]
    yearly = ["anniversary_today", "anniversary_in_last", "anniversary_in_next", "anniversary_in_month"]
    return [*presence, *absolute, *relative, *calendar, *yearly]


def rule_value(key: str, operator: str, now: datetime, zone: str) -> SearchStrategy[Any]:
    """The value of a rule, as it is stored; None where the operator says it all."""
    kind = TYPES[key]
    if operator in ("is_set", "is_not_set", "is_true", "is_false", "anniversary_today"):
        return st.none()
    if kind in (*TEXTS, "choice", "choices"):
        one = st.sampled_from(CHOICES[key]) if key in CHOICES else typed_text()
        single = operator in ("has", "does_not_have") or (kind != "choices" and not operator.endswith("_of"))
        return one if single else st.lists(one, min_size=1, max_size=3, unique=True)
    if kind in NUMBERS:
        big = BIG if kind == "integer" and key.startswith("custom.") else []
        one = st.one_of(numbers(kind).map(as_number), *map(st.just, big))
        return ranges(one) if operator.endswith("between") else one
    return time_value(kind, operator, now, zone)


def typed_text() -> SearchStrategy[str]:
    """A text as a form cleans it: never blank, no spaces around."""
    return st.one_of(texts(smallest=1), st.sampled_from(PHONES)).map(str.strip).filter(bool)


def ranges(one: SearchStrategy[Any]) -> SearchStrategy[dict[str, Any]]:
    return st.tuples(one, one).map(sorted).map(lambda ends: {"from": ends[0], "to": ends[1]})


def time_value(kind: str, operator: str, now: datetime, zone: str) -> SearchStrategy[Any]:
    units = st.sampled_from(DAY_UNITS if kind == "date" else UNITS)
    if operator in ("in_this", "in_previous", "in_following"):
        return st.fixed_dictionaries({"unit": st.sampled_from(PERIODS)})
    if operator == "anniversary_in_month":
        return st.fixed_dictionaries({"month": st.integers(1, 12)})
    if operator.startswith("anniversary"):
        return st.fixed_dictionaries({"count": counts(), "unit": st.sampled_from(YEARLY_UNITS)})
    if operator == "between_ago":
        return counts_between(units)
    if operator in ("in_last", "more_than_ago", "in_next", "more_than_ahead"):
        return st.fixed_dictionaries({"count": counts(), "unit": units})
    typed = days(now).map(date.isoformat)
    if operator.endswith("between"):
        return ranges(typed)
    if kind == "datetime" and operator not in ("on", "not_on"):
        local = moments(now, zone).map(lambda moment: moment.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%dT%H:%M"))
        return st.one_of(typed, local)
    return typed


def counts_between(units: SearchStrategy[str]) -> SearchStrategy[dict[str, Any]]:
    return st.builds(
        lambda ends, unit: {"from_count": min(ends) - 1, "to_count": max(ends), "unit": unit},
        st.tuples(counts(), counts()),
        units,
    )


def windows(now: datetime) -> SearchStrategy[dict[str, Any]]:
    units, day = st.sampled_from(UNITS), days(now).map(date.isoformat)
    return st.one_of(
        st.just({"kind": "ever"}),
        st.fixed_dictionaries({"kind": st.sampled_from(["last", "before_last"]), "count": counts(), "unit": units}),
        counts_between(units).map(lambda window: {"kind": "between_ago"} | window),
        ranges(day).map(lambda window: {"kind": "between"} | window),
        st.fixed_dictionaries({"kind": st.sampled_from(["since", "until"]), "date": day}),
        st.fixed_dictionaries({"kind": st.sampled_from(["this", "previous"]), "unit": st.sampled_from(PERIODS)}),
    )


@st.composite
def field_rules(draw: st.DrawFn, now: datetime, zone: str, keys: Iterable[str] = tuple(TYPES)) -> dict[str, Any]:
    key = draw(st.sampled_from(list(keys)))
    operator = draw(st.sampled_from(operators_of(TYPES[key])))
    return draw(rules_with(key, operator, now, zone))


@st.composite
def rules_with(draw: st.DrawFn, key: str, operator: str, now: datetime, zone: str) -> dict[str, Any]:
    rule: dict[str, Any] = {"type": "field", "field": key, "operator": operator}
    value = draw(rule_value(key, operator, now, zone))
    if value is not None:
        rule["value"] = value
    if operator.startswith(("is_no", "does_not", "not_", "has_none")) and operator != "is_not_set":
        rule |= draw(st.sampled_from([{}, {"only_set": True}]))
    return rule


def list_rules(lists: list[int], now: datetime) -> SearchStrategy[dict[str, Any]]:
    which = {"type": st.just("list"), "list": st.sampled_from(lists)}
    return st.one_of(
        st.fixed_dictionaries(which | {"operator": st.sampled_from(["member", "not_member"])}),
        st.fixed_dictionaries(which | {"operator": st.just("joined"), "window": windows(now)}),
    )


def import_rules(imports: list[int]) -> SearchStrategy[dict[str, Any]]:
    which = {"type": st.just("import"), "import": st.sampled_from(imports)}
    return st.fixed_dictionaries(which | {"operator": st.sampled_from(["member", "not_member"])})


def segment_rules(segments: list[int]) -> SearchStrategy[dict[str, Any]]:
    which = {"type": st.just("segment"), "segment": st.sampled_from(segments)}
    return st.fixed_dictionaries(which | {"operator": st.sampled_from(["member", "not_member"])})


def dynamic(rules: SearchStrategy[dict[str, Any]]) -> SearchStrategy[dict[str, Any]]:
    """Definitions of dynamic segments: one group, all of whose rules must hold."""
    return st.lists(rules, min_size=1, max_size=3).map(lambda chosen: {"version": 1, "match": "all", "rules": chosen})


def dynamic_plus(rules: SearchStrategy[dict[str, Any]]) -> SearchStrategy[dict[str, Any]]:
    """Definitions of dynamic plus segments: groups in groups."""
    matches = st.sampled_from(["all", "any", "none"])
    group = st.recursive(
        rules,
        lambda inner: st.fixed_dictionaries({"match": matches, "rules": st.lists(inner, min_size=1, max_size=3)}),
        max_leaves=6,
    )
    top = st.fixed_dictionaries({"match": matches, "rules": st.lists(group, min_size=1, max_size=3)})
    return top.map(lambda chosen: {"version": 1} | chosen)
