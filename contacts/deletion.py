"""Deleting contacts with all that is kept about them, and making a contact anonymous."""

from datetime import datetime

from django.db import connection
from django.db.models import QuerySet

from contacts import changes
from contacts.frozen import frozen
from contacts.models import Contact
from contacts.personal_data import HOLDERS, hold


def delete_contacts(contacts: QuerySet[Contact], *, now: datetime) -> int:
    """Delete the contacts and everything that is kept about them; returns how many contacts that were.

    Everything happens in sets in the database, in one transaction.
    """
    with changes.recorded(now=now):
        hold(contacts)
        with frozen(contacts) as going:
            if going.count:
                for holder in HOLDERS:
                    holder.delete(going, now=now)
                with connection.cursor() as cursor:
                    cursor.execute(f"DELETE FROM contacts_contact WHERE id IN ({going.ids_sql})")
            return going.count


def anonymise(contact: Contact, *, now: datetime) -> None:
    """Remove everything that could tell who the contact is, and keep what statistics need.

    The contact stays as an anonymous one and cannot be found again by email, external id or visitor key. Raises
    `Contact.DoesNotExist` when it has been deleted meanwhile.
    """
    with changes.recorded(now=now):
        hold(Contact.objects.filter(pk=contact.pk))
        current = Contact.objects.select_for_update().get(pk=contact.pk)
        for holder in HOLDERS:
            holder.anonymise(current, now=now)
