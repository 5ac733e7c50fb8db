"""The form of a web content."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from workflows.site.models import WebDesign

SLOT = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
LONGEST_TEXT = 20_000
SCHEMES = {"http", "https", "mailto", "tel"}
NO_HINTS = forms.TextInput(attrs={"autocomplete": "off"})


class WebContentForm(forms.Form):
    """What a web content says and where it is shown. Its data are the settings that `contents.design_of` takes."""

    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=200,
        widget=NO_HINTS,
        help_text=gettext_lazy("How it is called in reports."),
    )
    kind = forms.ChoiceField(
        label=gettext_lazy("Kind"), choices=WebDesign.Kind.choices, initial=WebDesign.Kind.POPUP.value
    )
    slot = forms.CharField(
        label=gettext_lazy("Place on the page"),
        required=False,
        max_length=64,
        widget=NO_HINTS,
        help_text=gettext_lazy('For one in a place of the page: the name that its element has as "data-muster-slot".'),
    )
    title = forms.CharField(label=gettext_lazy("Title"), required=False, max_length=200, widget=NO_HINTS)
    html = forms.CharField(
        label=gettext_lazy("Text"),
        required=False,
        max_length=LONGEST_TEXT,
        widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "true"}),
        help_text=gettext_lazy(
            "May contain HTML: paragraphs, links, pictures, lists. Scripts and forms are taken out."
        ),
    )
    button_text = forms.CharField(
        label=gettext_lazy("Text of the button"), required=False, max_length=100, widget=NO_HINTS
    )
    button_url = forms.CharField(
        label=gettext_lazy("Address of the button"), required=False, max_length=2000, widget=NO_HINTS
    )
    days = forms.IntegerField(label=gettext_lazy("Days until it expires"), min_value=1, max_value=365, initial=30)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **({"use_required_attribute": False} | options))

    def clean_button_url(self) -> str:
        url: str = self.cleaned_data["button_url"]
        if url and not is_followable(url):
            raise forms.ValidationError(_("Give an address that begins with https://, or with / on the shop's site."))
        return url

    def clean(self) -> dict[str, Any]:
        settings: dict[str, Any] = super().clean() or self.cleaned_data
        needs_slot = settings.get("kind") == WebDesign.Kind.INLINE and not self.has_error("slot")
        if needs_slot and not SLOT.fullmatch(settings.get("slot", "")):
            self.add_error("slot", _("Name the place: a letter, then letters, digits, _ and -."))
        if not (settings.get("title") or settings.get("html")) and not self.has_error("html"):
            self.add_error("html", _("A web content needs a title or a text."))
        if bool(settings.get("button_text")) != bool(settings.get("button_url")) and not self.errors:
            missing = "button_url" if settings.get("button_text") else "button_text"
            self.add_error(missing, _("A button needs a text and an address."))
        return settings


def is_followable(url: str) -> bool:
    """Whether a button may lead there: nowhere that would run as a script."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme.lower() in SCHEMES or (not parts.scheme and url.startswith("/"))
