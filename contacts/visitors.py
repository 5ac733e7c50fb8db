"""Whose devices visitor keys stand for. The first device's key is on the contact, further ones are `Visitor` rows."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db import connection
from django.db.models import Exists, OuterRef, Q

from contacts import changes
from contacts.json_rows import in_values, values_parameter
from contacts.models import Contact, Visitor


def owners(keys: Collection[str]) -> dict[str, int]:
    """The ids of the contacts whose further devices have these keys."""
    if not keys:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT key, contact_id FROM contacts_visitor WHERE {in_values('key')}", [values_parameter(keys)]
        )
        return dict(cursor.fetchall())


def with_key(key: str) -> Q:
    """The condition that one of a contact's devices has this key."""
    return Q(visitor_key=key) | Q(Exists(Visitor.objects.filter(contact=OuterRef("pk"), key=key)))


def give(key: str, contact: Contact, *, now: datetime) -> None:
    """Let a device belong to this contact from now on, whoever had it before. What was done with it stays theirs."""
    with changes.recorded(now=now):
        current = Contact.objects.select_for_update().only("visitor_key").get(pk=contact.pk)
        if current.visitor_key == key:
            return
        Contact.objects.filter(visitor_key=key).update(visitor_key=None)
        if current.visitor_key is None:
            Visitor.objects.filter(key=key).delete()
            Contact.objects.filter(pk=contact.pk).update(visitor_key=key)
            contact.visitor_key = key
        else:
            Visitor.objects.update_or_create(key=key, defaults={"contact": contact, "since": now})


def visitor_with(key: str, *, now: datetime) -> Contact:
    """The contact whose device has this key; a new anonymous one if nobody has it.

    Whoever is about to say whose device it is asks for it, so that nobody else makes a contact of it meanwhile.
    """
    known = Contact.objects.filter(with_key(key))
    found = known.first()
    if found is None:
        new = Contact(visitor_key=key, created_at=now, updated_at=now)
        Contact.objects.bulk_create([new], ignore_conflicts=True)
        found = known.get()
    return found
