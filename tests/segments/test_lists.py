"""Conditions on lists: on it, not on it, and every window at its exact edges."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contacts.lists import subscribe, unsubscribe
from contacts.models import Contact, ContactList, ListMembership
from tests.segments.asking import holding
from tests.segments.comparing import account_time_zone

pytestmark = pytest.mark.django_db

TICK = timedelta(microseconds=1)
NOW = datetime(2026, 3, 31, 12, 0, tzinfo=UTC)


@pytest.fixture
def news() -> ContactList:
    return ContactList.objects.create(name="News")


def joined(news: ContactList, people: dict[str, datetime]) -> None:
    """Contacts by name, subscribed at these moments, and one who is not."""
    for name, moment in people.items():
        contact = Contact.objects.create(external_id=name)
        ListMembership.objects.create(list=news, contact=contact, subscribed_at=moment)
    Contact.objects.create(external_id="nobody")


def who(news: ContactList, window: dict[str, Any], *, now: datetime = NOW) -> set[str]:
    return holding({"type": "list", "list": news.pk, "operator": "joined", "window": window}, now=now)


def test_on_a_list_and_not_on_it(news: ContactList):
    other = ContactList.objects.create(name="Offers")
    one, two, three = (Contact.objects.create(external_id=name) for name in ("one", "two", "three"))
    subscribe(news, Contact.objects.filter(pk__in=[one.pk, two.pk]), now=NOW)
    subscribe(other, Contact.objects.filter(pk=three.pk), now=NOW)
    unsubscribe(news, Contact.objects.filter(pk=two.pk), now=NOW)
    rule = {"type": "list", "list": news.pk}
    assert holding(rule | {"operator": "member"}, now=NOW) == {"one"}
    assert holding(rule | {"operator": "not_member"}, now=NOW) == {"two", "three"}
    assert who(news, {"kind": "ever"}) == {"one"}
    subscribe(news, Contact.objects.filter(pk=two.pk), now=NOW + TICK)
    assert holding(rule | {"operator": "member"}, now=NOW) == {"one", "two"}


MONTH = datetime(2026, 2, 28, 12, 0, tzinfo=UTC)  # a month before 31 March
DAY_7 = NOW - timedelta(days=7)
MARCH_5 = datetime(2026, 3, 5, tzinfo=UTC)
EDGES = [
    ({"kind": "ever"}, NOW, {"just before", "at", "just after"}),
    ({"kind": "last", "count": 7, "unit": "days"}, DAY_7, {"just after"}),
    ({"kind": "last", "count": 7, "unit": "days"}, NOW, {"just before", "at"}),
    ({"kind": "last", "count": 90, "unit": "minutes"}, NOW - timedelta(minutes=90), {"just after"}),
    ({"kind": "last", "count": 36, "unit": "hours"}, NOW - timedelta(hours=36), {"just after"}),
    ({"kind": "last", "count": 1, "unit": "weeks"}, DAY_7, {"just after"}),
    ({"kind": "last", "count": 1, "unit": "months"}, MONTH, {"just after"}),
    ({"kind": "last", "count": 1, "unit": "years"}, datetime(2025, 3, 31, 12, 0, tzinfo=UTC), {"just after"}),
    ({"kind": "before_last", "count": 7, "unit": "days"}, DAY_7, {"just before", "at"}),
    ({"kind": "before_last", "count": 1, "unit": "months"}, MONTH, {"just before", "at"}),
    ({"kind": "between_ago", "from_count": 7, "to_count": 9, "unit": "days"}, DAY_7, {"just before", "at"}),
    ({"kind": "between_ago", "from_count": 3, "to_count": 7, "unit": "days"}, DAY_7, {"just after"}),
    ({"kind": "between_ago", "from_count": 0, "to_count": 7, "unit": "days"}, NOW, {"just before", "at"}),
    ({"kind": "between", "from": "2026-03-05", "to": "2026-03-09"}, MARCH_5, {"at", "just after"}),
    ({"kind": "between", "from": "2026-03-05", "to": "2026-03-09"}, datetime(2026, 3, 10, tzinfo=UTC), {"just before"}),
    ({"kind": "between", "from": "2026-03-05", "to": "2026-03-05"}, MARCH_5, {"at", "just after"}),
    ({"kind": "since", "date": "2026-03-05"}, MARCH_5, {"at", "just after"}),
    ({"kind": "until", "date": "2026-03-05"}, datetime(2026, 3, 6, tzinfo=UTC), {"just before"}),
    ({"kind": "this", "unit": "day"}, datetime(2026, 3, 31, tzinfo=UTC), {"at", "just after"}),
    ({"kind": "this", "unit": "day"}, datetime(2026, 4, 1, tzinfo=UTC), {"just before"}),
    ({"kind": "this", "unit": "week"}, datetime(2026, 3, 30, tzinfo=UTC), {"at", "just after"}),
    ({"kind": "previous", "unit": "week"}, datetime(2026, 3, 30, tzinfo=UTC), {"just before"}),
    ({"kind": "previous", "unit": "month"}, datetime(2026, 2, 1, tzinfo=UTC), {"at", "just after"}),
    ({"kind": "this", "unit": "quarter"}, datetime(2026, 1, 1, tzinfo=UTC), {"at", "just after"}),
    ({"kind": "previous", "unit": "year"}, datetime(2026, 1, 1, tzinfo=UTC), {"just before"}),
]


@pytest.mark.parametrize(("window", "edge", "expected"), EDGES)
def test_windows_at_their_edges(news: ContactList, window: dict[str, Any], edge: datetime, expected: set[str]):
    joined(news, {"just before": edge - TICK, "at": edge, "just after": edge + TICK})
    assert who(news, window) == expected


def test_days_of_a_window_are_those_of_the_account(news: ContactList):
    midnight = datetime(2026, 3, 28, 23, 0, tzinfo=UTC)  # of 29 March, when Madrid's clocks changed
    joined(news, {"eve": midnight - TICK, "first": midnight, "last": midnight + timedelta(hours=23) - TICK})
    day = {"kind": "between", "from": "2026-03-29", "to": "2026-03-29"}
    assert who(news, day) == {"last"}
    with account_time_zone("Europe/Madrid"):
        assert who(news, day) == {"first", "last"}
        assert who(news, {"kind": "until", "date": "2026-03-28"}) == {"eve"}
        assert who(news, {"kind": "this", "unit": "day"}, now=midnight) == {"first", "last"}


def test_windows_at_the_ends_of_the_calendar(news: ContactList):
    joined(news, {"somebody": NOW})
    for zone in ("UTC", "Pacific/Apia", "America/Los_Angeles"):
        with account_time_zone(zone):
            assert who(news, {"kind": "between", "from": "0001-01-01", "to": "9999-12-31"}) == {"somebody"}
            assert who(news, {"kind": "since", "date": "9999-12-31"}) == set()
            assert who(news, {"kind": "until", "date": "0001-01-01"}) == set()
            for unit in ("minutes", "days", "months", "years"):
                assert who(news, {"kind": "last", "count": 100_000, "unit": unit}) == {"somebody"}
                assert who(news, {"kind": "before_last", "count": 100_000, "unit": unit}) == set()
