"""The forms of the Facebook pages."""

import re
from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from segments.facebook.client import Audience

# What was typed is kept when Facebook refuses it; autocomplete would offer the user's own password.
SECRET = {"autocomplete": "off", "spellcheck": "false"}


class ConnectionForm(forms.Form):
    """The ad account and what is needed to use it."""

    account_id = forms.CharField(
        label=_("Ad account ID"),
        max_length=40,
        help_text=_("The number that the Ads Manager shows beside the name of the account."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "inputmode": "numeric"}),
    )
    access_token = forms.CharField(
        label=_("Access token"),
        max_length=2000,
        help_text=_("Of a system user, with the permission ads_management. It is kept encrypted and not shown again."),
        widget=forms.PasswordInput(attrs=SECRET, render_value=True),
    )
    app_secret = forms.CharField(
        label=_("App secret"),
        max_length=200,
        required=False,
        help_text=_("Only if the app requires an App Secret Proof. Kept as the token is."),
        widget=forms.PasswordInput(attrs=SECRET, render_value=True),
    )

    def clean_account_id(self) -> str:
        account_id = re.sub(r"^act_|[\s-]", "", self.cleaned_data["account_id"])
        if not re.fullmatch(r"[0-9]{3,32}", account_id):
            raise forms.ValidationError(gettext("Enter the number of the ad account: digits alone."), code="invalid")
        return account_id


class AudienceForm(forms.Form):
    """The audience to send to: one that is there, or a new one."""

    audience = forms.ChoiceField(label=_("Audience"), required=False)
    name = forms.CharField(
        label=_("Name of the new audience"),
        max_length=200,
        required=False,
        help_text=_("It is made in the ad account, with nobody in it yet."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    in_step = forms.BooleanField(
        label=_("Keep in step"),
        required=False,
        help_text=_("Every hour, send who entered the segment and take out who left it."),
    )

    def __init__(self, *args: Any, audiences: Sequence[Audience], **options: Any) -> None:
        super().__init__(*args, **({"use_required_attribute": False} | options))
        self.names = {audience.id: audience.name for audience in audiences}
        self.fields["audience"].choices = [("", _("A new audience")), *self.names.items()]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        if not self.cleaned_data.get("audience") and not self.cleaned_data.get("name") and "name" not in self.errors:
            self.add_error("name", gettext("Give the new audience a name."))
        return self.cleaned_data
