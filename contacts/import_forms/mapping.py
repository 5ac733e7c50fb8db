"""Step 2: what every column goes to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django import forms
from django.utils.safestring import SafeString
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.field_form import FieldForm
from contacts.import_forms.targets import NEW_FIELD, NOT_IMPORTED, PROPERTY, Targets
from contacts.models import FIELD_KEY, ContactField, Import

DATES = [
    ("iso", gettext_lazy("Year-month-day, 2026-03-01")),
    ("dmy", gettext_lazy("Day first, 1.3.2026 or 1/3/2026")),
    ("mdy", gettext_lazy("Month first, 3/1/2026")),
    ("ymd", gettext_lazy("Year first, 2026/3/1")),
]
DECIMALS = [(".", gettext_lazy("Decimal point, 1,234.50")), (",", gettext_lazy("Decimal comma, 1.234,50"))]
NEEDS = {
    Import.Kind.CONTACTS: [
        (
            {"email", "external_id"},
            gettext_lazy("Choose the column that has the email or the external id: by it contacts are told apart."),
        )
    ],
    Import.Kind.EVENTS: [
        (
            {"external_id", "email", "visitor_key", "contact_id"},
            gettext_lazy("Choose the column that says whose event it is, by external id or email for example."),
        ),
        ({"occurred_at"}, gettext_lazy("Choose the column that says when it happened.")),
    ],
}


@dataclass(frozen=True)
class Column:
    """A column as it was read: its name, values from its first rows, and where it is to go so far.

    ``guess`` gives the type and options that a new field for it would have.
    """

    name: str
    samples: Sequence[str]
    entry: Mapping[str, Any]
    guess: Callable[[], tuple[str, Sequence[str]]]

    @property
    def as_property(self) -> str:
        """A name for the property of an event that the column could be."""
        name = slugify(self.name).replace("-", "_").strip("_")
        return (name if name[:1].isalpha() else f"field_{name}")[:63].rstrip("_")


class ColumnForm(forms.Form):
    """One row of the table: where a column goes, and how its dates and numbers are written."""

    target = forms.CharField(required=False)
    dates = forms.ChoiceField(choices=[("", gettext_lazy("Choose…")), *DATES], required=False)
    decimal = forms.ChoiceField(choices=DECIMALS, required=False)
    property_name = forms.CharField(required=False, max_length=63)

    def __init__(self, data: Any, *, column: Column, index: int, targets: Targets) -> None:
        self.column = column
        self.index = index
        self.targets = targets
        target, name = column.entry["target"], column.as_property
        if target.startswith(f"{PROPERTY}:"):
            _property, name, kind = target.split(":", 2)
            target = f"{PROPERTY}:{kind}"
        initial = {
            "target": target if target in targets else NOT_IMPORTED,
            "dates": column.entry.get("dates") or "",
            "decimal": column.entry.get("decimal") or ".",
            "property_name": name,
        }
        super().__init__(data, prefix=f"c{index}", initial=initial)

    @property
    def chosen(self) -> str:
        """The target that is chosen now."""
        chosen: str = self["target"].value() or NOT_IMPORTED
        return chosen

    @property
    def options(self) -> SafeString:
        return self.targets.options(self.chosen)

    @property
    def only_option(self) -> SafeString:
        return self.targets.only(self.chosen if self.chosen in self.targets else NOT_IMPORTED)

    @property
    def is_taken(self) -> bool:
        """Whether the column goes anywhere."""
        return self.chosen != NOT_IMPORTED

    @cached_property
    def new_field(self) -> FieldForm | None:
        """The declaration of a custom field, where the column is to become one."""
        if self.chosen != NEW_FIELD or NEW_FIELD not in self.targets:
            return None
        prefix = f"{self.prefix}-new"
        data = self.data if self.is_bound and f"{prefix}-label" in self.data else None
        initial: dict[str, Any] = {"label": self.column.name[:100]}
        if data is None:
            initial["type"], options = self.column.guess()
            initial["options_text"] = "\n".join(options)
        form = FieldForm(data, instance=ContactField(), prefix=prefix, initial=initial)
        del form.fields["help_text"]
        for name in ("label", "type", "key", "options_text"):
            form.fields[name].help_text = ""
        form.fields["key"].widget.attrs["placeholder"] = _("from the label")
        form.fields["options_text"].widget.attrs["rows"] = 4
        form.use_required_attribute = False
        return form

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        target = cleaned.get("target", NOT_IMPORTED)
        if target not in self.targets:
            self.add_error("target", _("This cannot be chosen any more. Choose where the column goes."))
            return cleaned
        family = self.family
        if family in {"date", "datetime"} and not cleaned.get("dates") and "dates" not in self.errors:
            self.add_error("dates", _("Day or month first? The values do not tell: choose how they are written."))
        if family.startswith(PROPERTY) and not FIELD_KEY.fullmatch(cleaned.get("property_name", "")):
            self.add_error("property_name", _("A name of letters from a to z, digits and _ that begins with a letter."))
        if self.new_field is not None and not self.new_field.is_bound:
            self.add_error("target", _("Say below what the new field is, and go on."))
        elif self.new_field is not None and not self.new_field.is_valid():
            self.add_error("target", _("The new field is not complete."))
        return cleaned

    @property
    def family(self) -> str:
        """The family of the values of what is chosen."""
        if self.new_field is not None:
            type_key = self.new_field["type"].value()
            return {"integer": "number", "decimal": "number"}.get(type_key, type_key or "")
        return self.targets[self.chosen].family if self.chosen in self.targets else ""

    @property
    def in_use(self) -> str:
        """The key under which only one column may go: that of a property has its name."""
        target: str = self.cleaned_data["target"]
        if target.startswith(f"{PROPERTY}:"):
            return f"{PROPERTY}:{self.cleaned_data['property_name']}"
        if self.new_field is not None:
            return f"custom.{self.new_field.cleaned_data['key']}"
        return target

    def as_json(self) -> dict[str, Any]:
        """The entry of this column in the mapping of an import; the new field must have been declared."""
        target: str = self.cleaned_data["target"]
        if target.startswith(f"{PROPERTY}:"):
            kind = target.removeprefix(f"{PROPERTY}:")
            target = f"{PROPERTY}:{self.cleaned_data['property_name']}:{kind}"
        elif self.new_field is not None:
            target = f"custom.{self.new_field.instance.key}"
        has_dates = self.family in {"date", "datetime"}
        return {
            "target": target,
            "dates": self.cleaned_data["dates"] if has_dates else None,
            "decimal": self.cleaned_data["decimal"] or ".",
        }


class MappingForm:
    """The table as a whole: a row per column, and what must be true of them together."""

    def __init__(
        self, columns: Iterable[Column], *, kind: str, targets: Targets, data: Mapping[str, str] | None
    ) -> None:
        self.kind = kind
        self.targets = targets
        self.is_bound = data is not None
        self.rows = [
            ColumnForm(data, column=column, index=index, targets=targets) for index, column in enumerate(columns)
        ]
        self.problems: list[str] = []

    @property
    def taken(self) -> int:
        """How many columns go anywhere."""
        return sum(row.is_taken for row in self.rows)

    @property
    def has_errors(self) -> bool:
        return self.is_bound and any(row.errors for row in self.rows)

    def is_valid(self) -> bool:
        if not self.is_bound:
            return False
        valid = [row.is_valid() for row in self.rows]
        if all(valid):
            self._check_together()
        return all(valid) and not self.problems and not self.has_errors

    def _check_together(self) -> None:
        used: dict[str, ColumnForm] = {}
        for row in self.rows:
            if not row.is_taken:
                continue
            earlier = used.setdefault(row.in_use, row)
            if earlier is not row:
                text = _("The column “%(column)s” goes there already. Only one can.")
                row.add_error("target", text % {"column": earlier.column.name})
        self.problems = [str(text) for keys, text in NEEDS[Import.Kind(self.kind)] if not keys & used.keys()]

    def declare_new_fields(self) -> list[ContactField]:
        """Save the fields that were declared here; to be called in the transaction that keeps the mapping."""
        return [row.new_field.save() for row in self.rows if row.new_field is not None]

    def as_json(self) -> list[dict[str, Any]]:
        return [row.as_json() for row in self.rows]
