"""What segments add to the pages of contacts: a filter and bulk actions of the list, a tab and entries of the profile,
and where lists are used."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, ngettext_lazy
from django.utils.translation import gettext_lazy as _

from contacts.bulk_actions import BULK_ACTIONS, BulkAction, Parameters
from contacts.list_filters import LIST_FILTERS, SetFilter
from contacts.models import Contact
from contacts.profile import PROFILE_TABS, Tab
from contacts.timeline import TIMELINE, Entry, Source
from contacts.uses import LIST_USES, UseSource
from crm.models import User
from crm.requests import Request
from segments.causes import causes_of
from segments.membership import add, remove
from segments.models import Cause, Membership, Segment, Transition
from segments.uses import list_uses


def register() -> None:
    """Called once, when the app is ready."""
    LIST_FILTERS.add(BySegment())
    BULK_ACTIONS.add(AddToSegment())
    BULK_ACTIONS.add(RemoveFromSegment())
    PROFILE_TABS.add(SegmentsTab())
    TIMELINE.add(Transitions())
    LIST_USES.add(UseSource("segments", _("Segments"), list_uses))


class BySegment(SetFilter):
    key = "segment"
    label = _("Segment")
    permission = "segments.view_segment"

    def options(self) -> list[tuple[int, str]]:
        return list(Segment.objects.live().values_list("pk", "name"))

    def memberships(self, set_id: int) -> QuerySet[Any]:
        return Membership.objects.filter(segment_id=set_id)

    def size(self, set_id: int) -> int:
        return Segment.objects.values_list("size", flat=True).get(pk=set_id)


CHOICE_GONE = _("Choose a static segment. Perhaps the one you chose was deleted.")


class SegmentParameters(Parameters):
    segment = forms.ModelChoiceField(
        Segment.objects.live().static(),
        label=_("Static segment"),
        empty_label=_("Choose a static segment"),
        error_messages={"required": _("Choose a static segment."), "invalid_choice": CHOICE_GONE},
        help_text=_("Dynamic segments are not among them: who is in those follows from their conditions."),
    )


class AddToSegment(BulkAction):
    key = "add-to-segment"
    label = _("Add to Segment")
    icon = "circle-plus"
    permission = "segments.add_membership"
    comes_first = True
    heading_text = ngettext_lazy("Add %(count)s contact to a segment", "Add %(count)s contacts to a segment", "count")
    outcome_text = ngettext_lazy(
        "%(count)s contact was added to “%(segment)s”.", "%(count)s contacts were added to “%(segment)s”.", "count"
    )
    explanation = _("Contacts that are in the segment already stay in it, with the date on which they entered.")
    parameters = SegmentParameters

    def apply(self, contacts: QuerySet[Contact], cleaned: dict[str, Any], *, user: User | None, now: datetime) -> int:
        return add(cleaned["segment"], contacts, now=now, cause=Cause.HAND, detail=_name_of(user))


class RemoveFromSegment(BulkAction):
    key = "remove-from-segment"
    label = _("Remove from segment")
    icon = "circle-minus"
    permission = "segments.delete_membership"
    heading_text = ngettext_lazy(
        "Remove %(count)s contact from a segment", "Remove %(count)s contacts from a segment", "count"
    )
    outcome_text = ngettext_lazy(
        "%(count)s contact was removed from “%(segment)s”.",
        "%(count)s contacts were removed from “%(segment)s”.",
        "count",
    )
    explanation = _("The contacts themselves stay, also in other segments.")
    parameters = SegmentParameters

    def apply(self, contacts: QuerySet[Contact], cleaned: dict[str, Any], *, user: User | None, now: datetime) -> int:
        return remove(cleaned["segment"], contacts, now=now, cause=Cause.HAND, detail=_name_of(user))


def _name_of(user: User | None) -> str:
    return "" if user is None else user.get_full_name() or user.get_username()


class MembershipForm(forms.Form):
    """Which static segment to add the contact to, or to remove it from."""

    segment = forms.ModelChoiceField(Segment.objects.live().static())


class SegmentsTab(Tab):
    key = "segments"
    label = _("Segments")
    permission = "segments.view_membership"
    template = "segments/_segments_of_contact.html"

    def context(self, request: Request, contact: Contact) -> dict[str, Any]:
        live = Membership.objects.filter(contact=contact, segment__deleted_at__isnull=True)
        memberships = list(live.select_related("segment").order_by("segment__name", "segment_id"))
        joined = {membership.segment_id for membership in memberships}
        latest = Transition.objects.filter(contact=contact, kind=Transition.Kind.ENTERED, segment_id__in=joined)
        entered = {transition.segment_id: transition for transition in latest.order_by("pk")}
        causes = causes_of(entered.values())
        return {
            "memberships": [
                (one, causes[entered[one.segment_id].pk] if one.segment_id in entered else one.get_cause_display())
                for one in memberships
            ],
            "other_segments": [one for one in Segment.objects.live().static() if one.pk not in joined],
            "may_add": request.user.has_perm("segments.add_membership"),
            "may_remove": request.user.has_perm("segments.delete_membership"),
        }

    def act(self, request: Request, contact: Contact) -> HttpResponse:
        leaving = "remove" in request.POST
        if not request.user.has_perm(f"segments.{'delete' if leaving else 'add'}_membership"):
            raise PermissionDenied
        form = MembershipForm(request.POST)
        if form.is_valid():
            self._move(request, contact, form.cleaned_data["segment"], leaving=leaving)
        else:
            messages.error(request, str(CHOICE_GONE))
        return HttpResponseRedirect(reverse("contacts:profile", args=[contact.pk, self.key]), status=303)

    def _move(self, request: Request, contact: Contact, segment: Segment, *, leaving: bool) -> None:
        only, name = Contact.objects.filter(pk=contact.pk), _name_of(request.user)
        move = remove if leaving else add
        move(segment, only, now=timezone.now(), cause=Cause.HAND, detail=name)
        text = gettext("Removed from segment “%(segment)s”.") if leaving else gettext("Added to segment “%(segment)s”.")
        messages.success(request, text % {"segment": segment})


class Transitions(Source):
    key = "transitions"
    permission = "segments.view_transition"
    moment = "at"

    def rows(self, contact: Contact) -> QuerySet[Any]:
        return Transition.objects.filter(contact=contact).select_related("segment")

    def entries(self, rows: list[Any]) -> list[Entry]:
        causes = causes_of(rows)
        return [self._entry(row, causes[row.pk]) for row in rows]

    def _entry(self, row: Transition, cause: str) -> Entry:
        entered = row.kind == Transition.Kind.ENTERED
        title = gettext("Entered segment “%(segment)s”") if entered else gettext("Left segment “%(segment)s”")
        return Entry(
            row.at,
            "log-in" if entered else "log-out",
            title % {"segment": row.segment},
            [("", cause)],
            "" if row.segment.deleted_at else reverse("segments:detail", args=[row.segment_id]),
        )
