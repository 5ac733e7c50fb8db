"""The emails that contacts were sent, and what becomes of them when a contact goes."""

from datetime import datetime
from typing import Any

from django.db.models import F

from campaigns.models import Message
from contacts.frozen import FrozenContacts
from contacts.models import Contact
from contacts.personal_data import Holder


class Emails(Holder):
    key = "emails"

    def data_of(self, contact: Contact) -> Any:
        messages = Message.objects.filter(contact=contact).order_by("pk")
        return list(
            messages.values(
                *("to", "state", "reason", "values", "created_at", "sent_at", "opened_at", "clicked_at", "bounced_at"),
                campaign=F("content__name"),
                subject=F("content__subject"),
            )
        )

    def delete(self, contacts: FrozenContacts, *, now: datetime) -> None:
        """What is queued is not sent, and what was sent is no longer known to have been."""
        Message.objects.filter(contact_id__in=contacts.ids)._raw_delete("default")

    def anonymise(self, contact: Contact, *, now: datetime) -> None:
        """That an email was sent and read stays for the figures; where to and filled with what does not."""
        Message.objects.filter(contact=contact).update(to="", values={}, detail="")

    def move(self, gone: Contact, kept: Contact, *, now: datetime) -> None:
        Message.objects.filter(contact=gone).update(contact=kept)
