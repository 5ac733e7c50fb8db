"""Settings > Site: what to put on the shop's pages, and whether it arrives."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from contacts.models import Event
from crm.roles import requires


@require_safe
@requires("contacts.change_contactfield")
def site(request: HttpRequest) -> HttpResponse:
    address = settings.PUBLIC_URL or request.build_absolute_uri("/").rstrip("/")
    context = {
        "nav": "settings",
        "script": f"{address}{reverse('site:script')}",
        "address": address,
        "origins": settings.SHOP_ORIGINS,
        "has_key": bool(settings.TRACKING_KEY),
        "last_visit": last_visit(),
    }
    return render(request, "workflows/site.html", context)


def last_visit() -> datetime | None:
    """When somebody visited a page of the shop's site last, as far as it has arrived."""
    newest = Event.objects.filter(type="page_visit").order_by("-occurred_at").values_list("occurred_at", flat=True)
    found: datetime | None = newest.first()
    return found
