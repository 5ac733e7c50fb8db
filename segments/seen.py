"""What conditions see of one contact, as people read it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from django.utils import formats, timezone
from django.utils.translation import gettext as _

from contacts.models import Contact, ContactImport, Event, ListMembership
from contacts.timeline import TIMELINE, Entry
from segments.models import Membership


@dataclass(frozen=True)
class Seen:
    """What a condition sees of a contact.

    ``value`` is what it compares. ``happened`` are events that it counts, and ``others`` the number of those that are
    not among them. ``missing`` says what is still wanted, where that is simple to say; it means something only for a
    condition that is not met.
    """

    value: str
    happened: list[Entry] = field(default_factory=list)
    others: int = 0
    missing: str = ""


class Observed:
    """A contact whom the conditions of a definition look at. What several of them ask for is read once."""

    def __init__(self, contact: Contact) -> None:
        self.contact = contact

    @cached_property
    def subscriptions(self) -> dict[int, ListMembership]:
        """The contact's subscriptions by list, ended ones included."""
        return {one.list_id: one for one in ListMembership.objects.filter(contact=self.contact)}

    @cached_property
    def imports(self) -> dict[int, datetime]:
        """The imports that the contact came with, and when each wrote it."""
        rows = ContactImport.objects.filter(contact=self.contact)
        return dict(rows.values_list("import_run_id", "written_at"))

    @cached_property
    def memberships(self) -> dict[int, datetime]:
        """Since when the contact has been in which segment."""
        rows = Membership.objects.filter(contact=self.contact)
        return dict(rows.values_list("segment_id", "entered_at"))


def entries_of(events: Iterable[Event]) -> list[Entry]:
    """Events as the timeline of a contact shows them."""
    return TIMELINE["events"].entries(list(events))


def in_words(moment: datetime) -> str:
    """A moment as people read it, in the account's time zone."""
    return formats.date_format(moment.astimezone(timezone.get_default_timezone()), "DATETIME_FORMAT")


def shown(value: Any, display: Any) -> str:
    """A value in the words of ``display``, and that there is none."""
    return _("no value") if value is None else str(display(value))
