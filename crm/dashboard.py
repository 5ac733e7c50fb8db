"""The numbers of the dashboard. Every function costs a fixed number of queries, however much there is."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.core.cache import cache
from django.db.models import BigIntegerField, Count, F, Max, Q, QuerySet, Sum

from contacts.models import Contact
from segments.clock import today
from segments.models import RefreshRun, Segment, SegmentDay

NEW_DAYS = 30
TREND_DAYS = 7
CHART_DAYS = 30
LONGEST_LIST = 5
LATEST_RUNS = 6

# Counting a large table takes a moment, and nobody misses the last five minutes of a number that large.
LARGE = 50_000
COUNTS_KEPT = timedelta(minutes=5)


@dataclass(frozen=True)
class ContactCounts:
    total: int
    new: int
    subscribed: int

    @property
    def are_kept(self) -> bool:
        """Whether the numbers may be some minutes old."""
        return self.total >= LARGE

    @property
    def subscribed_percent(self) -> int:
        return round(100 * self.subscribed / self.total) if self.total else 0


def count_contacts(*, now: datetime) -> ContactCounts:
    """All contacts, those created in the last 30 days, and the subscribers of the newsletter."""
    kept: ContactCounts | None = cache.get("dashboard-contacts")
    if kept:
        return kept
    counts = ContactCounts(
        **Contact.objects.aggregate(
            total=Count("pk"),
            new=Count("pk", filter=Q(created_at__gt=now - timedelta(days=NEW_DAYS))),
            subscribed=Count("pk", filter=Q(newsletter=Contact.Newsletter.SUBSCRIBED)),
        )
    )
    if counts.are_kept:
        cache.set("dashboard-contacts", counts, COUNTS_KEPT.total_seconds())
    return counts


@dataclass(frozen=True)
class SegmentCounts:
    """How many segments there are: all, of each kind, with an error, and whose members are still being worked out."""

    by_kind: dict[Segment.Kind, int]
    failing: int
    waiting: int

    @property
    def total(self) -> int:
        return sum(self.by_kind.values())


def count_segments() -> SegmentCounts:
    failing = ~Q(error="")
    rows = (
        Segment.objects.live()
        .values("kind")
        .annotate(
            number=Count("pk"),
            failing=Count("pk", filter=failing),
            waiting=Count("pk", filter=Q(stale=True) & ~failing),
        )
        .order_by()
    )
    found = {row["kind"]: row for row in rows}
    return SegmentCounts(
        by_kind={kind: found[kind]["number"] if kind in found else 0 for kind in Segment.Kind},
        failing=sum(row["failing"] for row in found.values()),
        waiting=sum(row["waiting"] for row in found.values()),
    )


def growing_segments(*, now: datetime) -> QuerySet[Segment]:
    """The segments that grew most in the last 7 days, each with ``change``: how many contacts more."""
    return _changed_segments(Q(change__gt=0), "-change", now=now)


def shrinking_segments(*, now: datetime) -> QuerySet[Segment]:
    """The segments that shrank most in the last 7 days, each with ``change``, a negative number."""
    return _changed_segments(Q(change__lt=0), "change", now=now)


def _changed_segments(condition: Q, order: str, *, now: datetime) -> QuerySet[Segment]:
    since = today(now) - timedelta(days=TREND_DAYS - 1)
    change = Sum(F("days__entered") - F("days__left"), output_field=BigIntegerField())
    changed = Segment.objects.live().filter(days__day__gte=since).annotate(change=change).filter(condition)
    return changed.defer("definition").order_by(order, "name")[:LONGEST_LIST]


@dataclass(frozen=True)
class Movement:
    """How many contacts entered and left segments on one day."""

    day: date
    entered: int
    left: int


def movements(*, now: datetime) -> list[Movement]:
    """The last 30 days of the account's time zone, oldest first, days without movement included."""
    days = [today(now) - timedelta(days=back) for back in reversed(range(CHART_DAYS))]
    rows = (
        SegmentDay.objects.filter(day__gte=days[0], segment__deleted_at__isnull=True)
        .values("day")
        .annotate(came=Sum("entered"), went=Sum("left"))
        .order_by()
    )
    found = {row["day"]: row for row in rows}
    return [
        Movement(day, found[day]["came"], found[day]["went"]) if day in found else Movement(day, 0, 0) for day in days
    ]


@dataclass(frozen=True)
class Audits:
    """What the nightly comparison with a full evaluation found in the last 7 days."""

    latest: datetime | None
    differences: int


def audits(*, now: datetime) -> Audits:
    found = RefreshRun.objects.filter(
        kind=RefreshRun.Kind.AUDIT, started_at__gt=now - timedelta(days=TREND_DAYS)
    ).aggregate(latest=Max("started_at"), differences=Sum("differences", default=0))
    return Audits(**found)


def latest_runs() -> QuerySet[RefreshRun]:
    """The last full refreshes, and other runs that did something or failed; the many that only looked are left out."""
    moved = Q(entered__gt=0) | Q(left__gt=0) | Q(differences__gt=0)
    did_something = Q(kind=RefreshRun.Kind.FULL) | moved | ~Q(error="")
    return RefreshRun.objects.filter(did_something).select_related("segment").defer("segment__definition")[:LATEST_RUNS]
