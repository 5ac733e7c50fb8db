"""The form in which administrators declare custom fields, on the page of the fields and in the admin."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from contacts.declaring import WITH_OPTIONS, contacts_with_options, key_from, options_as_text, parse_options
from contacts.models import ContactField


class FieldForm(forms.ModelForm):
    """Key and type are chosen once. An option that contacts have goes only when that is confirmed."""

    options_text = forms.CharField(
        label=gettext_lazy("Options"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 6, "spellcheck": "false"}),
        help_text=gettext_lazy(
            "One per line. To keep another value than people read, write it first: <code>m|Medium</code>."
        ),
    )
    remove_used = forms.BooleanField(
        label=gettext_lazy(
            "Remove these options all the same. Contacts keep the value, but nobody can choose it any more."
        ),
        required=False,
    )

    class Meta:
        model = ContactField
        fields = ["label", "type", "key", "options_text", "help_text"]
        help_texts = {
            "key": gettext_lazy(
                "Names the field in imports, exports and the API. Left empty, it is made from the label. It cannot be"
                " changed later."
            ),
            "type": gettext_lazy("It cannot be changed later."),
            "help_text": gettext_lazy("Stands below the field when somebody edits a contact."),
        }
        error_messages = {"key": {"unique": gettext_lazy("There is a field with this key.")}}

    field_order = ["label", "type", "key", "options_text", "remove_used", "help_text"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["key"].required = False
        types: Any = self.fields["type"]
        types.choices = [("", _("Choose a type")), *ContactField.Type.choices]
        self.needs_confirmation = False
        self.options: list[dict[str, str]] = []
        if self.instance.pk:
            for name in ("key", "type"):
                self.fields[name].disabled = True
            self.fields["key"].help_text = _("Names the field in imports, exports and the API.")
            self.fields["type"].help_text = ""
            self.fields["options_text"].initial = options_as_text(self.instance.options)
            if self.instance.type not in WITH_OPTIONS:
                del self.fields["options_text"]

    def clean_key(self) -> str:
        key: str = self.cleaned_data["key"] or key_from(self.cleaned_data.get("label", ""))
        if not key and "label" in self.cleaned_data:
            raise forms.ValidationError(_("Enter a key: this label has no letters from a to z to make one of."))
        return key

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("type") in WITH_OPTIONS:
            self._clean_options(cleaned)
        return cleaned

    def _clean_options(self, cleaned: dict[str, Any]) -> None:
        try:
            self.options = parse_options(cleaned.get("options_text", ""))
        except ValueError as error:
            text = _("Every option needs a value of its own: look at “%(line)s”.") % {"line": error}
            self.add_error("options_text", text)
            return
        if not self.options:
            self.add_error("options_text", _("Enter at least one option."))
            return
        if self.instance.pk and not cleaned.get("remove_used"):
            self._keep_used_options()

    def _keep_used_options(self) -> None:
        left = {option["value"] for option in self.options}
        removed = {option["value"]: option["label"] for option in self.instance.options if option["value"] not in left}
        for value, count in contacts_with_options(self.instance, list(removed)).items():
            self.needs_confirmation = True
            text = ngettext(
                "%(count)s contact has the option “%(option)s” that you removed.",
                "%(count)s contacts have the option “%(option)s” that you removed.",
                count,
            )
            self.add_error("options_text", text % {"count": count, "option": removed[value]})

    def save(self, commit: bool = True) -> ContactField:
        self.instance.options = self.options
        return super().save(commit)
