"""The form of an email."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from campaigns.contents import faults
from campaigns.models import Content
from contacts.fields import Catalogue

LONGEST_BODY = 200_000
NO_BREAKS = forms.TextInput(attrs={"autocomplete": "off"})


class EmailForm(forms.Form):
    """What an email says, who sends it, and to whom it may go. Its data are the settings that `contents` takes.

    Names that nobody knows, and Liquid that cannot be read, are errors of the field that has them.
    """

    name = forms.CharField(
        label=_("Name"), max_length=200, help_text=_("How the email is called in reports. Contacts do not see it.")
    )
    kind = forms.ChoiceField(
        label=_("Kind"),
        choices=Content.Kind.choices,
        initial=Content.Kind.NEWSLETTER,
        help_text=_("Only what a contact asked for, such as a confirmation, may go to those who do not subscribe."),
    )
    subject = forms.CharField(
        label=_("Subject"),
        max_length=500,
        widget=NO_BREAKS,
        help_text=_("May be filled in, like the text: {{ contact.first_name }}."),
    )
    preheader = forms.CharField(
        label=_("Preheader"),
        max_length=500,
        required=False,
        widget=NO_BREAKS,
        help_text=_("What mail programs show beside the subject."),
    )
    body = forms.CharField(
        label=_("Text"),
        max_length=LONGEST_BODY,
        widget=forms.Textarea(attrs={"rows": 14, "spellcheck": "true"}),
        help_text=_(
            "Markdown, or HTML. {{ contact.first_name | default: 'there' }} is the contact's first name,"
            " {{ event.properties.product }} a property of what happened."
        ),
    )
    sender_name = forms.CharField(
        label=_("Sender name"), max_length=200, required=False, help_text=_("Without it, the name in the settings.")
    )
    reply_to = forms.EmailField(
        label=_("Reply to"), required=False, help_text=_("Where answers go. Without it, to the sender.")
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **({"use_required_attribute": False} | options))

    def clean(self) -> dict[str, Any]:
        settings: dict[str, Any] = super().clean() or self.cleaned_data
        for key, text in faults(settings, fields=self.catalogue()):
            if not self.has_error(key):
                self.add_error(key, text)
        return settings

    def catalogue(self) -> Catalogue | None:
        """The catalogue of contact fields, if it has been read already."""
        return None
