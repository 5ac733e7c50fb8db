"""Why a contact is in a segment or not: finding the contact, and the explanation."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from contacts.models import Contact
from crm.requests import Request
from crm.roles import requires
from segments.explain import explain
from segments.models import Segment
from segments.views.members import MemberSearch

PERMISSIONS = ("segments.view_segment", "contacts.view_contact")


@require_safe
@requires(*PERMISSIONS)
def ask(request: Request, pk: int) -> HttpResponse:
    """Find the contact of whom it is asked, member or not."""
    segment = _segment(pk)
    search = MemberSearch(segment, request.GET.get("who", ""))
    context = {"nav": "segments", "segment": segment, "search": search}
    return render(request, "segments/_asked.html" if request.htmx else "segments/ask.html", context)


@require_safe
@requires(*PERMISSIONS)
def why(request: Request, pk: int, contact_pk: int) -> HttpResponse:
    segment = _segment(pk)
    contact = get_object_or_404(Contact.objects.defer("search"), pk=contact_pk)
    context = {"nav": "segments", "segment": segment, "explanation": explain(segment, contact, now=timezone.now())}
    return render(request, "segments/_why.html" if request.htmx else "segments/why.html", context)


def _segment(pk: int) -> Segment:
    return get_object_or_404(Segment.objects.live(), pk=pk)
