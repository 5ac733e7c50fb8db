"""The rows of contacts: their fields, and what other tables know of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from django.db.models import QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from contacts.exports.columns import Chunk, Property, Values
from contacts.exports.snapshot import Snapshot
from contacts.fields import PROFILE, PURCHASES, Catalogue, Field, catalogue
from contacts.models import Contact, ListMembership
from crm.registry import Registry

KINDS = {"text": "text", "number": "number", "boolean": "boolean", "date": "date", "datetime": "datetime"}
KINDS |= {"choice": "text", "choices": "several"}
SUMMARY = _("Summary of purchases")
MEMBERSHIPS = _("Lists and segments")
KEYS = [Property("id", _("Contact id"), PROFILE, "number"), Property("visitor_key", _("Visitor key"), PROFILE)]


class Names(ABC):
    """Names that each contact has any number of, such as the lists it is on."""

    key: str
    label: str | Promise

    @abstractmethod
    def pairs(self, contact_ids: Sequence[int]) -> QuerySet[Any, Any]:
        """The pairs of contact id and name for these contacts, in the order of the names."""


NAMES: Registry[Names] = Registry("names in exports of contacts")


@NAMES.register
class Lists(Names):
    key = "lists"
    label = _("Lists")

    def pairs(self, contact_ids: Sequence[int]) -> QuerySet[Any, Any]:
        memberships = ListMembership.objects.current().filter(contact_id__in=contact_ids)
        return memberships.order_by("list__name", "list_id").values_list("contact_id", "list__name")


def properties_of_contacts() -> list[Property]:
    """All properties of contacts; one query."""
    fields = [property_of(field) for field in catalogue().fields()]
    return [*KEYS, *fields, *(Property(one.key, one.label, MEMBERSHIPS, "several") for one in NAMES)]


def property_of(field: Field) -> Property:
    """A field of the catalogue as a property."""
    group = SUMMARY if field.group == PURCHASES else field.group
    return Property(field.key, field.label, group, KINDS[field.type.family], field.places or 0)


def chunks_of_contacts(contacts: QuerySet[Contact], keys: Sequence[str], snapshot: Snapshot) -> Iterator[Chunk]:
    """The values of these properties, the contacts in the order of their ids."""
    reader = _Reader(keys, catalogue(), snapshot)
    for chunk in snapshot.chunks(contacts.order_by("pk").values_list(*reader.columns)):
        yield reader.chunk(chunk)


class _Reader:
    """Makes the values of the properties of rows of the database. ``columns`` are what it wants of the database."""

    def __init__(self, keys: Sequence[str], fields: Catalogue, snapshot: Snapshot) -> None:
        self._keys = keys
        self._snapshot = snapshot
        self._custom = {key: fields[key] for key in keys if key in fields and fields[key].is_custom}
        own = [key for key in keys if key not in self._custom and key not in NAMES]
        self.columns = list(dict.fromkeys(["pk", *own, *(["custom"] if self._custom else [])]))

    def chunk(self, stored: Chunk) -> Chunk:
        found = dict(zip(self.columns, stored, strict=True))
        return [self._values(key, found) for key in self._keys]

    def _values(self, key: str, found: dict[str, Values]) -> Values:
        if key in NAMES:
            return self._names(NAMES[key], found["pk"])
        if key in self._custom:
            field = self._custom[key]
            stored, read, empty = field.json_key, field.type.from_json, field.type.is_empty
            values = [read(custom.get(stored)) for custom in found["custom"]]
            return [None if empty(value) else value for value in values]
        return found[key]

    def _names(self, names: Names, ids: Values) -> Values:
        of_contact: dict[int, list[str]] = defaultdict(list)
        for pk, name in self._snapshot.all(names.pairs(ids)):
            of_contact[pk].append(name)
        return [of_contact.get(pk) for pk in ids]
