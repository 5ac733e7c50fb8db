"""The data that this app itself keeps about contacts: the fields and devices, the lists, the imports, the events."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db.models import F, Q

from contacts import activity_summary, arrivals
from contacts.editing import no_value
from contacts.fields import SYSTEM_FIELDS
from contacts.frozen import FrozenContacts
from contacts.models import Arrival, Contact, ContactImport, Event, ListMembership, Visitor
from contacts.personal_data import HOLDERS, Holder
from contacts.visitors import give

# What describes many people and not one may stay; everything else about the person goes.
KEPT_FIELDS = frozenset(
    {"language", "country", "time_zone", "newsletter", "newsletter_at", "email_status", "points"}
    | {"first_seen_at", "last_seen_at", "created_at", "updated_at", "first_purchase_at", "last_purchase_at"}
    | {"purchases_count", "purchases_total", "purchases_average"}
)
# Likewise in the properties of events: what is said about goods, prices, campaigns. Anything else may name somebody.
KEPT_PROPERTIES = frozenset(
    {"product", "product_id", "product_name", "sku", "variant", "brand", "category", "quantity", "items"}
    | {"amount", "price", "unit_price", "total", "discount", "shipping", "tax", "currency"}
    | {"campaign", "campaign_id", "device"}
)
EVENTS_AT_ONCE = 500

# What else a contact has that follows from what it did; `Fields.move` knows of each how two become one.
COUNTED = frozenset(
    {"newsletter", "newsletter_at", "email_status", "points", "first_seen_at", "last_seen_at", "created_at"}
    | {"updated_at", "first_purchase_at", "last_purchase_at", "purchases_count", "purchases_total"}
    | {"purchases_average"}
)


@HOLDERS.register
class Fields(Holder):
    key = "contact"

    def data_of(self, contact: Contact) -> Any:
        known = {field.key: field.value_of(contact) for field in SYSTEM_FIELDS}
        further = list(Visitor.objects.filter(contact=contact).order_by("pk").values("key", "since"))
        told = {"id": contact.pk, "visitor_key": contact.visitor_key, "further_visitor_keys": further}
        return {**told, **known, "custom": contact.custom}

    def delete(self, contacts: FrozenContacts, *, now: datetime) -> None:
        """The fields go with the contact itself."""
        Visitor.objects.filter(contact_id__in=contacts.ids).delete()

    def anonymise(self, contact: Contact, *, now: datetime) -> None:
        cleared = [field.column for field in SYSTEM_FIELDS if field.column not in KEPT_FIELDS]
        for column in cleared:
            setattr(contact, column, no_value(column))
        contact.visitor_key = None
        contact.custom = {}
        contact.updated_at = now
        if contact.newsletter in (Contact.Newsletter.SUBSCRIBED, Contact.Newsletter.PENDING):
            contact.newsletter = Contact.Newsletter.UNSUBSCRIBED
            contact.newsletter_at = now
        contact.save(update_fields=[*cleared, "visitor_key", "custom", "newsletter", "newsletter_at", "updated_at"])
        Visitor.objects.filter(contact=contact).delete()

    def move(self, gone: Contact, kept: Contact, *, now: datetime) -> None:
        """Empty fields are filled, and what counts what somebody did is added up. Where both say something, the one
        who stays is right.
        """
        Visitor.objects.filter(contact=gone).update(contact=kept)
        if gone.visitor_key:
            key, gone.visitor_key = gone.visitor_key, None
            gone.save(update_fields=["visitor_key"])
            give(key, kept, now=now)
        filled = [
            field.column
            for field in SYSTEM_FIELDS
            if field.column not in COUNTED and getattr(kept, field.column) == no_value(field.column)
        ]
        for column in filled:
            setattr(kept, column, getattr(gone, column))
        if kept.newsletter == Contact.Newsletter.NEVER:
            kept.newsletter, kept.newsletter_at = gone.newsletter, gone.newsletter_at
        kept.custom = gone.custom | kept.custom
        kept.points += gone.points
        activity_summary.unite(gone, kept)
        kept.updated_at = now
        kept.save()


@HOLDERS.register
class Lists(Holder):
    key = "lists"

    def data_of(self, contact: Contact) -> Any:
        memberships = ListMembership.objects.filter(contact=contact).order_by("pk")
        return list(memberships.values("subscribed_at", "unsubscribed_at", name=F("list__name")))

    def delete(self, contacts: FrozenContacts, *, now: datetime) -> None:
        ListMembership.objects.filter(contact_id__in=contacts.ids).delete()

    def anonymise(self, contact: Contact, *, now: datetime) -> None:
        ListMembership.objects.current().filter(contact=contact).update(unsubscribed_at=now)

    def move(self, gone: Contact, kept: Contact, *, now: datetime) -> None:
        """Of two words about one list, the later one counts."""
        theirs = {membership.list_id: membership for membership in ListMembership.objects.filter(contact=kept)}
        for membership in ListMembership.objects.filter(contact=gone):
            other = theirs.get(membership.list_id)
            if other is None:
                membership.contact = kept
                membership.save(update_fields=["contact"])
            elif _last_word(membership) > _last_word(other):
                other.subscribed_at, other.unsubscribed_at = membership.subscribed_at, membership.unsubscribed_at
                other.save(update_fields=["subscribed_at", "unsubscribed_at"])


@HOLDERS.register
class Imports(Holder):
    key = "imports"

    def data_of(self, contact: Contact) -> Any:
        came = ContactImport.objects.filter(contact=contact).order_by("import_run_id")
        return list(came.values("created", "changed", "written_at", name=F("import_run__name")))

    def delete(self, contacts: FrozenContacts, *, now: datetime) -> None:
        ContactImport.objects.filter(contact_id__in=contacts.ids)._raw_delete("default")

    def anonymise(self, contact: Contact, *, now: datetime) -> None:
        """That somebody came with a file does not say who it was; the files themselves are removed after a while."""

    def move(self, gone: Contact, kept: Contact, *, now: datetime) -> None:
        known = list(ContactImport.objects.filter(contact=kept).values_list("import_run_id", flat=True))
        ContactImport.objects.filter(contact=gone).exclude(import_run_id__in=known).update(contact=kept)


@HOLDERS.register
class Events(Holder):
    key = "events"

    def data_of(self, contact: Contact) -> Any:
        events = Event.objects.filter(contact=contact).order_by("occurred_at", "pk")
        return list(events.values("type", "occurred_at", "received_at", "value", "properties", "key"))

    def delete(self, contacts: FrozenContacts, *, now: datetime) -> None:
        Event.objects.filter(contact_id__in=contacts.ids).delete()

    def anonymise(self, contact: Contact, *, now: datetime) -> None:
        for events in _batches(contact):
            for event in events:
                event.properties = impersonal(event.properties)
                event.key = None
            Event.objects.bulk_update(events, ["properties", "key"])

    def move(self, gone: Contact, kept: Contact, *, now: datetime) -> None:
        """The events, and what nobody has taken in of them yet. That somebody is new is no longer true."""
        Event.objects.filter(contact=gone).update(contact=kept)
        Arrival.objects.filter(~Q(key=arrivals.CREATED), contact_id=gone.pk).update(contact_id=kept.pk)


def _last_word(membership: ListMembership) -> datetime:
    return max(membership.subscribed_at, membership.unsubscribed_at or membership.subscribed_at)


def impersonal(properties: dict[str, Any]) -> dict[str, Any]:
    """What may stay of an event's properties."""
    return {
        name: value
        for name, value in properties.items()
        if name in KEPT_PROPERTIES and isinstance(value, str | bool | int | float)
    }


def _batches(contact: Contact) -> Iterator[list[Event]]:
    """The contact's events, some hundreds at a time."""
    last = 0
    while events := list(Event.objects.filter(contact=contact, pk__gt=last).order_by("pk")[:EVENTS_AT_ONCE]):
        yield events
        last = events[-1].pk
