"""The members of a static segment: finding contacts, adding them and removing them by hand."""

from dataclasses import dataclass
from functools import cached_property

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from contacts.matches import matches_of
from contacts.models import Contact
from crm.requests import Request
from crm.roles import requires
from segments.membership import add, remove
from segments.models import Cause, Membership, Segment, Transition

FOUND = 8
NEWEST = 8
LOOKED_AT = 100


@dataclass
class MemberSearch:
    """The contacts that ``text`` finds, each with whether it is in the segment."""

    segment: Segment
    text: str

    @cached_property
    def found(self) -> list[tuple[Contact, bool]]:
        if not self.text.strip():
            return []
        matches = matches_of(Contact.objects.search(self.text[:200]))
        contacts = list(matches.contacts.defer("custom", "search")[:FOUND])
        members = set(
            Membership.objects.filter(segment=self.segment, contact__in=contacts).values_list("contact_id", flat=True)
        )
        return [(contact, contact.pk in members) for contact in contacts]


def newest_members(segment: Segment) -> QuerySet[Membership]:
    """Who entered last, among the latest transitions: in a large segment nobody sorts all members by their date."""
    latest = Transition.objects.filter(segment=segment).order_by("-at", "-pk").values("contact_id")[:LOOKED_AT]
    return (
        Membership.objects.filter(segment=segment, contact_id__in=latest)
        .select_related("contact")
        .defer("contact__custom", "contact__search")
        .order_by("-entered_at", "-contact_id")[:NEWEST]
    )


def _static_segment(pk: int) -> Segment:
    return get_object_or_404(Segment.objects.live().static(), pk=pk)


@require_safe
@requires("segments.add_membership", "contacts.view_contact")
def find(request: Request, pk: int) -> HttpResponse:
    """The contacts that the search box finds, while somebody types."""
    segment = _static_segment(pk)
    search = MemberSearch(segment, request.GET.get("find", ""))
    return render(request, "segments/_found.html", {"segment": segment, "search": search})


@require_POST
@requires("segments.add_membership", "contacts.view_contact")
def add_member(request: Request, pk: int) -> HttpResponse:
    segment, contact, chosen = _chosen(request, pk)
    number = add(segment, chosen, now=timezone.now(), cause=Cause.HAND, detail=_name(request))
    names = {"contact": contact, "segment": segment.name}
    if number:
        messages.success(request, _("%(contact)s was added to “%(segment)s”.") % names)
    else:
        messages.info(request, _("%(contact)s is in “%(segment)s” already.") % names)
    return _back(request, segment)


@require_POST
@requires("segments.delete_membership", "contacts.view_contact")
def remove_member(request: Request, pk: int) -> HttpResponse:
    segment, contact, chosen = _chosen(request, pk)
    remove(segment, chosen, now=timezone.now(), cause=Cause.HAND, detail=_name(request))
    names = {"contact": contact, "segment": segment.name}
    messages.success(request, _("%(contact)s was removed from “%(segment)s”.") % names)
    return _back(request, segment)


def _chosen(request: Request, pk: int) -> tuple[Segment, Contact, QuerySet[Contact]]:
    posted = request.POST.get("contact", "")
    chosen = Contact.objects.filter(pk=int(posted) if posted.isdecimal() and len(posted) < 19 else 0)
    return _static_segment(pk), get_object_or_404(chosen), chosen


def _name(request: Request) -> str:
    return request.user.get_full_name() or request.user.get_username()


def _back(request: Request, segment: Segment) -> HttpResponse:
    address = reverse("segments:detail", args=[segment.pk])
    find = request.POST.get("find", "")
    return HttpResponseRedirect(f"{address}?{urlencode({'find': find})}#members" if find else address, status=303)
