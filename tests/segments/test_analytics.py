"""The figures of a segment, from data whose figures are known."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone
from django_q.models import Schedule

from contacts.models import Contact
from crm.jobs import ensure_schedules
from segments.analytics.comparison import Amount, Figures, Share, compare
from segments.analytics.freshness import freshness
from segments.analytics.history import Period, history, moved_between
from segments.analytics.overlap import overlap
from segments.analytics.upset import BARS, HEAD, LONGEST, upset
from segments.membership import add, remove
from segments.models import Cause, RefreshRun, Segment, SegmentDay, Transition
from tests.segments.pages import dynamic, people, static

pytestmark = pytest.mark.django_db


def days(segment: Segment, *rows: tuple[date, int, int]) -> None:
    """What moved on these days; the size follows from it."""
    SegmentDay.objects.bulk_create(
        SegmentDay(segment=segment, day=day, entered=entered, left=left) for day, entered, left in rows
    )
    Segment.objects.filter(pk=segment.pk).update(size=sum(entered - left for _day, entered, left in rows))
    segment.refresh_from_db()


# How it changed


def test_sizes_are_worked_out_backwards(now: datetime, django_assert_num_queries: Any):
    segment = static("S", now=now - timedelta(days=2))
    days(segment, (date(2026, 3, 8), 10, 0), (date(2026, 3, 9), 5, 7), (date(2026, 3, 10), 1, 0))
    with django_assert_num_queries(1):
        periods = history(segment, "day", now=now)
    assert len(periods) == 30
    assert periods[-4:] == [
        Period(date(2026, 3, 7), date(2026, 3, 7), 0, 0, None),
        Period(date(2026, 3, 8), date(2026, 3, 8), 10, 0, 10),
        Period(date(2026, 3, 9), date(2026, 3, 9), 5, 7, 8),
        Period(date(2026, 3, 10), date(2026, 3, 10), 1, 0, 9),
    ]


def test_weeks_begin_on_monday(now: datetime):
    segment = static("S", now=now)
    days(
        segment, (date(2026, 3, 1), 4, 0), (date(2026, 3, 2), 3, 1), (date(2026, 3, 8), 2, 0), (date(2026, 3, 9), 1, 0)
    )
    periods = history(segment, "week", now=now)
    assert len(periods) == 26
    assert periods[-3:] == [
        Period(date(2026, 2, 23), date(2026, 3, 1), 4, 0, 4),
        Period(date(2026, 3, 2), date(2026, 3, 8), 5, 1, 8),
        Period(date(2026, 3, 9), date(2026, 3, 15), 1, 0, 9),
    ]


def test_months_are_those_of_the_calendar(now: datetime):
    segment = static("S", now=datetime(2020, 1, 1, tzinfo=UTC))
    days(
        segment,
        (date(2024, 1, 1), 100, 0),
        (date(2025, 3, 31), 7, 0),
        (date(2026, 1, 31), 0, 2),
        (date(2026, 2, 1), 4, 0),
    )
    periods = history(segment, "month", now=now)
    assert [(one.first, one.size) for one in (periods[0], *periods[-3:])] == [
        (date(2025, 4, 1), 107),
        (date(2026, 1, 1), 105),
        (date(2026, 2, 1), 109),
        (date(2026, 3, 1), 109),
    ]
    assert periods[-2].last == date(2026, 2, 28)


def test_the_day_is_that_of_the_account(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(settings, "TIME_ZONE", "Asia/Tokyo")
    timezone.get_default_timezone.cache_clear()
    try:
        late = datetime(2026, 3, 10, 15, 30, tzinfo=UTC)  # half past midnight on the 11th
        [ana, luca] = people("Ana", "Luca", now=late)
        segment = static("S", ana, now=late - timedelta(hours=1))
        add(segment, Contact.objects.filter(pk=luca.pk), now=late, cause=Cause.HAND)
        segment.refresh_from_db()
        periods = history(segment, "day", now=late)
        assert [(one.first.day, one.entered, one.size) for one in periods[-2:]] == [(10, 1, 1), (11, 1, 2)]
        on_11th = moved_between(segment, Transition.Kind.ENTERED, date(2026, 3, 11), date(2026, 3, 11))
        assert [one.contact_id for one in on_11th] == [luca.pk]
    finally:
        monkeypatch.undo()
        timezone.get_default_timezone.cache_clear()


def test_the_contacts_behind_a_bar_are_as_many_as_it_says(now: datetime):
    everybody = people("Ana", "Luca", "Emma", now=now)
    segment = static("S", now=now - timedelta(days=9))
    for back, one in enumerate(everybody):
        add(segment, Contact.objects.filter(pk=one.pk), now=now - timedelta(days=back), cause=Cause.HAND)
    remove(segment, Contact.objects.filter(pk=everybody[0].pk), now=now, cause=Cause.HAND)
    segment.refresh_from_db()
    for unit in ("day", "week", "month"):
        for one in history(segment, unit, now=now):
            for kind in Transition.Kind:
                assert moved_between(segment, kind, one.first, one.last).count() == getattr(one, kind)


# Compared with everybody


def shop(now: datetime) -> list[Contact]:
    """Six contacts: four in Spain, of whom one is not reachable and one does not buy; one in Italy; a visitor."""
    subscribed = {"newsletter": "subscribed"}
    rows: list[dict[str, Any]] = [
        {"country": "ES", "language": "es", "purchases_count": 3, "purchases_total": "30.30"} | subscribed,
        {"country": "ES", "language": "es", "purchases_count": 1, "purchases_total": "10"} | subscribed,
        {"country": "ES", "language": "ca", "email_status": "bounced", "purchases_count": 1, "purchases_total": "5.20"}
        | subscribed,
        {"country": "ES"},
        {"country": "IT", "language": "it", "purchases_count": 2, "purchases_total": "54.50"},
    ]
    contacts = [
        Contact(
            email=f"c{number}@example.com",
            created_at=now,
            **row | {"purchases_total": Decimal(row.get("purchases_total", 0))},
        )
        for number, row in enumerate(rows)
    ]
    return Contact.objects.bulk_create([*contacts, Contact(visitor_key="v", newsletter="subscribed", created_at=now)])


def test_members_and_everybody(now: datetime, django_assert_num_queries: Any):
    contacts = shop(now)
    segment = static("S", *contacts[:4], now=now)
    static("Another", *contacts, now=now)
    with django_assert_num_queries(1):
        found = compare(segment)
    assert found.members == Figures(
        contacts=4, with_email=4, subscribed=3, reachable=2, buyers=3, returning=1, purchases=5, revenue=Decimal("45.5")
    )
    assert found.everybody == Figures(
        contacts=6, with_email=5, subscribed=3, reachable=2, buyers=4, returning=2, purchases=7, revenue=Decimal("100")
    )
    assert found.share_of_base == pytest.approx(66.6667, abs=0.001)
    reachable = found.reach.lines[-1]
    assert (reachable.inside, reachable.inside_share, reachable.everywhere) == (2, 50.0, 2)
    assert reachable.ratio == pytest.approx(1.5)
    assert [(line.label, line.inside, line.everywhere) for line in found.buyers.lines] == [
        ("No purchase", 1, 2),
        ("First-time buyers", 2, 2),
        ("Returning buyers", 1, 2),
    ]
    assert found.buyers.longest == 50.0


def test_purchases_revenue_and_average_order(now: datetime):
    contacts = shop(now)
    found = compare(static("S", *contacts[:4], now=now))
    purchases, revenue, average, per_contact, per_head = found.amounts
    assert purchases == Amount("Purchases", 5, 7, 0, is_sum=True)
    assert purchases.share == pytest.approx(71.4286, abs=0.001)
    assert (revenue.inside, revenue.everywhere, revenue.share) == (Decimal("45.5"), Decimal(100), pytest.approx(45.5))
    assert average.inside == Decimal("9.1")
    assert average.ratio == pytest.approx(9.1 / (100 / 7))
    assert (per_contact.inside, per_head.inside) == (Decimal("11.375"), Decimal("1.25"))


def test_countries_and_languages(now: datetime):
    contacts = shop(now)
    found = compare(static("S", *contacts[:4], now=now))
    assert found.countries.lines == [
        Share("Spain", 4, 4, 100.0, pytest.approx(66.6667, abs=0.001)),
        Share("All others", 0, 1, 0.0, pytest.approx(16.6667, abs=0.001)),
        Share("Not known", 0, 1, 0.0, pytest.approx(16.6667, abs=0.001)),
    ]
    assert [(line.label, line.inside, line.everywhere) for line in found.languages.lines] == [
        ("Spanish", 2, 2),
        ("Catalan", 1, 1),
        ("All others", 0, 1),
        ("Not known", 1, 2),
    ]


def test_only_the_commonest_places_are_named(now: datetime):
    codes = ["ES", "IT", "FR", "DE", "PT", "NL", "BE", "AT", "PL", "SE"]
    contacts = Contact.objects.bulk_create(
        Contact(email=f"{code}{copy}@example.com".lower(), country=code, created_at=now)
        for place, code in enumerate(codes)
        for copy in range(10 - place)
    )
    found = compare(static("S", *contacts, now=now)).countries.lines
    assert [line.inside for line in found] == [10, 9, 8, 7, 6, 5, 4, 3, 3]
    assert (found[0].label, found[-1].label) == ("Spain", "All others")


def test_a_segment_of_nobody_has_no_shares(now: datetime):
    empty = static("Empty", now=now)
    found = compare(empty)
    assert (found.members, found.everybody, found.share_of_base) == (Figures(), Figures(), None)
    assert found.countries.lines == []
    assert [amount.inside for amount in found.amounts] == [0, Decimal(0), None, None, None]
    assert [amount.share for amount in found.amounts] == [None] * 5
    shop(now)
    found = compare(empty)
    assert (found.share_of_base, found.reach.lines[0].inside_share, found.countries.lines) == (0.0, None, [])


# Overlap


def overlapping(now: datetime) -> tuple[Segment, list[Segment]]:
    """Five members, of whom two are in A, two in B, one of them in both; A and B have one more each, and C nobody."""
    contacts = people("One", "Two", "Three", "Four", "Five", "Six", "Seven", now=now)
    one, two, three, four, five, six, seven = contacts
    segment = static("S", one, two, three, four, five, now=now)
    return segment, [
        static("A", one, two, six, now=now),
        static("B", two, three, seven, now=now),
        static("C", now=now),
    ]


def test_every_member_is_in_one_combination(now: datetime, django_assert_num_queries: Any):
    segment, [a, b, c] = overlapping(now)
    with django_assert_num_queries(1):
        found = overlap(segment, [a, b, c])
    assert [(one.others, one.count, one.share) for one in found.combinations] == [
        ((), 2, 40.0),
        ((a,), 1, 20.0),
        ((a, b), 1, 20.0),
        ((b,), 1, 20.0),
    ]
    assert [(one.other, one.count, one.share) for one in found.shared] == [(a, 2, 40.0), (b, 2, 40.0), (c, 0, 0.0)]
    assert [one.share_of_other for one in found.shared] == [pytest.approx(66.6667, abs=0.001)] * 2 + [None]


@pytest.mark.parametrize("number", [0, 1, 4])
def test_overlap_with_so_many_segments(now: datetime, number: int, django_assert_num_queries: Any):
    segment, others = overlapping(now)
    others.append(static("D", *Contact.objects.all(), now=now))
    with django_assert_num_queries(1):
        found = overlap(segment, others[:number])
    assert sum(one.count for one in found.combinations) == 5


def test_more_than_four_segments_are_refused(now: datetime):
    segment, [a, *_others] = overlapping(now)
    with pytest.raises(ValueError, match="at most 4"):
        overlap(segment, [a] * 5)


def test_the_picture_of_an_overlap(now: datetime):
    segment, [a, b, c] = overlapping(now)
    drawn = upset(overlap(segment, [a, b, c]))
    assert [label.segment for label in drawn.labels] == [segment, a, b, c]
    assert [column.height for column in drawn.columns] == [BARS, BARS / 2, BARS / 2, BARS / 2]
    assert drawn.columns[0].top == HEAD
    assert [[dot.is_in for dot in column.dots] for column in drawn.columns] == [
        [True, False, False, False],
        [True, True, False, False],
        [True, True, True, False],
        [True, False, True, False],
    ]
    first, *_between, last = drawn.labels
    assert [column.line for column in drawn.columns] == [
        None,
        (first.y, drawn.labels[1].y),
        (first.y, drawn.labels[2].y),
        (first.y, drawn.labels[2].y),
    ]
    assert last.y < drawn.height
    assert drawn.columns[-1].bar_x + drawn.bar <= drawn.width
    assert drawn.left_out == 0


def test_the_picture_shows_the_largest_combinations(now: datetime):
    contacts = people(*(f"P{number}" for number in range(16)), now=now)
    segment = static("S", *contacts, now=now)
    others = [
        static(f"Bit {bit}", *(one for number, one in enumerate(contacts) if number >> bit & 1), now=now)
        for bit in range(4)
    ]
    found = overlap(segment, others)
    assert len(found.combinations) == 16
    assert (len(upset(found).columns), upset(found).left_out) == (LONGEST, 6)


# Freshness


def test_the_last_refresh_and_the_next_sweep(now: datetime, django_assert_num_queries: Any):
    people("Ana", now=now)
    segment = dynamic("D", now=now)
    RefreshRun.objects.create(kind="full", segment=segment, started_at=now, milliseconds=1500, entered=1)
    RefreshRun.objects.create(kind="full", segment=segment, started_at=now, error="broken")
    RefreshRun.objects.create(kind="audit", segment=segment, started_at=now)
    ensure_schedules()
    for name, minutes in (("segments: changes", 1), ("segments: time", 0.5), ("segments: audit", 600)):
        Schedule.objects.filter(name=name).update(next_run=now + timedelta(minutes=minutes))
    with django_assert_num_queries(2):
        found = freshness(segment, now=now)
    assert found.latest
    assert (found.latest.milliseconds, found.seconds) == (1500, 1.5)
    assert (found.sweep, found.audit) == (now + timedelta(seconds=30), now + timedelta(hours=10))
    assert not found.is_overdue
    assert not freshness(segment, now=now + timedelta(minutes=5)).is_overdue
    assert freshness(segment, now=now + timedelta(minutes=6)).is_overdue


def test_without_a_worker_nothing_comes_next(now: datetime):
    found = freshness(static("S", now=now), now=now)
    assert (found.latest, found.seconds, found.sweep, found.audit, found.is_overdue) == (None, None, None, None, True)
