"""How long events are kept: what of a certain age there is and who would notice, and removing it.

What contacts carry of their events stays: first and last seen and the summary of purchases tell of a whole lifetime.
Whoever evaluates events registers in `EVENT_READERS`, and whoever keeps a ledger that grows with them in `LEDGERS`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import partial
from time import perf_counter

from django.db import connection, transaction
from django.db.models import Count, F, Max
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import ngettext

from contacts import changes
from contacts.events_seen import types_seen
from contacts.models import Event, EventRemoval
from contacts.rolling_off import AgeingRows, Report, let_others_write, silent
from crm import jobs
from crm.models import Job
from crm.registry import Registry

ALWAYS_KEPT = timedelta(weeks=4)
"""What is younger is never removed: an event that is sent again within this time is known by its key."""

EARLIEST = date(1900, 1, 1)
"""Nobody keeps events from before; the calendar's own ends lie outside it in some time zones."""

JOB = "contacts.remove_old_events"
STRETCH = 300  # seconds after which a job goes back into the queue: it may take hours, and nobody is in a hurry
KEYS_LOCK = 0x4B455953  # on a PostgreSQL server: shared by who writes old events with keys, alone for who removes them

EVENTS = AgeingRows("contacts_event", "type", "occurred_at")


@dataclass(frozen=True)
class Affected:
    """Something that reads events of an age: its name, where it is found, and what in it does so, in words."""

    name: str
    url: str
    reasons: list[str]


@dataclass(frozen=True)
class EventReader:
    """A kind of thing that is evaluated from events, such as segments.

    ``function(moment, types=…, now=…)`` finds those that read events of these types from before the moment.
    """

    key: str
    label: str | Promise
    function: Callable[..., Sequence[Affected]]


@dataclass(frozen=True)
class Ledger:
    """An append-only record of what followed from events. What is older than a moment can be removed from it.

    ``count(moment)`` says how many entries that are, ``compact(moment, now=…, report=…)`` removes them and returns how
    many went. ``label`` and ``help_text`` say what the entries are and what stays without them.
    """

    key: str
    label: str | Promise
    help_text: str | Promise
    count: Callable[[datetime], int]
    compact: Callable[..., int]


EVENT_READERS: Registry[EventReader] = Registry("reader of events")
LEDGERS: Registry[Ledger] = Registry("ledger")


def start_of(day: date) -> datetime:
    """The first moment of a day in the account's time zone."""
    return datetime.combine(day, time.min, tzinfo=timezone.get_default_timezone())


def events_before(moment: datetime) -> dict[str, int]:
    """How many events there are from before a moment, by type, without the types that have none."""
    events = Event.objects.filter(type__in=types_seen(), occurred_at__lt=moment).order_by()
    return dict(events.values("type").annotate(number=Count("pk")).order_by("type").values_list("type", "number"))


def affected_by(
    moment: datetime, *, types: Collection[str], now: datetime
) -> list[tuple[EventReader, Sequence[Affected]]]:
    """Who reads events of these types from before a moment, by kind, without the kinds that have none."""
    found = [(reader, reader.function(moment, types=types, now=now)) for reader in EVENT_READERS]
    return [(reader, affected) for reader, affected in found if affected]


def remove_events(before: datetime, *, now: datetime, report: Report = silent) -> int:
    """Remove the events from before a moment, the oldest first; returns how many went.

    Each chunk is a transaction of its own, after which everybody who reads the change log catches up with it. What is
    interrupted goes on where it stopped when it is begun again. Raises ValueError for a moment within `ALWAYS_KEPT`.
    """
    if before > now - ALWAYS_KEPT:
        raise ValueError(f"events after {now - ALWAYS_KEPT} are kept")
    counts = events_before(before)
    total, done = sum(counts.values()), 0
    if not total:
        return 0
    removal = _begin(before, now=now)
    for event_type in counts:
        since = EVENTS.oldest(event_type, before)
        while since is not None:
            with changes.recorded(now=now):
                removed, since = EVENTS.remove(event_type, since, before)
                EventRemoval.objects.filter(pk=removal.pk).update(removed=F("removed") + removed)
            changes.catch_up(now=now)
            done += removed
            report(done, total, removed_in_words(done))
            let_others_write()
    return done


def _begin(before: datetime, *, now: datetime) -> EventRemoval:
    """Say that events are going to be removed, once nobody writes old ones who does not know of it."""
    with transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [KEYS_LOCK])
        return EventRemoval.objects.create(before=before, begun_at=now)


def removed_before() -> datetime | None:
    """The moment before which events have been removed at some time; None when none ever were.

    It stays so until the transaction ends, which on SQLite it does by itself.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", [KEYS_LOCK])
    newest: datetime | None = EventRemoval.objects.aggregate(newest=Max("before"))["newest"]
    return newest


def removed_in_words(number: int) -> str:
    text = ngettext("%(count)s event removed", "%(count)s events removed", number)
    return text % {"count": grouped(number)}


def grouped(number: int) -> str:
    """A number with thousands separators."""
    return number_format(number, use_l10n=True, force_grouping=True)


def url_of(job: Job) -> str:
    """The page from which removals are started, with the earlier ones."""
    return reverse("retention")


def removal_job(job: Job, *, now: datetime) -> None:
    """Remove events, and what the chosen ledgers have of the same age. A long one is done in stretches."""
    before = datetime.fromisoformat(job.params["before"])
    ledgers = [LEDGERS[key] for key in job.params["ledgers"]]
    begun = perf_counter()
    left = sum(events_before(before).values()) + sum(ledger.count(before) for ledger in ledgers)
    total = max(job.total, left)

    def report(offset: int, done: int, _total: int, message: str) -> None:
        jobs.progress(job, offset + done, total, message)
        if perf_counter() - begun > STRETCH:
            raise jobs.Unfinished

    done = total - left
    removed = remove_events(before, now=now, report=partial(report, done))
    for ledger in ledgers:
        removed += ledger.compact(before, now=now, report=partial(report, done + removed))
    text = ngettext("%(count)s record removed", "%(count)s records removed", total)
    jobs.progress(job, total, total, text % {"count": grouped(total)})
