"""Where a contact list is used: by segments, and by what comes later. Whoever uses lists registers here."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.utils.functional import Promise

from contacts.models import ContactList
from crm.registry import Registry


@dataclass(frozen=True)
class Use:
    """One place: what kind of thing it is ("Segment"), its name and the address of its page."""

    kind: str | Promise
    name: str
    url: str


@dataclass(frozen=True)
class ListUser:
    """Something that may use lists; ``uses`` finds where it uses this one."""

    key: str
    uses: Callable[[ContactList], Sequence[Use]]


LIST_USES: Registry[ListUser] = Registry("user of lists")


def uses_of(contact_list: ContactList) -> list[Use]:
    """Every place where the list is used."""
    return [use for user in LIST_USES for use in user.uses(contact_list)]
