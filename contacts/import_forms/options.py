"""Step 3: what happens to the contacts of the rows, or what the events are."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.event_types import EVENT_TYPES, is_event_type
from contacts.imports.destinations import DESTINATIONS, Destination
from contacts.models import ContactList, Import

NEW = "new"
KEYS = {"email": gettext_lazy("Email"), "external_id": gettext_lazy("External id")}


class ContactOptionsForm(forms.Form):
    """Whom the rows are about, what is written, and where the contacts go besides.

    ``import_run`` has its mapping: it says by which keys contacts can be matched.
    """

    match = forms.ChoiceField(
        label=gettext_lazy("Match contacts by"),
        help_text=gettext_lazy("A row and a contact with the same one are the same person."),
        widget=forms.RadioSelect(attrs={"class": "segmented"}),
    )
    create = forms.BooleanField(
        label=gettext_lazy("Create new contacts"),
        help_text=gettext_lazy("Off: rows that match nobody are refused."),
        required=False,
    )
    overwrite = forms.BooleanField(
        label=gettext_lazy("Overwrite existing"),
        help_text=gettext_lazy(
            "Off: existing contacts are left as they are, and are not added to the segment or the lists."
            " On: they get the values of the file, and are added."
        ),
        required=False,
    )
    empty = forms.ChoiceField(
        label=gettext_lazy("Empty cells"),
        choices=[
            ("keep", gettext_lazy("Keep what the contact has")),
            ("erase", gettext_lazy("Erase what the contact has")),
        ],
        widget=forms.RadioSelect(attrs={"class": "segmented"}),
    )
    lists = forms.MultipleChoiceField(
        label=gettext_lazy("Subscribe to lists"), required=False, widget=forms.CheckboxSelectMultiple
    )
    new_list = forms.CharField(label=gettext_lazy("New list"), max_length=200, required=False)
    consent = forms.BooleanField(
        label=gettext_lazy("They agreed to get the newsletter"),
        help_text=gettext_lazy("Tick this only when you can show that each of them did."),
        required=False,
    )
    consent_source = forms.CharField(
        label=gettext_lazy("Where they agreed"),
        help_text=gettext_lazy("For example: form at the trade fair, checkbox in the shop."),
        max_length=200,
        required=False,
    )
    consent_on = forms.DateField(
        label=gettext_lazy("On"),
        required=False,
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
    )
    resubscribe = forms.BooleanField(
        label=gettext_lazy("Also subscribe who has unsubscribed"),
        help_text=gettext_lazy("Off: whoever unsubscribed from the newsletter or from a list stays unsubscribed."),
        required=False,
    )
    resubscribe_reason = forms.CharField(
        label=gettext_lazy("Why they may be subscribed again"), max_length=200, required=False
    )

    def __init__(self, data: Any = None, *, import_run: Import, today: date) -> None:
        self.today = today
        super().__init__(data, initial=_initial(import_run.options), use_required_attribute=False)
        mapped = {entry["target"] for entry in import_run.mapping}
        keys = [(key, label) for key, label in KEYS.items() if key in mapped]
        self._field("match").choices = keys
        self._field("match").initial = keys[0][0]
        self._field("lists").choices = [(str(pk), name) for pk, name in ContactList.objects.values_list("pk", "name")]
        for one in DESTINATIONS:
            choices = [("", _("None")), (NEW, _("New…")), *((str(pk), name) for pk, name in one.options())]
            self.fields[one.key] = forms.ChoiceField(label=str(one.label), choices=choices, required=False)
            self.fields[f"new_{one.key}"] = forms.CharField(label=_("Its name"), max_length=200, required=False)

    def _field(self, name: str) -> Any:
        return self.fields[name]

    @property
    def into(self) -> list[tuple[forms.BoundField, forms.BoundField]]:
        """Where the contacts can be put, each with the name for a new one."""
        return [(self[one.key], self[f"new_{one.key}"]) for one in DESTINATIONS]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if not cleaned.get("create") and not cleaned.get("overwrite"):
            self.add_error("create", _("With both switched off nothing would happen. Switch one on."))
        self._needs("consent", "consent_source", _("Say where they agreed."))
        self._needs("consent", "consent_on", _("Say when they agreed."))
        self._needs("resubscribe", "resubscribe_reason", _("Say why."))
        if cleaned.get("consent") and cleaned.get("consent_on") and cleaned["consent_on"] > self.today:
            self.add_error("consent_on", _("This day is still to come."))
        for one in DESTINATIONS:
            if cleaned.get(one.key) == NEW:
                self._check_new(one, cleaned.get(f"new_{one.key}", ""))
        if ContactList.objects.filter(name__iexact=cleaned.get("new_list") or "").exists():
            self.add_error("new_list", _("There is a list of this name."))
        return cleaned

    def _needs(self, switch: str, name: str, text: str) -> None:
        if self.cleaned_data.get(switch) and not self.cleaned_data.get(name) and name not in self.errors:
            self.add_error(name, text)

    def _check_new(self, destination: Destination, name: str) -> None:
        field = f"new_{destination.key}"
        if not name and field not in self.errors:
            self.add_error(field, _("Enter a name."))
        elif name and destination.is_taken(name):
            self.add_error(field, _("This name is taken. Enter another one, or choose the existing one."))

    def as_json(self) -> dict[str, Any]:
        """The options of the import. What is new is named under "new" and made when the import starts."""
        cleaned = self.cleaned_data
        chosen = {one.key: cleaned[one.key] for one in DESTINATIONS if cleaned[one.key]}
        new = {key: cleaned[f"new_{key}"] for key, value in chosen.items() if value == NEW}
        if cleaned["new_list"]:
            new["list"] = cleaned["new_list"]
        consent = {
            "newsletter": "subscribed",
            "source": cleaned["consent_source"],
            "on": cleaned["consent_on"].isoformat() if cleaned["consent_on"] else None,
        }
        return {
            "match": cleaned["match"],
            "create": cleaned["create"],
            "overwrite": cleaned["overwrite"],
            "empty": cleaned["empty"],
            "lists": [int(pk) for pk in cleaned["lists"]],
            "destinations": {key: int(value) for key, value in chosen.items() if value != NEW},
            "consent": consent if cleaned["consent"] else None,
            "resubscribe": cleaned["resubscribe_reason"] if cleaned["resubscribe"] else None,
            "new": new,
        }


def _initial(options: Mapping[str, Any]) -> dict[str, Any]:
    """What the form shows of options that were chosen before; the usual ones where none were."""
    new = options.get("new", {})
    consent = options.get("consent") or {}
    return {
        "match": options.get("match"),
        "create": options.get("create", True),
        "overwrite": options.get("overwrite", False),
        "empty": options.get("empty", "keep"),
        "lists": [str(pk) for pk in options.get("lists", [])],
        "new_list": new.get("list", ""),
        "consent": bool(consent),
        "consent_source": consent.get("source", ""),
        "consent_on": consent.get("on"),
        "resubscribe": bool(options.get("resubscribe")),
        "resubscribe_reason": options.get("resubscribe") or "",
        **{key: str(pk) for key, pk in options.get("destinations", {}).items()},
        **{key: NEW for key in new if key != "list"},
        **{f"new_{key}": name for key, name in new.items()},
    }


class EventOptionsForm(forms.Form):
    """Of what type the events are, where no column says it."""

    event_type = forms.ChoiceField(label=gettext_lazy("Type of the events"))
    other_type = forms.CharField(
        label=gettext_lazy("Another type"),
        max_length=64,
        required=False,
        help_text=gettext_lazy("Letters from a to z, digits and _, such as <code>store_visit</code>."),
    )

    def __init__(self, data: Any = None, *, import_run: Import) -> None:
        kept = import_run.options.get("event_type") or ""
        known = not kept or kept in EVENT_TYPES
        initial = {"event_type": kept if known else NEW, "other_type": "" if known else kept}
        super().__init__(data, initial=initial, use_required_attribute=False)
        self.has_column = any(entry["target"] == "type" for entry in import_run.mapping)
        types: Any = self.fields["event_type"]
        nothing = _("As the column says") if self.has_column else _("Choose a type")
        types.choices = [("", nothing), *((one.key, one.label) for one in EVENT_TYPES), (NEW, _("Another type…"))]
        types.required = not self.has_column
        if self.has_column:
            types.label = _("Type of the events whose column is empty")

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("event_type") == NEW and not is_event_type(cleaned.get("other_type", "")):
            self.add_error("other_type", _("Enter letters from a to z, digits and _, beginning with a letter."))
        return cleaned

    def as_json(self) -> dict[str, Any]:
        chosen = self.cleaned_data["event_type"]
        return {"event_type": (self.cleaned_data["other_type"] if chosen == NEW else chosen) or None}
