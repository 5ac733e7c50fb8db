"""Whatever stands in the place of an entry of a definition: the API names it, or takes it, and never breaks."""

import copy
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from contacts.models import Contact, ContactField, ContactList
from segments.models import Segment
from tests.api_client import Api

pytestmark = pytest.mark.django_db

LONG_AGO = {"kind": "last", "count": 3, "unit": "months"}
RULES: list[dict[str, Any]] = [
    {"type": "field", "field": "first_name", "operator": "contains", "value": "a"},
    {"type": "field", "field": "country", "operator": "is_any_of", "value": ["ES", "FR"], "only_set": True},
    {"type": "field", "field": "points", "operator": "between", "value": {"from": 1, "to": 5}},
    {"type": "field", "field": "purchases_total", "operator": "greater_than", "value": 10.5},
    {"type": "field", "field": "date_of_birth", "operator": "on_or_after", "value": "1990-01-01"},
    {"type": "field", "field": "date_of_birth", "operator": "anniversary_in_month", "value": {"month": 2}},
    {"type": "field", "field": "created_at", "operator": "in_last", "value": {"count": 3, "unit": "days"}},
    {"type": "field", "field": "custom.tags", "operator": "has_any_of", "value": ["a"]},
    {"type": "list", "list": 1, "operator": "joined", "window": LONG_AGO},
    {"type": "segment", "segment": 1, "operator": "member"},
    {
        "type": "event",
        "event": "purchase",
        "where": [{"property": "category", "operator": "is", "value": "shoes"}],
        "metric": "sum",
        "property": "value",
        "operator": "at_least",
        "value": 3,
        "window": {"kind": "between", "from": "2026-01-01", "to": "2026-02-01"},
    },
    {
        "type": "sequence",
        "steps": [{"event": "cart_add", "did": True}, {"event": "purchase", "did": False}],
        "within": {"count": 1, "unit": "days"},
        "window": LONG_AGO,
    },
    {"match": "none", "rules": [{"type": "field", "field": "email", "operator": "is_set"}]},
]
ODD: list[Any] = [
    *(None, True, "", " ", "x", "9" * 400, "\0", "\ud800", "0000-00-00", "9999-12-31", "0001-01-01"),
    *(0, -1, 1.5, 2**31, 2**63, 10**30, 1e300, [], [[]], [None], [1] * 3, {}, {"from": None}, {"x": {"y": []}}),
]


@pytest.fixture
def segment(db: None, now: datetime) -> Segment:
    """The segment whose definition is tried, beside one that it may name."""
    options = [{"value": "a", "label": "A"}]
    ContactField.objects.create(key="tags", label="Tags", type="choices", options=options)
    ContactList.objects.create(pk=1, name="News")
    Contact.objects.create(email="ana@example.com")
    Segment.objects.create(pk=1, name="Guests", kind="static")
    everybody = {"version": 1, "match": "all", "rules": [RULES[0]]}
    return Segment.objects.create(pk=2, name="Tried", kind="dynamic_plus", definition=everybody)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths to all that is inside a JSON value."""
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
        yield (*path, key)
        if isinstance(inner, dict | list):
            yield from places(inner, (*path, key))


def with_odd(rule: dict[str, Any], path: tuple[Any, ...], odd: Any) -> dict[str, Any]:
    changed = copy.deepcopy(rule)
    inside: Any = changed
    for part in path[:-1]:
        inside = inside[part]
    inside[path[-1]] = odd
    return changed


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: "-".join(map(str, list(rule.values())[:2])))
def test_odd_values_are_named_or_taken(segment: Segment, rule: dict[str, Any], settings: Any) -> None:
    settings.API_REQUESTS_PER_MINUTE = 1_000_000
    api = Api.with_scopes("segments:read")
    address = f"/segments/{segment.pk}/preview"

    def preview(tried: Any) -> tuple[int, Any]:
        return api.post(address, {"definition": {"version": 1, "match": "all", "rules": [tried]}})

    assert preview(rule)[0] == 200
    for path in places(rule):
        for odd in ODD:
            status, answer = preview(with_odd(rule, path, odd))
            assert status in (200, 400), (path, odd, answer)
            if status == 400:
                assert all(error["path"].startswith("definition") for error in answer["errors"]), (path, odd, answer)
