"""The data that web contents keep about contacts: what each was shown, and what became of it."""

from datetime import datetime
from typing import Any

from django.db.models import F

from contacts.frozen import FrozenContacts
from contacts.models import Contact
from contacts.personal_data import Holder
from workflows.site.models import WebContent


class WebContents(Holder):
    key = "web_contents"

    def data_of(self, contact: Contact) -> Any:
        contents = WebContent.objects.filter(contact=contact).order_by("pk")
        moments = ("created_at", "expires_at", "shown_at", "clicked_at", "closed_at")
        return list(contents.values(*moments, name=F("design__name"), source=F("design__source")))

    def delete(self, contacts: FrozenContacts, *, now: datetime) -> None:
        WebContent.objects.filter(contact_id__in=contacts.ids).delete()

    def anonymise(self, contact: Contact, *, now: datetime) -> None:
        """That somebody saw a content does not say who it was. What still waits is for somebody known."""
        WebContent.objects.filter(contact=contact, shown_at__isnull=True).delete()

    def move(self, gone: Contact, kept: Contact, *, now: datetime) -> None:
        WebContent.objects.filter(contact=gone).update(contact=kept)
