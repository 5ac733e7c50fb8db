"""What happened to a contact, newest first, from every source that has something to tell.

Each source is read as far as the page needs, and the entries are merged. A cursor names the last entry that was shown;
entries of the same moment are told apart by their source and id, so that none is shown twice or left out.
"""

from __future__ import annotations

import heapq
import json
from abc import ABC, abstractmethod
from dataclasses import dataclass
from dataclasses import field as with_default
from datetime import datetime
from typing import Any

from django.core.signing import BadSignature, Signer
from django.db.models import DateTimeField, F, IntegerField, QuerySet, Value
from django.http import Http404
from django.utils.text import Truncator
from django.utils.translation import gettext as _

from contacts.event_types import event_type
from contacts.fields import SYSTEM_FIELDS
from contacts.models import Contact, Event
from contacts.types import decimal_in_words
from crm.models import User
from crm.paging import Beyond
from crm.registry import Registry

LONGEST_DETAIL = 120
AMOUNT = next(field for field in SYSTEM_FIELDS if field.key == "purchases_total")
SIGNER = Signer(salt="contacts.timeline")


@dataclass(frozen=True)
class Entry:
    """One thing that happened. ``details`` are pairs of name and value; ``url`` leads to what it was about."""

    at: datetime
    icon: str
    title: str
    details: list[tuple[str, str]] = with_default(default_factory=list)
    url: str = ""


class Source(ABC):
    """Somebody who knows what happened to contacts; ``moment`` is the column that says when."""

    key: str
    permission: str
    moment: str

    @abstractmethod
    def rows(self, contact: Contact) -> QuerySet[Any]:
        """All that happened to the contact, in any order."""

    @abstractmethod
    def entries(self, rows: list[Any]) -> list[Entry]:
        """What each of the rows tells, in their order; a constant number of queries for all of them."""


TIMELINE: Registry[Source] = Registry("source of the timeline")


@dataclass(frozen=True)
class Timeline:
    """Some entries, and the cursor of those that follow: None at the end."""

    entries: list[Entry]
    next: str | None


Place = tuple[datetime, int, int]


def timeline(contact: Contact, user: User, *, size: int, after: str | None = None) -> Timeline:
    """``size`` entries, the newest or those after a cursor, from the sources that ``user`` may see.

    Raises Http404 for a cursor that was not made here.
    """
    last = _place_in(after) if after is not None else None
    found = [
        pair
        for rank, source in enumerate(TIMELINE)
        if user.has_perm(source.permission)
        for pair in _entries(source, rank, contact, last, size + 1)
    ]
    newest = heapq.nlargest(size + 1, found, key=lambda pair: pair[0])
    following = _cursor(newest[size - 1][0]) if len(newest) > size else None
    return Timeline([entry for _place, entry in newest[:size]], following)


def _entries(source: Source, rank: int, contact: Contact, last: Place | None, limit: int) -> list[tuple[Place, Entry]]:
    rows = source.rows(contact)
    if last is not None:
        at, last_rank, last_id = last
        if rank == last_rank:
            place = [Value(at, DateTimeField()), Value(last_id, IntegerField())]
            rows = rows.filter(Beyond([F(source.moment), F("id")], place, "<"))
        else:
            rows = rows.filter(**{f"{source.moment}__{'lte' if rank < last_rank else 'lt'}": at})
    read = list(rows.order_by(f"-{source.moment}", "-id")[:limit])
    places = [(getattr(row, source.moment), rank, row.pk) for row in read]
    return list(zip(places, source.entries(read), strict=True))


def _cursor(place: Place) -> str:
    at, rank, pk = place
    return SIGNER.sign_object([at.isoformat(), TIMELINE.keys()[rank], pk])


def _place_in(cursor: str) -> Place:
    try:
        at, key, pk = SIGNER.unsign_object(cursor)
        return datetime.fromisoformat(at), TIMELINE.keys().index(key), pk
    except (BadSignature, ValueError):
        raise Http404(_("There is no such page.")) from None


@TIMELINE.register
class Events(Source):
    key = "events"
    permission = "contacts.view_event"
    moment = "occurred_at"

    def rows(self, contact: Contact) -> QuerySet[Any]:
        return Event.objects.filter(contact=contact)

    def entries(self, rows: list[Any]) -> list[Entry]:
        return [self._entry(row) for row in rows]

    def _entry(self, row: Event) -> Entry:
        kind = event_type(row.type)
        details = [(name.replace("_", " "), in_words(value)) for name, value in row.properties.items()]
        if row.value is not None:
            details.insert(0, (_("value"), AMOUNT.display(row.value)))
        return Entry(row.occurred_at, kind.icon, str(kind.label), details)


def in_words(value: Any) -> str:
    """The value of an event's property as people read it."""
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    # A whole number may be an id of the shop's: it keeps its digits together.
    if isinstance(value, float):
        return decimal_in_words(str(value))
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return Truncator(text).chars(LONGEST_DETAIL)
