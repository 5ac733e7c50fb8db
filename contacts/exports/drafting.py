"""Choosing an export step by step. What is chosen is kept on a draft, so that nobody has to finish at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext as _

from contacts.exports.columns import Property
from contacts.exports.formats import FORMATS
from contacts.exports.models import Export, PropertySet
from contacts.exports.source import RowsForm
from contacts.exports.types import EXPORT_TYPES, ExportType
from crm.models import User

LONGEST_TITLE = 255


def begin(kind: ExportType[Any], *, user: User, now: datetime, query: str = "", segment: str = "") -> Export:
    """A new draft. ``query`` is what the contact list shows, ``segment`` the id of a segment, to begin with."""
    options: dict[str, list[str]] = {}
    if segment:
        options = {"whose": ["segment"], "segment": [segment]}
    elif query:
        options = {"whose": ["filter"], "filter": [query]}
    return Export.objects.create(type=kind.key, options=options, columns=list(kind.usual), user=user, created_at=now)


def rows_form(export: Export, data: QueryDict | None, *, user: User) -> RowsForm:
    """The form of the rows, filled with what was chosen before."""
    kind = EXPORT_TYPES[export.type]
    several = {
        name for name, field in kind.rows_form.base_fields.items() if isinstance(field, forms.MultipleChoiceField)
    }
    initial = {name: values if name in several else values[0] for name, values in export.options.items()}
    form: RowsForm = kind.rows_form(data, user=user, initial=initial)
    return form


def choose_rows(export: Export, form: RowsForm) -> None:
    """Keep what a valid form says."""
    kind, words = EXPORT_TYPES[export.type], form.in_words()
    export.options = form.chosen
    export.title = (f"{kind.label}: {words}" if words else str(kind.label))[:LONGEST_TITLE]
    export.save(update_fields=["options", "title"])


def choose_columns(export: Export, keys: Iterable[str], properties: Sequence[Property]) -> None:
    """Keep the properties of these keys, as far as there are such, in this order."""
    known = {one.key for one in properties}
    export.columns = [key for key in dict.fromkeys(keys) if key in known]
    export.save(update_fields=["columns"])


def rearranged(keys: list[str], action: str, key: str, properties: Sequence[Property]) -> list[str]:
    """The keys after one was put in, taken out, or moved ``up`` or ``down`` by a place.

    ``group`` puts all properties of a group in. Raises ValueError for another action.
    """
    if action == "add":
        return [*keys, key]
    if action == "group":
        return [*keys, *(one.key for one in properties if str(one.group) == key and one.key not in keys)]
    if action == "leave_out":
        return [one for one in keys if one != key]
    if action not in ("up", "down"):
        raise ValueError(f"no such action: {action!r}")
    if key not in keys:
        return keys
    place = keys.index(key)
    target = max(0, place - 1) if action == "up" else place + 1
    rest = [one for one in keys if one != key]
    return [*rest[:target], key, *rest[target:]]


class SetForm(forms.Form):
    """The name under which properties are saved."""

    name = forms.CharField(max_length=100)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["name"].error_messages["required"] = _("Type a name for the set.")


def save_set(export: Export, name: str, *, user: User, now: datetime) -> None:
    """Save the chosen properties under a name; a set that has it already is replaced."""
    PropertySet.objects.update_or_create(
        type=export.type, name=name, defaults={"columns": export.columns, "user": user, "saved_at": now}
    )


class FormatForm(forms.Form):
    """Which format, and the options of each; those of the chosen one must be valid."""

    format = forms.ChoiceField(widget=forms.RadioSelect)

    def __init__(self, export: Export, data: QueryDict | None = None) -> None:
        super().__init__(data, initial={"format": export.format})
        self.export = export
        chooser: Any = self.fields["format"]
        chooser.choices = [(one.key, one.label) for one in FORMATS]
        self.options = {one.key: self._options_of(one.key, data) for one in FORMATS}

    def _options_of(self, key: str, data: QueryDict | None) -> forms.Form:
        kept = self.export.format_options if key == self.export.format else {}
        initial = {name: values[0] for name, values in kept.items()}
        chosen = data if data is not None and data.get("format") == key else None
        form_class = FORMATS[key].options
        if kept:  # a box that is not ticked says nothing
            boxes = [name for name, field in form_class.base_fields.items() if isinstance(field, forms.BooleanField)]
            initial = dict.fromkeys(boxes, False) | initial
        return form_class(chosen, initial=initial, prefix=key)

    @property
    def formats(self) -> list[dict[str, Any]]:
        """The formats as the page shows them."""
        current = self["format"].value()
        return [{"format": one, "form": self.options[one.key], "is_chosen": one.key == current} for one in FORMATS]

    def is_valid(self) -> bool:
        return super().is_valid() and self.options[self.cleaned_data["format"]].is_valid()

    def save(self) -> None:
        """Keep what a valid form says."""
        key = self.cleaned_data["format"]
        form = self.options[key]
        data: Any = form.data
        names = {name: form.add_prefix(name) for name in form.fields}
        self.export.format = key
        self.export.format_options = {name: data.getlist(full) for name, full in names.items() if data.getlist(full)}
        self.export.save(update_fields=["format", "format_options"])
