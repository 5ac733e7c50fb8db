"""Who entered and who left, as lists on pages show it."""

from collections.abc import Sequence
from dataclasses import dataclass

from contacts.models import Contact
from segments.causes import causes_of
from segments.models import Transition


@dataclass(frozen=True)
class Happening:
    """A contact entered or left; ``contact`` is None for one that no longer exists."""

    transition: Transition
    contact: Contact | None
    cause: str


def happenings(transitions: Sequence[Transition]) -> list[Happening]:
    """The transitions with their contacts and why they happened; at most four queries."""
    contacts = Contact.objects.defer("search", "custom").in_bulk({row.contact_id for row in transitions})
    causes = causes_of(transitions)
    return [Happening(row, contacts.get(row.contact_id), causes[row.pk]) for row in transitions]
