"""Whose data an export is about: everybody's, that of a list or segment, or what the contact list was showing."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.list_filters import Filters, SetFilter
from contacts.models import Contact
from crm.models import User

EVERYBODY = "all"
FILTER = "filter"
NOT_FILTERS = ("after", "before", "sort", "everything")


class RowsForm(forms.Form):
    """Which rows are exported. ``user`` is who exports.

    A valid one is kept as `chosen` and made anew from that when the export is written.
    """

    def __init__(self, data: Any = None, *, user: User, **options: Any) -> None:
        super().__init__(data, **options)
        self.user = user

    @property
    def chosen(self) -> dict[str, list[str]]:
        """What was chosen, by the names of the fields."""
        data = self.data if isinstance(self.data, QueryDict) else QueryDict()
        return {name: data.getlist(name) for name in self.fields if data.getlist(name)}

    def in_words(self) -> str:
        """Which rows a valid form means, such as "Segment: Regulars"; "" for all."""
        return ""


def as_data(chosen: dict[str, list[str]]) -> QueryDict:
    """What was `chosen`, as a form takes it."""
    data = QueryDict(mutable=True)
    for name, values in chosen.items():
        data.setlist(name, values)
    return data


class ContactsForm(RowsForm):
    """Whose data. The sets to choose from are those by which the contact list can be narrowed."""

    whose = forms.ChoiceField(label=gettext_lazy("Contacts"), widget=forms.RadioSelect, initial=EVERYBODY)
    filter = forms.CharField(required=False, widget=forms.HiddenInput, max_length=5_000)

    def __init__(self, data: Any = None, *, user: User, **options: Any) -> None:
        super().__init__(data, user=user, **options)
        self._sets = {one.key: one for one in Filters(QueryDict(), user).sets}
        whose: Any = self.fields["whose"]
        sets = sorted(self._sets.values(), key=lambda one: one.key != "segment")
        whose.choices = [(EVERYBODY, _("All contacts")), *((one.key, self._one_of(one)) for one in sets)]
        shown = self._shown(data, options.get("initial"))
        if shown:
            text = _("What the contact list shows: %(filters)s") % {"filters": self._chips(shown)}
            whose.choices = [*whose.choices, (FILTER, text)]
        for one in sets:
            self.fields[one.key] = forms.ChoiceField(
                label=str(one.label),
                choices=[("", _("Choose one")), *((str(pk), name) for pk, name in one.options())],
                required=False,
                error_messages={"invalid_choice": gettext_lazy("Choose another: this one no longer exists.")},
            )

    def _one_of(self, one: SetFilter) -> str:
        return _("One %(kind)s") % {"kind": str(one.label).lower()}

    def _shown(self, data: Any, initial: Any) -> str:
        return str((data or initial or {}).get("filter") or "")

    def _chips(self, query: str) -> str:
        filters = Filters(QueryDict(query), self.user)
        search = [f"“{filters.active['q']}”"] if "q" in filters.active else []
        return ", ".join([*search, *(f"{chip.label}: {chip.text}" for chip in filters.chips())]) or _("all contacts")

    def clean(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        whose = cleaned.get("whose")
        if whose in self._sets and not cleaned.get(whose) and whose not in self.errors:
            self.add_error(whose, _("Choose one."))
        if whose == FILTER:
            self._check_filter(cleaned.get("filter", ""))
        return cleaned

    def _check_filter(self, query: str) -> None:
        """Fail closed: a filter that cannot be read, or that the user may not use, must not mean everybody."""
        asked = QueryDict(query)
        filters = Filters(asked, self.user)
        unknown = {name for name in asked if asked[name]} - set(filters.form.fields) - set(NOT_FILTERS)
        if unknown or not filters.is_valid:
            self.add_error("whose", ValidationError(_("One of the filters is not valid.")))

    @property
    def query(self) -> QueryDict:
        """The query string of the contact list for what a valid form means."""
        whose = self.cleaned_data["whose"]
        if whose == FILTER:
            return QueryDict(self.cleaned_data["filter"])
        query = QueryDict(mutable=True)
        if whose in self._sets:
            query[whose] = self.cleaned_data[whose]
        return query

    @property
    def contacts(self) -> QuerySet[Contact]:
        return Filters(self.query, self.user).contacts

    def in_words(self) -> str:
        return "" if self.cleaned_data["whose"] == EVERYBODY else self._chips(self.query.urlencode())
