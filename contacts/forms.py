"""The forms in which people fill in contacts and lists."""

from __future__ import annotations

from typing import Any

from django import forms
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.editing import UNIQUE, Taken, taken_by
from contacts.fields import Catalogue
from contacts.kept_choices import keep_offering
from contacts.models import Contact, ContactList
from contacts.sections import form_sections

IDENTITIES = ("email", "external_id", "phone")


class ContactForm(forms.Form):
    """A new contact, or one that is edited; its fields are those of the catalogue.

    It carries the values with which the page was made, so that `changed` holds what this person changed and not
    what others wrote meanwhile.
    """

    def __init__(self, data: Any = None, *, catalogue: Catalogue, contact: Contact | None = None) -> None:
        self.contact = contact
        self._sections = form_sections(catalogue)
        self._by_name = {field.form_name: field for section in self._sections for field in section.fields}
        as_it_is = contact or Contact()
        initial = {name: field.value_of(as_it_is) for name, field in self._by_name.items()}
        super().__init__(data, initial=initial)
        for name, field in self._by_name.items():
            self.fields[name] = field.form_field(show_hidden_initial=contact is not None)
            if contact is not None:
                keep_offering(self.fields[name], field, field.value_of(contact))
        self.fields["email"].widget.attrs["autocomplete"] = "off"

    @property
    def sections(self) -> list[tuple[Any, list[forms.BoundField]]]:
        """The bound fields under their headings."""
        return [(one.heading, [self[field.form_name] for field in one.fields]) for one in self._sections]

    @property
    def values(self) -> dict[str, Any]:
        """The values by the keys of the catalogue: of a contact that is edited only those that were changed."""
        names = self.fields if self.contact is None else self.changed_data
        return {self._by_name[name].key: self.cleaned_data[name] for name in names}

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        for key in UNIQUE:
            if other := taken_by(key, cleaned.get(key), other_than=self.contact.pk if self.contact else 0):
                self.add_taken(Taken(key, other))
        nobody = not any(cleaned.get(key) or key in self.errors for key in IDENTITIES)
        if self.contact is None and nobody:
            raise forms.ValidationError(
                _("Enter an email, a phone number or an external id: without one of them nobody can be reached."),
                code="nobody",
            )
        return cleaned

    def add_taken(self, taken: Taken) -> None:
        """Say which contact has this email or external id already, with a link to it."""
        link = format_html(
            '<a href="{}">{}</a>', reverse("contacts:profile", args=[taken.contact.pk]), str(taken.contact)
        )
        text = {
            "email": gettext_lazy("{contact} has this email already."),
            "external_id": gettext_lazy("{contact} has this external id already."),
        }[taken.field]
        self.add_error(taken.field, forms.ValidationError(format_html(str(text), contact=link), code="taken"))


class ListForm(forms.ModelForm):
    class Meta:
        model = ContactList
        fields = ["name", "description"]
        widgets = {"description": forms.Textarea(attrs={"rows": 3})}
