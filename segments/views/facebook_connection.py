"""Settings > Facebook: the ad account, and all audiences that segments fill."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from crm.paging import Order, page
from crm.requests import Request
from crm.roles import requires
from segments.facebook import connection
from segments.facebook.client import FacebookFailure
from segments.facebook.forms import ConnectionForm
from segments.models import FacebookAudience, FacebookExport
from segments.views.facebook import filled

PAGE_SIZE = 20
NEWEST_FIRST = Order("started", ("started_at",), descending=True)


@require_safe
@requires("segments.change_facebookconnection")
def connection_page(request: Request) -> HttpResponse:
    """The ad account, the audiences, and all that was ever sent.

    Whether Facebook still answers is asked when ``check`` is in the address.
    """
    connected = connection.current()
    exports = FacebookExport.objects.select_related("user", "job", "segment")
    context: dict[str, Any] = {
        "nav": "settings",
        "connection": connected,
        "audiences": filled(FacebookAudience.objects.select_related("segment"), connected),
        "page": page(exports, NEWEST_FIRST, size=PAGE_SIZE, query=request.GET),
    }
    if connected and "check" in request.GET:
        try:
            context["answer"] = connection.client().account_name()
        except FacebookFailure as failure:
            context["failure"] = str(failure)
    return render(request, "segments/facebook/connection.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@requires("segments.change_facebookconnection")
def connect(request: Request) -> HttpResponse:
    """Connect an ad account, or another one in place of it, once Facebook has answered."""
    connected = connection.current()
    initial = {"account_id": connected.account_id} if connected else {}
    form = ConnectionForm(
        request.POST if request.method == "POST" else None, initial=initial, use_required_attribute=False
    )
    if form.is_valid():
        try:
            made = connection.connect(**form.cleaned_data, now=timezone.now(), user=request.user)
        except FacebookFailure as failure:
            form.add_error(None, str(failure))
        else:
            messages.success(request, _("“%(account)s” is connected.") % {"account": made.account_name})
            return HttpResponseRedirect(reverse("facebook"), status=303)
    context = {"nav": "settings", "form": form, "connection": connected}
    return render(request, "segments/facebook/connect.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@requires("segments.change_facebookconnection")
def disconnect(request: Request) -> HttpResponse:
    connected = connection.current()
    if connected is None:
        return HttpResponseRedirect(reverse("facebook"), status=303)
    if request.method == "POST":
        connection.disconnect()
        messages.success(request, _("“%(account)s” is not connected any more.") % {"account": connected.account_name})
        return HttpResponseRedirect(reverse("facebook"), status=303)
    in_step = FacebookAudience.objects.filter(in_step=True).count()
    context = {"nav": "settings", "connection": connected, "in_step": in_step}
    return render(request, "segments/facebook/disconnect.html", context)
