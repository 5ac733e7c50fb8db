"""Where the contacts of an import can be put besides the list of contacts, such as into a static segment."""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import datetime

from django.db.models import QuerySet
from django.utils.functional import Promise

from contacts.imports.models import Import
from contacts.models import Contact
from crm.models import User
from crm.registry import Registry


class Destination(ABC):
    """Something that contacts can be put into. ``label`` is that of the option, such as "Add to static segment"."""

    key: str
    label: str | Promise

    @abstractmethod
    def options(self) -> list[tuple[int, str]]:
        """What there is to choose from: ids and names."""

    @abstractmethod
    def url(self, id: int) -> str:
        """The page that shows it."""

    @abstractmethod
    def is_taken(self, name: str) -> bool:
        """Whether there is one of this name already."""

    @abstractmethod
    def create(self, name: str, *, user: User | None, now: datetime) -> int:
        """Make a new one; returns its id. The name is not taken."""

    @abstractmethod
    def add(self, id: int, contacts: QuerySet[Contact], *, import_run: Import, now: datetime) -> int:
        """Put contacts into it, in the transaction of the caller; returns how many were not in it before.

        Raises LookupError when it is gone.
        """

    @abstractmethod
    def put_elsewhere(self, contacts: QuerySet[Contact], *, import_run: Import) -> QuerySet[Contact]:
        """Those of the contacts whom somebody put into one of these, other than this import."""


DESTINATIONS: Registry[Destination] = Registry("destination of imports")
