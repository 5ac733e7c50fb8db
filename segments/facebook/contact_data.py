"""What is kept about contacts who were sent to Facebook, and what becomes of it when a contact goes."""

from datetime import datetime
from typing import Any

from django.db.models import F

from contacts.frozen import FrozenContacts
from contacts.models import Contact
from contacts.personal_data import Holder
from segments.models import FacebookMember


class Audiences(Holder):
    key = "facebook"

    def data_of(self, contact: Contact) -> Any:
        members = FacebookMember.objects.filter(contact=contact).order_by("pk")
        return list(members.values("sent_at", "email", "phone", "external_id", audience_name=F("audience__name")))

    def delete(self, contacts: FrozenContacts, *, now: datetime) -> None:
        """The keys stay, belonging to nobody, until Facebook has removed whom they stand for."""
        FacebookMember.objects.filter(contact_id__in=contacts.ids).update(contact=None)

    def anonymise(self, contact: Contact, *, now: datetime) -> None:
        """As with deletion: an anonymous contact is not one that Facebook could show anything to."""
        FacebookMember.objects.filter(contact=contact).update(contact=None)

    def move(self, gone: Contact, kept: Contact, *, now: datetime) -> None:
        """In an audience that has both, the one who goes is removed from it as with deletion."""
        known = list(FacebookMember.objects.filter(contact=kept).values_list("audience_id", flat=True))
        FacebookMember.objects.filter(contact=gone).exclude(audience_id__in=known).update(contact=kept)
