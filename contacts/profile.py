"""The tabs of a contact's profile. Apps above register theirs, as segments do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from contacts.fields import catalogue
from contacts.lists import subscribe, unsubscribe
from contacts.models import Contact, ContactImport, ContactList, ListMembership
from contacts.sections import custom_fields, system_sections
from contacts.timeline import timeline
from crm.registry import Registry
from crm.requests import Request

ENTRIES = 25
IMPORTS = 10


class Tab(ABC):
    """A tab: ``key`` is part of its address. Somebody without the ``permission`` does not get it.

    ``fragment`` is the template that answers htmx in place of the whole page, where there is something to add.
    """

    key: str
    label: str | Promise
    permission: str = "contacts.view_contact"
    template: str
    fragment: str = ""

    @abstractmethod
    def context(self, request: Request, contact: Contact) -> dict[str, Any]:
        """What the template needs besides ``contact``."""

    def act(self, request: Request, contact: Contact) -> HttpResponse:
        """Do what was posted to the tab; most have nothing to be done."""
        return HttpResponseNotAllowed(["GET", "HEAD"])


PROFILE_TABS: Registry[Tab] = Registry("tab of the profile")


@PROFILE_TABS.register
class General(Tab):
    key = "general"
    label = _("General")
    template = "contacts/_general.html"

    def context(self, request: Request, contact: Contact) -> dict[str, Any]:
        sections = [
            (section.heading, [(field, field.display(field.value_of(contact))) for field in section.fields])
            for section in system_sections(catalogue())
        ]
        return {"sections": sections, "imports": _imports_of(contact) if _may_see_imports(request) else []}


def _may_see_imports(request: Request) -> bool:
    return request.user.has_perms(["contacts.view_import", "contacts.view_contactimport"])


def _imports_of(contact: Contact) -> list[ContactImport]:
    """With which imports the contact came, the latest first."""
    came = ContactImport.objects.filter(contact=contact).select_related("import_run")
    return list(came.order_by("-import_run_id")[:IMPORTS])


@PROFILE_TABS.register
class Custom(Tab):
    key = "custom"
    label = _("Custom fields")
    template = "contacts/_custom.html"

    def context(self, request: Request, contact: Contact) -> dict[str, Any]:
        fields = custom_fields(catalogue())
        return {"fields": [(field, field.display(field.value_of(contact))) for field in fields]}


@PROFILE_TABS.register
class Activity(Tab):
    key = "activity"
    label = _("Activity")
    permission = "contacts.view_event"
    template = "contacts/_activity.html"
    fragment = "contacts/_timeline.html"

    def context(self, request: Request, contact: Contact) -> dict[str, Any]:
        shown = timeline(contact, request.user, size=ENTRIES, after=request.GET.get("after"))
        return {"timeline": shown, "is_continued": "after" in request.GET}


class ListsForm(forms.Form):
    """Subscribe to a list or unsubscribe from it."""

    list = forms.ModelChoiceField(ContactList.objects.all(), label=_("List"))


@PROFILE_TABS.register
class Lists(Tab):
    key = "lists"
    label = _("Lists")
    permission = "contacts.view_listmembership"
    template = "contacts/_lists_of_contact.html"

    def context(self, request: Request, contact: Contact) -> dict[str, Any]:
        memberships = list(
            ListMembership.objects.filter(contact=contact).select_related("list").order_by("list__name", "pk")
        )
        subscribed = {one.list_id for one in memberships if one.unsubscribed_at is None}
        return {
            "memberships": memberships,
            "other_lists": [one for one in ContactList.objects.all() if one.pk not in subscribed],
            "may_subscribe": request.user.has_perm("contacts.add_listmembership"),
            "may_unsubscribe": request.user.has_perm("contacts.change_listmembership"),
        }

    def act(self, request: Request, contact: Contact) -> HttpResponse:
        leaving = "unsubscribe" in request.POST
        if not request.user.has_perm(f"contacts.{'change' if leaving else 'add'}_listmembership"):
            raise PermissionDenied
        form = ListsForm(request.POST)
        if form.is_valid():
            chosen, only = form.cleaned_data["list"], Contact.objects.filter(pk=contact.pk)
            if leaving:
                unsubscribe(chosen, only, now=timezone.now())
                messages.success(request, gettext("Unsubscribed from “%(list)s”.") % {"list": chosen})
            else:
                subscribe(chosen, only, now=timezone.now())
                messages.success(request, gettext("Subscribed to “%(list)s”.") % {"list": chosen})
        else:
            messages.error(request, gettext("Choose a list. Perhaps the one you chose was deleted."))
        return HttpResponseRedirect(reverse("contacts:profile", args=[contact.pk, self.key]), status=303)
