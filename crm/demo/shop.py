"""Making the demo shop: a year goes by, first in weeks and at last in days, and Muster does what it does every day."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from random import Random

from django.contrib.auth.models import Group
from django.db import transaction

from contacts import changes
from contacts.editing import update_contact
from contacts.events import NewEvent, record
from contacts.lists import subscribe, unsubscribe
from contacts.models import Contact, ContactList, Event
from crm.demo.history import happened, newsletter
from crm.demo.people import Person, declare_fields, make_lists, people
from crm.demo.segments import add_by_hand, make_segments
from crm.demo.workflows import Nowhere, begin_workflows, go_on
from crm.models import User
from crm.roles import ADMINISTRATOR, MARKETER, VIEWER
from segments.models import Segment
from segments.refresh import apply_changes, apply_time, refresh_due

SEED = 20_000_229
YEAR = timedelta(days=365)
FORTNIGHT = timedelta(weeks=2)
WEEK = timedelta(weeks=1)
DAY = timedelta(days=1)
IN_DAYS = timedelta(days=37)  # the charts show 30 days
BY_HAND = timedelta(days=6)
USERS = {"demo": ADMINISTRATOR, "marketer": MARKETER, "viewer": VIEWER}


@dataclass(frozen=True)
class Made:
    contacts: int
    events: int


def is_unused() -> bool:
    """Whether nobody has put anything into this database yet."""
    return not (User.objects.exists() or Contact.objects.exists() or Segment.objects.exists())


def make_shop(*, contacts: int, password: str, now: datetime) -> Made:
    """Make the shop, all of it or nothing. It is the same every time, but its year always ends ``now``."""
    with transaction.atomic():
        _make(contacts, password, now)
    return Made(Contact.objects.count(), Event.objects.count())


def _make(number: int, password: str, now: datetime) -> None:
    random, orders = Random(SEED), count(1)  # noqa: S311  # nothing here is secret
    luck, mail, at_work = Random(SEED), Nowhere(), False  # noqa: S311
    since = now - YEAR
    user = _make_users(password, now=since)
    declare_fields(now=since)
    lists = make_lists(now=since)
    everybody = people(number, random, now=now)
    here = [person for person in everybody if person.joined_at <= since]
    _arrive(here, lists, now=since)
    make_segments(lists, user, now=since)
    issues = [(f"News {issue}", since + issue * FORTNIGHT) for issue in range(1, YEAR // FORTNIGHT + 1)]
    upcoming: list[NewEvent] = []
    for until in _moments(since, now):
        came = [person for person in everybody if since < person.joined_at <= until]
        _arrive(came, lists, now=until)
        here += came
        upcoming += happened(here, since, until, random, orders)
        for campaign, sent_at in issues:
            if since < sent_at <= until:
                readers = [person for person in here if "News" in person.lists]
                upcoming += newsletter(readers, campaign, sent_at, random)
                upcoming += _unsubscribed(random.sample(readers, k=min(3, len(readers))), lists, now=until)
        record([event for event in upcoming if event.occurred_at <= until], now=until)
        upcoming = [event for event in upcoming if event.occurred_at > until]
        apply_changes(now=until)
        apply_time(now=until)
        refresh_due(now=until)
        if at_work:
            go_on(mail, luck, since=since, now=until)
            apply_changes(now=until)
        elif until >= now - IN_DAYS:
            begin_workflows(user, now=until)
            at_work = True
        if until > now - BY_HAND:
            add_by_hand(user, now=until)
        since = until


def _moments(since: datetime, now: datetime) -> Iterator[datetime]:
    """The ends of the weeks, and at last of the days, until ``now``."""
    while since < now:
        since = min(now, since + (DAY if since >= now - IN_DAYS else WEEK))
        yield since


def _make_users(password: str, *, now: datetime) -> User:
    users = {}
    for name, role in USERS.items():
        is_administrator = role == ADMINISTRATOR
        users[name] = User.objects.create_user(
            name, f"{name}@example.com", password, is_staff=is_administrator, date_joined=now
        )
        users[name].groups.add(Group.objects.get(name=role))
    return users["demo"]


def _arrive(newcomers: list[Person], lists: dict[str, ContactList], *, now: datetime) -> None:
    with changes.recorded(now=now):
        Contact.objects.bulk_create([person.contact for person in newcomers])
        for name, contact_list in lists.items():
            ids = [person.contact.pk for person in newcomers if name in person.lists]
            subscribe(contact_list, Contact.objects.filter(pk__in=ids), now=now)


def _unsubscribed(leaving: list[Person], lists: dict[str, ContactList], *, now: datetime) -> list[NewEvent]:
    """Let some have enough of the newsletter."""
    for person in leaving:
        update_contact(person.contact, {"newsletter": Contact.Newsletter.UNSUBSCRIBED}, now=now)
    for contact_list in lists.values():
        unsubscribe(contact_list, Contact.objects.filter(pk__in=[person.contact.pk for person in leaving]), now=now)
    return [NewEvent("unsubscribed", now, contact_id=person.contact.pk) for person in leaving]
