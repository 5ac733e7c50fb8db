"""The administrators' site under /admin/."""

from collections.abc import Callable
from typing import Any

from csp.constants import UNSAFE_EVAL, UNSAFE_INLINE
from csp.decorators import csp_update
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from unfold.sites import UnfoldAdminSite

# The admin's theme runs Alpine.js, which evaluates expressions, and inline scripts and styles of its own.
ADMIN_POLICY = {
    "script-src": [UNSAFE_INLINE, UNSAFE_EVAL],
    "style-src": [UNSAFE_INLINE],
}

AREAS = ("contacts", "segments", "workflows", "campaigns", "crm", "auth", "django_q")


class MusterAdminSite(UnfoldAdminSite):
    """Unfold's site, with a Content-Security-Policy that lets its theme run, behind Muster's own login page."""

    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Callable[..., HttpResponseBase]:
        return csp_update(ADMIN_POLICY)(super().admin_view(view, cacheable))

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[dict[str, Any]]:
        """The areas in the order of Muster's own navigation."""
        found: list[dict[str, Any]] = super().get_app_list(request, app_label)
        places = {label: place for place, label in enumerate(AREAS)}
        return sorted(found, key=lambda area: places.get(area["app_label"], len(AREAS)))

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if not request.user.is_authenticated:
            return redirect_to_login(request.GET.get(REDIRECT_FIELD_NAME) or reverse("admin:index"))
        if not self.has_permission(request):
            raise PermissionDenied
        return redirect("admin:index")
