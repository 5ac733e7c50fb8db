"""What can be exported: a registry with one short class for each type. Apps above register theirs, as segments do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, Generic, TypeVar

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from contacts.exports.columns import Chunk, Column, Property
from contacts.exports.contact_rows import chunks_of_contacts, properties_of_contacts
from contacts.exports.event_rows import EventsForm, chunks_of_events, properties_of_events
from contacts.exports.snapshot import Snapshot
from contacts.exports.source import ContactsForm, RowsForm
from crm.models import User
from crm.registry import Registry

Form = TypeVar("Form", bound=RowsForm)


class ExportType(ABC, Generic[Form]):
    """A kind of rows.

    ``rows_form`` asks which of them; ``usual`` are the keys of the properties that are chosen at first; ``by_key`` says
    that columns are named by keys, which an import reads, also where people would rather have labels. Somebody without
    all of the ``permissions`` cannot export it.
    """

    key: str
    label: str | Promise
    explanation: str | Promise
    icon: str
    permissions: tuple[str, ...]
    rows_form: type[Form]
    rows_heading: str | Promise
    usual: tuple[str, ...]
    by_key: bool = False

    @abstractmethod
    def properties(self) -> list[Property]:
        """Everything that can be a column."""

    @abstractmethod
    def count(self, form: Form) -> int:
        """How many rows there are about now, to tell how far the writing is."""

    @abstractmethod
    def chunks(self, form: Form, columns: Sequence[Column], snapshot: Snapshot) -> Iterator[Chunk]:
        """The values of the columns, some rows at a time, from the snapshot; ``form`` is valid."""

    def is_for(self, user: User) -> bool:
        return user.has_perms(self.permissions)


EXPORT_TYPES: Registry[ExportType[Any]] = Registry("type of exports")


@EXPORT_TYPES.register
class Contacts(ExportType[ContactsForm]):
    key = "contacts"
    label = _("Contacts")
    explanation = _("Their fields, the lists they are on, the segments they are in, and a summary of their purchases.")
    icon = "users"
    permissions = ("contacts.view_contact",)
    rows_form = ContactsForm
    rows_heading = _("Which contacts")
    usual = ("email", "external_id", "first_name", "last_name", "country", "newsletter", "created_at")

    def properties(self) -> list[Property]:
        return properties_of_contacts()

    def count(self, form: ContactsForm) -> int:
        return form.contacts.order_by().count()

    def chunks(self, form: ContactsForm, columns: Sequence[Column], snapshot: Snapshot) -> Iterator[Chunk]:
        return chunks_of_contacts(form.contacts, [column.key for column in columns], snapshot)


@EXPORT_TYPES.register
class Events(ExportType[EventsForm]):
    key = "events"
    label = _("Events")
    explanation = _("What contacts did: purchases, visits, opened emails and whatever else was recorded.")
    icon = "activity"
    permissions = ("contacts.view_contact", "contacts.view_event")
    rows_form = EventsForm
    rows_heading = _("Which events")
    usual = ("external_id", "email", "type", "occurred_at", "value", "key")
    by_key = True

    def properties(self) -> list[Property]:
        return properties_of_events()

    def count(self, form: EventsForm) -> int:
        return form.events.order_by().count()

    def chunks(self, form: EventsForm, columns: Sequence[Column], snapshot: Snapshot) -> Iterator[Chunk]:
        return chunks_of_events(form.events, [column.key for column in columns], snapshot)
