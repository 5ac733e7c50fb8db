"""The data that segments keep about contacts: who is where, since when and why, and who came and went."""

from datetime import datetime
from typing import Any

from django.db.models import Count, F

from contacts.frozen import FrozenContacts
from contacts.models import Contact
from contacts.personal_data import Holder
from segments.ledger import count_moves, memberships_lock
from segments.models import Membership, Transition


class Segments(Holder):
    key = "segments"

    def data_of(self, contact: Contact) -> Any:
        memberships = Membership.objects.filter(contact=contact).order_by("entered_at", "segment_id")
        transitions = Transition.objects.filter(contact=contact).order_by("at", "pk")
        return {
            "memberships": list(memberships.values("entered_at", "cause", segment_name=F("segment__name"))),
            "transitions": list(transitions.values("kind", "at", "cause", "detail", segment_name=F("segment__name"))),
        }

    def delete(self, contacts: FrozenContacts, *, now: datetime) -> None:
        with memberships_lock():
            theirs = Membership.objects.filter(contact_id__in=contacts.ids)
            counts = theirs.values("segment_id").order_by().annotate(number=Count("contact_id"))
            leaving = dict(counts.values_list("segment_id", "number"))
            count_moves({segment_id: (0, number) for segment_id, number in leaving.items()}, now=now)
            theirs.delete()
            Transition.objects.filter(contact_id__in=contacts.ids).delete()

    def anonymise(self, contact: Contact, *, now: datetime) -> None:
        """Being in a segment names nobody; the change log brings those in line that the cleared fields decide."""
