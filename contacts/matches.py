"""What a search or filter of the contact list finds, in the form that is quick to page through."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import QuerySet

from contacts.models import Contact

BOUND = 10_000


@dataclass(frozen=True)
class Matches:
    """Some contacts and how many they are; ``more`` says that they are more than ``count``."""

    contacts: QuerySet[Contact]
    count: int
    more: bool = False

    @property
    def few(self) -> bool:
        """Whether they are soon sorted. More are soon met by walking the index of an order."""
        return not self.more and self.count <= BOUND


def matches_of(contacts: QuerySet[Contact]) -> Matches:
    """Count the contacts as far as `BOUND`. If they are not more, they are read by their ids from then on: whatever
    finds them, even in a pass over the whole table, then happens only once.
    """
    ids = list(contacts.order_by().values_list("pk", flat=True)[: BOUND + 1])
    if len(ids) > BOUND:
        return Matches(contacts, BOUND, more=True)
    return Matches(Contact.objects.filter(pk__in=ids), len(ids))
