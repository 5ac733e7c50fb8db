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


def everybody() -> Matches:
    return Matches(Contact.objects.all(), Contact.objects.count())


def matches_of(contacts: QuerySet[Contact]) -> Matches:
    """Count the contacts as far as `BOUND`, and make them quick to page through in any order.

    Many contacts are soon met by walking the index of the order. Few may lie anywhere in it, so their ids are read
    first, in one pass over the table at the most, and then only they are sorted.
    """
    ids = list(contacts.order_by().values_list("pk", flat=True)[: BOUND + 1])
    if len(ids) > BOUND:
        return Matches(contacts, BOUND, more=True)
    return Matches(Contact.objects.filter(pk__in=ids), len(ids))
