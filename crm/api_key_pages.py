"""Settings > API keys: making keys for programs, and revoking them."""

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from crm.api_keys import create_key, revoke_keys
from crm.models import ApiKey
from crm.requests import Request
from crm.roles import requires


class KeyForm(forms.Form):
    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=100,
        help_text=gettext_lazy("Which program will use it, such as “Shop” or “Nightly export”."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    scopes = forms.MultipleChoiceField(
        label=gettext_lazy("What it may do"),
        choices=ApiKey.Scope.choices,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": gettext_lazy("Choose at least one.")},
    )
    days = forms.TypedChoiceField(
        label=gettext_lazy("Expires"),
        choices=[
            ("", gettext_lazy("Never")),
            ("30", gettext_lazy("In 30 days")),
            ("90", gettext_lazy("In 90 days")),
            ("365", gettext_lazy("In 365 days")),
        ],
        coerce=int,
        empty_value=None,
        required=False,
    )


@require_safe
@requires("crm.view_apikey")
def key_list(request: Request) -> HttpResponse:
    now = timezone.now()
    keys = ApiKey.objects.select_related("created_by")
    rows = [(key, key.is_usable(now=now)) for key in keys]
    return render(request, "crm/api_keys.html", {"nav": "settings", "rows": rows})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@requires("crm.add_apikey")
def create(request: Request) -> HttpResponse:
    """Answers without a redirect: the key in full is kept nowhere, so no other page could show it."""
    form = KeyForm(request.POST if request.method == "POST" else None, use_required_attribute=False)
    context: dict[str, Any] = {"nav": "settings", "form": form}
    if form.is_valid():
        now = timezone.now()
        days = form.cleaned_data["days"]
        key, secret = create_key(
            name=form.cleaned_data["name"],
            scopes=form.cleaned_data["scopes"],
            now=now,
            user=request.user,
            expires_at=now + timedelta(days=days) if days else None,
        )
        return render(request, "crm/api_key_created.html", {"nav": "settings", "key": key, "secret": secret})
    return render(request, "crm/api_key_form.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@requires("crm.change_apikey")
def revoke(request: Request, pk: int) -> HttpResponse:
    key = get_object_or_404(ApiKey, pk=pk, revoked_at__isnull=True)
    if request.method == "POST":
        revoke_keys([key.pk], now=timezone.now())
        messages.success(request, _("The key “%(key)s” was revoked.") % {"key": key})
        return HttpResponseRedirect(reverse("api_keys"), status=303)
    return render(request, "crm/api_key_revoke.html", {"nav": "settings", "key": key})
