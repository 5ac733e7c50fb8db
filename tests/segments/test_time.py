"""Memberships that change because time passes."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from contacts.models import Contact, ContactList, ListMembership
from segments.models import Cause, RefreshRun, Segment, Transition
from segments.refresh import apply_changes, apply_time, audit, refresh_due, refresh_segment
from tests.segments import worlds
from tests.segments.comparing import account_time_zone, matched, members, new_segment
from tests.segments.records import assert_records_agree

pytestmark = pytest.mark.django_db

TICK = timedelta(microseconds=1)


def filled(rule: dict[str, Any], *, now: datetime) -> Segment:
    segment = new_segment({"version": 1, "match": "all", "rules": [rule]})
    refresh_segment(segment, now=now)
    return segment


def field(key: str, operator: str, value: Any = None) -> dict[str, Any]:
    rule = {"type": "field", "field": key, "operator": operator}
    return rule if value is None else rule | {"value": value}


def names(segment: Segment) -> set[str]:
    return set(segment.members.values_list("external_id", flat=True))


def moves(segment: Segment) -> list[tuple[str, str, datetime]]:
    return list(Transition.objects.filter(segment=segment).order_by("pk").values_list("kind", "cause", "at"))


# An edge passes


@pytest.mark.parametrize("key", ["last_seen_at", "custom.renews_at"])
def test_a_rolling_window_lets_go_at_its_edge(key: str, now: datetime):
    worlds.declare_fields()
    people = {"seen": now - timedelta(days=1)}
    set_moments(key, people)
    segment = filled(field(key, "in_last", {"count": 30, "unit": "days"}), now=now)
    edge = people["seen"] + timedelta(days=30)
    apply_time(now=edge - TICK)
    assert names(segment) == {"seen"}
    apply_time(now=edge)
    assert names(segment) == set()
    assert moves(segment) == [("entered", Cause.REFRESH, now), ("left", Cause.TIME, edge)]
    assert_records_agree()


def set_moments(key: str, people: dict[str, datetime]) -> None:
    from tests.segments.asking import people as make

    make(key, people)


@pytest.mark.parametrize(
    ("operator", "value", "inside"),
    [
        ("in_last", {"count": 2, "unit": "hours"}, (0, 2)),
        ("more_than_ago", {"count": 2, "unit": "hours"}, (2, 99)),
        ("between_ago", {"from_count": 1, "to_count": 2, "unit": "hours"}, (1, 2)),
        ("in_next", {"count": 2, "unit": "hours"}, (-2, 0)),
        ("more_than_ahead", {"count": 2, "unit": "hours"}, (-99, -2)),
    ],
)
def test_each_relative_operator_keeps_up_with_the_clock(
    operator: str, value: Any, inside: tuple[int, int], now: datetime
):
    """A moment comes nearer, passes, and goes by; at each tick of a quarter of an hour it is where it belongs."""
    moment = now + timedelta(hours=4)
    set_moments("last_seen_at", {"one": moment})
    segment = filled(field("last_seen_at", operator, value), now=now)
    for quarter in range(1, 32):
        at = now + timedelta(minutes=15 * quarter)
        apply_time(now=at)
        gone_by = (at - moment) / timedelta(hours=1)
        assert bool(members(segment)) == (inside[0] <= gone_by < inside[1]), gone_by
    assert_records_agree()


def test_days_change_at_midnight_of_the_account():
    with account_time_zone("Europe/Madrid"):
        Contact.objects.create(external_id="born", date_of_birth=date(2026, 3, 30))
        segment = filled(field("date_of_birth", "in_this", {"unit": "day"}), now=datetime(2026, 3, 29, 12, tzinfo=UTC))
        apply_time(now=datetime(2026, 3, 29, 21, 59, 59, tzinfo=UTC))
        assert names(segment) == set()
        apply_time(now=datetime(2026, 3, 29, 22, 0, tzinfo=UTC))
        assert names(segment) == {"born"}
        apply_time(now=datetime(2026, 3, 30, 22, 0, tzinfo=UTC))
        assert names(segment) == set()


def test_anniversaries_come_and_go_through_a_leap_year():
    Contact.objects.create(external_id="leap", date_of_birth=date(1992, 2, 29))
    Contact.objects.create(external_id="eve", date_of_birth=date(1990, 12, 31))
    segment = filled(field("date_of_birth", "anniversary_today"), now=datetime(2026, 12, 30, 12, tzinfo=UTC))
    seen = {}
    day = datetime(2026, 12, 31, 0, 1, tzinfo=UTC)
    while day < datetime(2028, 3, 3, tzinfo=UTC):
        apply_time(now=day)
        if found := names(segment):
            seen[day.date()] = found
        day += timedelta(days=1)
    assert seen == {
        date(2026, 12, 31): {"eve"},
        date(2027, 2, 28): {"leap"},
        date(2027, 12, 31): {"eve"},
        date(2028, 2, 29): {"leap"},
    }


@pytest.mark.parametrize(
    ("window", "first", "last"),
    [
        ({"kind": "last", "count": 3, "unit": "hours"}, 0, 2),
        ({"kind": "before_last", "count": 3, "unit": "hours"}, 3, 9),
        ({"kind": "between_ago", "from_count": 2, "to_count": 4, "unit": "hours"}, 2, 3),
    ],
)
def test_windows_of_lists_keep_up_with_the_clock(window: dict[str, Any], first: int, last: int, now: datetime):
    contact = Contact.objects.create()
    news = ContactList.objects.create(name="News")
    ListMembership.objects.create(list=news, contact=contact, subscribed_at=now)
    segment = filled({"type": "list", "list": news.pk, "operator": "joined", "window": window}, now=now)
    found = []
    for hour in range(1, 10):
        apply_time(now=now + timedelta(hours=hour))
        found += [hour] if members(segment) else []
    assert found == [hour for hour in range(1, 10) if first <= hour <= last]


# Edits between two sweeps


def test_who_came_after_the_last_sweep_leaves_in_time():
    """The day of the birthday begins and ends between two sweeps, and an edit in between makes a member."""
    first, second, third = (datetime(2026, 3, day, 12, tzinfo=UTC) for day in (1, 2, 3))
    contact = Contact.objects.create()
    segment = filled(field("date_of_birth", "anniversary_today"), now=first)
    Contact.objects.update(date_of_birth=date(1990, 3, 2))
    apply_changes(now=second)
    assert members(segment) == {contact.pk}
    apply_time(now=third)
    assert members(segment) == set()


def test_who_was_left_out_after_the_last_sweep_comes_in_time():
    first, second, third = (datetime(2026, 3, day, 12, tzinfo=UTC) for day in (1, 9, 16))
    contact = Contact.objects.create()
    definition = field("date_of_birth", "anniversary_in_last", {"count": 1, "unit": "weeks"})
    segment = new_segment({"version": 1, "match": "none", "rules": [definition]})
    refresh_segment(segment, now=first)
    Contact.objects.update(date_of_birth=date(1990, 3, 8))
    apply_changes(now=second)
    assert members(segment) == set()
    apply_time(now=third)
    assert members(segment) == {contact.pk}


def test_an_edge_that_steps_back_is_not_missed():
    """A month before 28 March, late, is later than a month before 29 March, early: both are 28 February."""
    late, early = datetime(2026, 3, 28, 23, tzinfo=UTC), datetime(2026, 3, 29, 10, tzinfo=UTC)
    contact = Contact.objects.create()
    segment = filled(field("last_seen_at", "in_last", {"count": 1, "unit": "months"}), now=late - timedelta(hours=11))
    Contact.objects.update(last_seen_at=datetime(2026, 2, 28, 18, tzinfo=UTC))
    apply_changes(now=late)
    assert members(segment) == set()
    apply_time(now=early)
    assert members(segment) == {contact.pk} == matched(segment.conditions, now=early)


def test_an_edge_that_steps_back_when_the_clock_does_is_not_missed():
    """In Madrid half past two came twice on 26 October 2025; a month before, it came once."""
    with account_time_zone("Europe/Madrid"):
        start = datetime(2025, 10, 26, 0, 5, tzinfo=UTC)
        contact = Contact.objects.create()
        window = {"kind": "last", "count": 1, "unit": "months"}
        news = ContactList.objects.create(name="News")
        segment = filled({"type": "list", "list": news.pk, "operator": "joined", "window": window}, now=start)
        joined = datetime(2025, 9, 26, 0, 30, tzinfo=UTC)
        ListMembership.objects.create(list=news, contact=contact, subscribed_at=joined)
        apply_changes(now=datetime(2025, 10, 26, 0, 50, tzinfo=UTC))
        assert members(segment) == set()
        again = datetime(2025, 10, 26, 1, 10, tzinfo=UTC)
        apply_time(now=again)
        assert members(segment) == {contact.pk} == matched(segment.conditions, now=again)


def test_an_edit_seen_with_an_older_clock_than_the_last_sweep_is_right_all_the_same(now: datetime):
    """A page's clock was read before the worker's sweep, and its changes are applied after it."""
    base = filled(field("city", "is", "Lugo"), now=now)
    in_base = {"type": "segment", "segment": base.pk, "operator": "member"}
    recent = field("last_seen_at", "in_last", {"count": 1, "unit": "hours"})
    both = new_segment({"version": 1, "match": "all", "rules": [in_base, recent]})
    refresh_segment(both, now=now)
    later = now + timedelta(seconds=2)
    Contact.objects.create(city="Madrid", last_seen_at=now - timedelta(hours=1) + timedelta(seconds=1))
    apply_changes(now=now)
    apply_time(now=later)
    Contact.objects.update(city="Lugo")
    apply_changes(now=now)
    apply_time(now=later + timedelta(seconds=1))
    assert members(both) == set()
    assert [run.differences for run in audit(now=later + timedelta(seconds=1))] == [0, 0]


# How much is looked at


def test_only_those_whom_an_edge_passed_are_looked_at(now: datetime):
    Contact.objects.bulk_create(
        Contact(last_seen_at=now - timedelta(days=30) + timedelta(minutes=minute)) for minute in range(-50, 50)
    )
    segment = filled(field("last_seen_at", "in_last", {"count": 30, "unit": "days"}), now=now)
    assert len(members(segment)) == 49
    assert apply_time(now=now + timedelta(minutes=10)) == 11  # one on each edge of the strip
    assert len(members(segment)) == 39
    run = RefreshRun.objects.get(kind=RefreshRun.Kind.TIME)
    assert (run.cause, run.segments, run.examined, run.entered, run.left) == (Cause.TIME, 1, 11, 0, 10)


def test_nothing_is_looked_at_twice(now: datetime):
    set_moments("last_seen_at", {"one": now})
    segment = filled(field("last_seen_at", "in_last", {"count": 1, "unit": "hours"}), now=now)
    apply_time(now=now + timedelta(hours=1))
    assert apply_time(now=now + timedelta(hours=1)) == 0
    assert apply_time(now=now) == 0, "the clock went back"
    assert members(segment) == set()
    assert RefreshRun.objects.filter(kind=RefreshRun.Kind.TIME).count() == 1


def test_when_an_edge_passes_very_many_the_segment_is_refreshed_in_full(now: datetime):
    Contact.objects.bulk_create(Contact(last_seen_at=now) for _number in range(1_100))
    segment = filled(field("last_seen_at", "in_last", {"count": 1, "unit": "hours"}), now=now)
    reader = new_segment(
        {"version": 1, "match": "none", "rules": [{"type": "segment", "segment": segment.pk, "operator": "member"}]}
    )
    refresh_segment(reader, now=now)
    later = now + timedelta(hours=1)
    apply_time(now=later)
    segment.refresh_from_db()
    assert segment.stale
    assert len(members(segment)) == 1_100
    refresh_due(now=later)
    refresh_due(now=later)
    assert (len(members(segment)), len(members(reader))) == (0, 1_100)
    assert_records_agree()
