"""Merging: an anonymous visitor turns out to be somebody who is known."""

from __future__ import annotations

from datetime import datetime

from contacts import changes
from contacts.deletion import delete_contacts
from contacts.models import Change, Contact
from contacts.personal_data import HOLDERS, hold


def merge(anonymous: Contact, known: Contact, *, now: datetime) -> Contact:
    """Let everything that is kept about an anonymous contact go over to a known one, and remove the anonymous one.

    All of it happens in one transaction. Returns the known contact as it is now. Raises ValueError for two of whom
    the first is known as well or that are the same, and `Contact.DoesNotExist` when one of them was deleted meanwhile.
    """
    with changes.recorded(now=now):
        hold(Contact.objects.filter(pk__in=[anonymous.pk, known.pk]))
        # In the order of ids, as all locks on contacts are taken.
        both = {
            contact.pk: contact
            for contact in Contact.objects.select_for_update().filter(pk__in=[anonymous.pk, known.pk]).order_by("pk")
        }
        if len(both) < len({anonymous.pk, known.pk}):
            raise Contact.DoesNotExist
        gone, kept = both[anonymous.pk], both[known.pk]
        if gone == kept or not gone.is_anonymous:
            raise ValueError("only an anonymous contact is merged into another one")
        for holder in HOLDERS:
            holder.move(gone, kept, now=now)
        # What is left is what the known contact has already.
        delete_contacts(Contact.objects.filter(pk=gone.pk), now=now)
        # Some of what went over leaves no change of its own: every segment looks at the contact again.
        Change.objects.create(contact_id=kept.pk, key="contact")
    return kept
