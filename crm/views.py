"""The dashboard, the settings page and the choice of the theme: the pages that know every area."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import get_language_info
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from crm import dashboard as numbers
from crm.charts import movement_chart
from crm.context import THEME_COOKIE, THEMES
from crm.health import worker_runs
from crm.models import Job
from crm.roles import requires

LONGEST_LIST = 10
ONE_YEAR = 60 * 60 * 24 * 365


@require_safe
@requires()
def dashboard(request: HttpRequest) -> HttpResponse:
    """Each part for those who may see what is in it; somebody without a role is told whom to ask."""
    now = timezone.now()
    user = request.user
    context: dict[str, Any] = {"nav": "dashboard"}
    if user.has_perm("contacts.view_contact"):
        context["contacts"] = numbers.count_contacts(now=now)
    if user.has_perm("segments.view_segment"):
        movements = numbers.movements(now=now)
        context |= {
            "segments": numbers.count_segments(),
            "growing": numbers.growing_segments(now=now),
            "shrinking": numbers.shrinking_segments(now=now),
            "chart": movement_chart(movements),
            "runs": numbers.latest_runs(),
            "audits": numbers.audits(now=now),
        }
    if user.has_perm("crm.view_job"):
        context |= _jobs()
    return render(request, "crm/dashboard.html", context)


@require_safe
@requires("crm.view_job")
def dashboard_jobs(request: HttpRequest) -> HttpResponse:
    """The card of the jobs in progress, which asks for itself again while there are any."""
    return render(request, "crm/_jobs.html", _jobs())


def _jobs() -> dict[str, Any]:
    return {"jobs": Job.objects.in_progress().select_related("user")[:LONGEST_LIST], "worker_runs": worker_runs()}


@require_safe
@requires("contacts.change_contactfield")
def settings_page(request: HttpRequest) -> HttpResponse:
    context = {
        "nav": "settings",
        "time_zone": settings.TIME_ZONE,
        "now": timezone.now(),
        "language": get_language_info(settings.LANGUAGE_CODE)["name_translated"],
    }
    return render(request, "crm/settings.html", context)


@require_POST
@requires()
def choose_theme(request: HttpRequest) -> HttpResponse:
    """Keep the choice in a cookie, so that the server prints pages in it from the start."""
    theme = request.POST.get("theme")
    if theme not in {choice.value for choice in THEMES}:
        return HttpResponseBadRequest(_("There is no such theme."))
    target = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure()):
        target = reverse("dashboard")
    response = HttpResponseRedirect(target, status=303)
    response.set_cookie(THEME_COOKIE, theme, max_age=ONE_YEAR, samesite="Lax", secure=request.is_secure())
    return response
