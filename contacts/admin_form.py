"""The administrators' forms of a contact and of a custom field, with the widgets of the administrators' theme."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from unfold import widgets

from contacts.editing import UNIQUE
from contacts.field_form import FieldForm
from contacts.fields import Field
from contacts.kept_choices import keep_offering
from contacts.models import Contact

# A type of field that is not named here is one line of text.
WIDGETS: dict[str, Any] = {
    "long_text": widgets.UnfoldAdminTextareaWidget,
    "integer": widgets.UnfoldAdminIntegerFieldWidget,
    "decimal": widgets.UnfoldAdminDecimalFieldWidget,
    "boolean": widgets.UnfoldAdminSelectWidget,
    "date": widgets.UnfoldAdminSingleDateWidget,
    "choice": widgets.UnfoldAdminSelectWidget,
    "choices": widgets.UnfoldAdminCheckboxSelectMultipleWidget,
}


class ContactForm(forms.ModelForm):
    """The editable fields of the catalogue, custom ones as typed as the others: see `contact_form`."""

    class Meta:
        model = Contact
        fields = ()

    catalogue_fields: tuple[Field, ...] = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.catalogue_fields:
            value = field.value_of(self.instance)
            self.initial[field.form_name] = value
            keep_offering(self.fields[field.form_name], field, value)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        # Any number of contacts may have no email, but only one the empty text.
        return {**cleaned, **{key: cleaned[key] or None for key in UNIQUE if key in cleaned}}

    def changed_values(self) -> dict[str, Any]:
        """What was edited, by field key."""
        return {
            field.key: self.cleaned_data[field.form_name]
            for field in self.catalogue_fields
            if field.form_name in self.changed_data
        }


def contact_form(fields: Iterable[Field]) -> type[ContactForm]:
    """A form class for these fields of the catalogue."""
    fields = tuple(fields)
    form_fields = {field.form_name: field.form_field(widget=_widget(field)) for field in fields}
    return type("ContactForm", (ContactForm,), {"catalogue_fields": fields, **form_fields})


def _widget(field: Field) -> forms.Widget:
    if field.type.key == "datetime":
        # With seconds: a moment that is shown without them would count as edited.
        attrs = {"type": "datetime-local", "step": 1, "class": " ".join(widgets.INPUT_CLASSES)}
        return forms.DateTimeInput(format="%Y-%m-%dT%H:%M:%S", attrs=attrs)
    widget: forms.Widget = WIDGETS.get(field.type.key, widgets.UnfoldAdminTextInputWidget)()
    return widget


class ThemedFieldForm(FieldForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "options_text" in self.fields:
            self.fields["options_text"].widget = widgets.UnfoldAdminTextareaWidget(attrs={"rows": 6})
        remove_used = self.fields["remove_used"]
        remove_used.widget = widgets.UnfoldBooleanSwitchWidget()
        remove_used.label, remove_used.help_text = _("Remove options in use"), remove_used.label
