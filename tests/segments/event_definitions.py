"""Random rules on activities and sequences of them: every metric, every operator, every window."""

from datetime import datetime
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tests.segments.definitions import ranges, typed_text, windows
from tests.segments.event_worlds import AMOUNTS, EVENT_TYPES, PROPERTIES, VALUES
from tests.segments.reading_events import OPERATORS, PRESENCE
from tests.segments.reading_values import from_json
from tests.segments.worlds import as_number, counts

METRICS = ["count", "days", "sum", "average", "minimum", "maximum", "first", "last", "distinct"]
NEGATIVE = ("is_not", "is_none_of", "does_not", "not_between", "has_none_of")
FEW = st.integers(0, 4)
WITHIN_UNITS = ["minutes", "hours", "days", "weeks"]


def amounts() -> SearchStrategy[int | float]:
    """Numbers that the events of `event_worlds` and their sums and averages often have, to four places."""
    values = [one for one in AMOUNTS if one is not None]
    values += [round(from_json("decimal", one), 4) for one in VALUES["decimal"] if abs(one) < 1e15]
    return st.one_of(
        st.sampled_from(values).map(as_number),
        st.builds(lambda one, other: as_number(one + other), st.sampled_from(values), st.sampled_from(values)).filter(
            lambda amount: abs(amount) < 1e11
        ),
    )


def operand(kind: str, operator: str) -> SearchStrategy[Any]:
    if operator in (*PRESENCE, *OPERATORS["boolean"]):
        return st.none()
    if kind == "count":
        return ranges(FEW) if operator.endswith("between") else FEW
    if kind == "decimal":
        return ranges(amounts()) if operator.endswith("between") else amounts()
    known = VALUES["text"] if kind == "text" else [item for items in VALUES["choices"] for item in items if item]
    one = st.one_of(st.sampled_from([item for item in known if isinstance(item, str)]), typed_text())
    single = operator in ("has", "does_not_have") or (kind == "text" and not operator.endswith("_of"))
    return one if single else st.lists(one, min_size=1, max_size=3, unique=True)


@st.composite
def comparisons(draw: st.DrawFn, kinds: list[str], *, zero: bool = False) -> dict[str, Any]:
    """An operator of one of the types with its value. What is 0 without events always has a value."""
    kind = draw(st.sampled_from(kinds))
    operators = OPERATORS["decimal" if kind == "count" else kind]
    operator = draw(st.sampled_from(operators if zero else (*operators, *PRESENCE)))
    comparison: dict[str, Any] = {"operator": operator}
    value = draw(operand(kind, operator))
    if value is not None:
        comparison["value"] = value
    if not zero and operator.startswith(NEGATIVE) and operator not in PRESENCE:
        comparison |= draw(st.sampled_from([{}, {"only_set": True}]))
    return comparison


def likely_kinds(key: str) -> SearchStrategy[list[str]]:
    """The types that a property may be read as: mostly its own."""
    if key == "value":
        return st.just(["decimal"])
    return st.sampled_from([[PROPERTIES[key]], [PROPERTIES[key]], [PROPERTIES[key]], list(OPERATORS)])


@st.composite
def conditions_on_properties(draw: st.DrawFn) -> dict[str, Any]:
    key = draw(st.sampled_from([*PROPERTIES, "value"]))
    return {"property": key} | draw(comparisons(draw(likely_kinds(key))))


@st.composite
def activities(draw: st.DrawFn) -> dict[str, Any]:
    """A type of event, often with conditions on its properties."""
    chosen: dict[str, Any] = {"event": draw(st.sampled_from(EVENT_TYPES))}
    where = draw(st.one_of(st.just([]), st.lists(conditions_on_properties(), max_size=2)))
    return chosen | ({"where": where} if where else {})


@st.composite
def event_rules(draw: st.DrawFn, now: datetime, metric: str | None = None) -> dict[str, Any]:
    metric = metric or draw(st.sampled_from(METRICS))
    rule = {"type": "event", **draw(activities()), "metric": metric}
    if metric in ("count", "days"):
        rule |= draw(comparisons(["count"], zero=True))
    else:
        numbers = ["value", "value", "quantity", "quantity", "category"]
        key = draw(
            st.sampled_from(numbers if metric in ("sum", "average", "minimum", "maximum") else [*PROPERTIES, "value"])
        )
        rule["property"] = key
        if metric == "distinct":
            rule |= draw(comparisons(["count"]))
        elif metric in ("first", "last"):
            kinds = [kind for kind in draw(likely_kinds(key)) if kind != "choices"]
            rule |= draw(comparisons(kinds or ["text", "decimal", "boolean"]))
        else:
            rule |= draw(comparisons(["decimal"]))
    return rule | {"window": draw(windows(now))}


@st.composite
def steps(draw: st.DrawFn, place: int) -> dict[str, Any]:
    step = draw(activities()) | {"did": place == 0 or draw(st.booleans())}
    same = [{}, {}, {"same": "category"}, {"same": "quantity"}, {"same": "value"}]
    return step | (draw(st.sampled_from(same)) if place else {})


@st.composite
def sequence_rules(draw: st.DrawFn, now: datetime) -> dict[str, Any]:
    number = draw(st.sampled_from([2, 2, 3, 3, 4]))
    rule: dict[str, Any] = {"type": "sequence", "steps": [draw(steps(place)) for place in range(number)]}
    if draw(st.booleans()):
        rule["within"] = {"count": draw(counts()), "unit": draw(st.sampled_from(WITHIN_UNITS))}
    return rule | {"window": draw(st.one_of(st.just({"kind": "ever"}), windows(now)))}
