"""The filters of the contact list. They travel in the address, so that a page, a link to it and a bulk action agree.

Apps above narrow the list to their own sets of contacts by registering a `SetFilter`, as segments do.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from typing import Any

import django_filters
from django import forms
from django.db.models import Exists, OuterRef, QuerySet
from django.http import QueryDict
from django.utils import formats, timezone
from django.utils.functional import Promise
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _

from contacts import places
from contacts.matches import Matches, matches_of
from contacts.models import Contact, ContactImport, ContactList, Import, ListMembership
from crm.models import User
from crm.registry import Registry

MANY = 10_000


class SetFilter(ABC):
    """Narrows the contact list to one of some named sets of contacts.

    ``key`` is the parameter in the address. Somebody without the ``permission`` does not get the filter.
    """

    key: str
    label: str | Promise
    permission: str

    @abstractmethod
    def options(self) -> list[tuple[int, str]]:
        """The sets to choose from: id and name."""

    @abstractmethod
    def memberships(self, set_id: int) -> QuerySet[Any]:
        """Rows whose ``contact_id`` are the contacts of the set."""

    @abstractmethod
    def size(self, set_id: int) -> int:
        """How many contacts are in the set."""


LIST_FILTERS: Registry[SetFilter] = Registry("filter of the contact list")


@LIST_FILTERS.register
class ByList(SetFilter):
    key = "list"
    label = _("List")
    permission = "contacts.view_contactlist"

    def options(self) -> list[tuple[int, str]]:
        return list(ContactList.objects.values_list("pk", "name"))

    def memberships(self, set_id: int) -> QuerySet[Any]:
        return ListMembership.objects.current().filter(list_id=set_id)

    def size(self, set_id: int) -> int:
        return self.memberships(set_id).count()


@LIST_FILTERS.register
class ByImport(SetFilter):
    """Who came with an import."""

    key = "import"
    label = _("Import")
    permission = "contacts.view_import"

    def options(self) -> list[tuple[int, str]]:
        return list(Import.objects.that_brought_contacts().values_list("pk", "name"))

    def memberships(self, set_id: int) -> QuerySet[Any]:
        return ContactImport.objects.filter(import_run=set_id)

    def size(self, set_id: int) -> int:
        return self.memberships(set_id).count()


class ContactFilter(django_filters.FilterSet):
    """Search and filters that read the contact's own fields."""

    q = django_filters.CharFilter(
        label=_("Search"),
        method="search",
        widget=forms.SearchInput(attrs={"placeholder": _("Search by name, email, phone or external id")}),
        max_length=200,
    )
    newsletter = django_filters.ChoiceFilter(label=_("Newsletter"), choices=Contact.Newsletter, empty_label=_("Any"))
    email_status = django_filters.ChoiceFilter(
        label=_("Email status"), choices=Contact.EmailStatus, empty_label=_("Any")
    )
    country = django_filters.ChoiceFilter(label=_("Country"), choices=places.countries, empty_label=_("Any"))
    created_from = django_filters.DateFilter(
        label=_("Created from"), method="from_day", widget=forms.DateInput(attrs={"type": "date"})
    )
    created_to = django_filters.DateFilter(
        label=_("Created to"), method="to_day", widget=forms.DateInput(attrs={"type": "date"})
    )

    def search(self, contacts: Any, name: str, value: str) -> Any:
        return contacts.search(value)

    def from_day(self, contacts: QuerySet[Contact], name: str, value: date) -> QuerySet[Contact]:
        return contacts.filter(created_at__gte=_start_of(value))

    def to_day(self, contacts: QuerySet[Contact], name: str, value: date) -> QuerySet[Contact]:
        return contacts.filter(created_at__lt=_start_of(value + timedelta(days=1)))


def _start_of(day: date) -> datetime:
    return datetime.combine(day, time.min, tzinfo=timezone.get_default_timezone())


@dataclass(frozen=True)
class Chip:
    """An active filter as people read it; ``without`` is the query string in which it is missing."""

    label: str
    text: str
    without: str


