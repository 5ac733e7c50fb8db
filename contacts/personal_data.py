"""Who keeps data about contacts: what they hold, how it goes with the contact, and how it stops naming a person.

An app that keeps something about contacts registers a `Holder`. A contact can then be given all its data, be
deleted, be made anonymous and become one with another contact without anybody here knowing the app.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from contacts.frozen import FrozenContacts
from contacts.models import Contact
from crm.registry import Registry


class Holder(ABC):
    """Somebody who keeps data about contacts. ``key`` names the data in what a contact is given."""

    key: str

    def hold(self, contacts: QuerySet[Contact]) -> None:  # noqa: B027  # most have nothing that others work with
        """Wait until nobody is at work with what is kept about the contacts, and let nobody begin before the caller's
        transaction ends.

        Called before the contacts are locked. Who locks something of contacts first and the contacts themselves
        afterwards, as workers do, and who comes the other way round would wait for each other.
        """

    @abstractmethod
    def data_of(self, contact: Contact) -> Any:
        """All that is kept about the contact, as `DjangoJSONEncoder` takes it."""

    @abstractmethod
    def delete(self, contacts: FrozenContacts, *, now: datetime) -> None:
        """Delete all that is kept about the contacts, who are deleted themselves afterwards."""

    @abstractmethod
    def anonymise(self, contact: Contact, *, now: datetime) -> None:
        """Remove what could tell who the contact is, and keep what statistics need."""

    @abstractmethod
    def move(self, gone: Contact, kept: Contact, *, now: datetime) -> None:
        """Let what is kept about one contact be kept about another from now on, in the caller's transaction.

        Both are locked. What the other has already may stay: it is deleted afterwards as with any contact (`delete`).
        """


HOLDERS: Registry[Holder] = Registry("holder of personal data")


def hold(contacts: QuerySet[Contact]) -> None:
    """Let nobody be at work with what is kept about the contacts, in the caller's transaction: see `Holder.hold`."""
    for holder in HOLDERS:
        holder.hold(contacts)


def data_of(contact: Contact) -> dict[str, Any]:
    """All data held on the contact, by holder."""
    return {holder.key: holder.data_of(contact) for holder in HOLDERS}
