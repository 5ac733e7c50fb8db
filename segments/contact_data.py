"""The data that segments keep about contacts: who is where, since when and why, and who came and went."""

from datetime import datetime
from typing import Any

from django.db.models import Count, F

from contacts.frozen import FrozenContacts
from contacts.models import Contact
from contacts.personal_data import Holder
from segments.ledger import count_moves, memberships_lock
from segments.membership import add_in_passing
from segments.models import Cause, Membership, Segment, Transition


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

    def move(self, gone: Contact, kept: Contact, *, now: datetime) -> None:
        """Who was nowhere near a segment takes over membership and history: nobody enters, because it is one person.

        Where both have been, the history of the one who stays goes on: they enter the static segments that only the
        other is in. The change log decides about segments with a definition.
        """
        with memberships_lock():
            known = {
                *Membership.objects.filter(contact=kept).values_list("segment_id", flat=True),
                *Transition.objects.filter(contact=kept).order_by().values_list("segment_id", flat=True),
            }
            to_enter = Segment.objects.static().filter(
                pk__in=Membership.objects.filter(contact=gone, segment_id__in=known).values("segment_id")
            )
            for segment in list(to_enter):
                add_in_passing(segment, Contact.objects.filter(pk=kept.pk), now=now, cause=Cause.EDIT)
            for rows in (Membership.objects, Transition.objects):
                rows.filter(contact=gone).exclude(segment_id__in=known).update(contact=kept)
