"""Making a dynamic segment a dynamic plus one."""

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from crm.requests import Request
from crm.roles import requires
from segments.compiler import describe
from segments.editing import make_dynamic_plus
from segments.kinds import OFFERED
from segments.models import Segment
from segments.versions import ChangedMeanwhile, token_of


@require_http_methods(["GET", "HEAD", "POST"])
@requires("segments.change_segment")
def make_plus(request: Request, pk: int) -> HttpResponse:
    """Ask, and make it dynamic plus, which cannot be taken back."""
    if Segment.Kind.DYNAMIC_PLUS not in OFFERED:
        raise Http404
    segment = get_object_or_404(Segment.objects.live().filter(kind=Segment.Kind.DYNAMIC), pk=pk)
    if request.method != "POST":
        return _asked(request, segment)
    try:
        make_dynamic_plus(segment, now=timezone.now(), user=request.user, expected=request.POST.get("saved", ""))
    except ChangedMeanwhile as meanwhile:
        if meanwhile.saved.kind == Segment.Kind.DYNAMIC:
            return _asked(request, meanwhile.saved, status=409)
    messages.success(request, _("“%(segment)s” is dynamic plus now.") % {"segment": segment.name})
    return HttpResponseRedirect(reverse("segments:detail", args=[segment.pk]), status=303)


def _asked(request: Request, segment: Segment, *, status: int = 200) -> HttpResponse:
    context = {
        "nav": "segments",
        "segment": segment,
        "sentence": describe(segment.conditions),
        "token": token_of(segment),
        "is_changed_meanwhile": status == 409,
    }
    return render(request, "segments/make_plus.html", context, status=status)