class Filters:
    """The filters that an address asks for, as far as ``user`` may use them."""

    def __init__(self, query: QueryDict, user: User) -> None:
        self.sets = [one for one in LIST_FILTERS if user.has_perm(one.permission)]
        self._sizes: dict[tuple[str, int], int] = {}
        filter_class = type("FiltersOfUser", (ContactFilter,), {one.key: self._filter_of(one) for one in self.sets})
        self._filterset: django_filters.FilterSet = filter_class(query, queryset=Contact.objects.all())

    @property
    def form(self) -> forms.Form:
        form: forms.Form = self._filterset.form
        return form

    @property
    def _names(self) -> list[str]:
        sets = [one.key for one in self.sets]
        return ["q", *sets, *(name for name in self.form.fields if name not in {"q", *sets})]

    @property
    def fields(self) -> list[forms.BoundField]:
        """All filters but the search, those by sets of contacts first."""
        return [self.form[name] for name in self._names if name != "q"]

    @property
    def is_valid(self) -> bool:
        return bool(self.form.is_valid())

    @property
    def active(self) -> dict[str, Any]:
        """The filters in use, with their values; none of them when one is not valid."""
        if not self.is_valid:
            return {}
        values = self.form.cleaned_data
        return {name: values[name] for name in self._names if values[name] not in (None, "")}

    @property
    def contacts(self) -> QuerySet[Contact]:
        """The contacts that pass all filters; nobody when one of the filters is not valid."""
        return self._filterset.qs if self.is_valid else Contact.objects.none()

    @property
    def matches(self) -> Matches:
        """The same contacts and how many they are, in the form that is quick to page through."""
        if not self.is_valid:
            return Matches(self.contacts, 0)
        if not self.active:
            return Matches(self.contacts, Contact.objects.count())
        sets = {one.key: one for one in self.sets}
        [key, *others] = self.active
        if key in sets and not others:
            return Matches(self.contacts, self._size(sets[key], int(self.active[key])))
        return matches_of(self.contacts)

    def chips(self, **more: str) -> list[Chip]:
        """The active filters, without the search, which stands in its own box."""
        return [
            Chip(str(self.form.fields[key].label), self._in_words(key), self.query(without=key, **more))
            for key in self.active
            if key != "q"
        ]

    def _in_words(self, key: str) -> str:
        value = self.active[key]
        choices: Any = getattr(self.form.fields[key], "choices", None)
        return formats.date_format(value, "DATE_FORMAT") if choices is None else str(dict(choices)[value])

    def query(self, *, without: str = "", **more: str) -> str:
        """The active filters as a query string, with further parameters."""
        kept = {key: str(value) for key, value in self.active.items() if key != without}
        return urlencode({**kept, **more})

    def _filter_of(self, one: SetFilter) -> django_filters.Filter:
        def narrow(contacts: QuerySet[Contact], name: str, value: str) -> QuerySet[Contact]:
            return self._narrow(contacts, one, int(value))

        @cache
        def choices() -> list[tuple[str, str]]:
            return [(str(set_id), name) for set_id, name in one.options()]

        return django_filters.ChoiceFilter(label=one.label, choices=choices, empty_label=_("Any"), method=narrow)

    def _narrow(self, contacts: QuerySet[Contact], one: SetFilter, set_id: int) -> QuerySet[Contact]:
        """The contacts that are in the set.

        SQLite does what it is told: look each contact up in a large set, but each member of a small one up among
        the contacts.
        """
        memberships = one.memberships(set_id)
        if self._size(one, set_id) > MANY:
            return contacts.filter(Exists(memberships.filter(contact_id=OuterRef("pk"))))
        return contacts.filter(pk__in=memberships.values("contact_id"))

    def _size(self, one: SetFilter, set_id: int) -> int:
        if (one.key, set_id) not in self._sizes:
            self._sizes[one.key, set_id] = one.size(set_id)
        return self._sizes[one.key, set_id]
