"""A contact's profile, and what can be done with one contact: download its data, make it anonymous, delete it."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from contacts.columns import BADGES
from contacts.deletion import anonymise, delete_contacts
from contacts.fields import SYSTEM_FIELDS
from contacts.models import Contact
from contacts.personal_data import data_of
from contacts.profile import PROFILE_TABS
from crm.requests import Request
from crm.roles import requires


@require_http_methods(["GET", "HEAD", "POST"])
@requires("contacts.view_contact")
def profile(request: Request, pk: int, key: str = "general") -> HttpResponse:
    """One tab of the profile; what is posted to its address is done by the tab."""
    if key not in PROFILE_TABS:
        raise Http404
    tab = PROFILE_TABS[key]
    if not request.user.has_perm(tab.permission):
        raise PermissionDenied
    contact = get_object_or_404(Contact.objects.defer("search"), pk=pk)
    if request.method == "POST":
        return tab.act(request, contact)
    context: dict[str, Any] = {
        "nav": "contacts",
        "contact": contact,
        "tab": tab,
        "tabs": [one for one in PROFILE_TABS if request.user.has_perm(one.permission)],
        "newsletter_badge": BADGES["newsletter", contact.newsletter],
        "email_badge": BADGES["email_status", contact.email_status],
        "phone": _in_words(contact, "phone"),
        "total": _in_words(contact, "purchases_total"),
        **tab.context(request, contact),
    }
    return render(request, tab.fragment if request.htmx and tab.fragment else "contacts/profile.html", context)


def _in_words(contact: Contact, key: str) -> str:
    field = next(field for field in SYSTEM_FIELDS if field.key == key)
    return field.display(field.value_of(contact))


@require_safe
@requires("contacts.view_contact", "contacts.view_event", "contacts.view_listmembership")
def download_data(request: Request, pk: int) -> HttpResponse:
    """All data held on the contact, for the person to have."""
    contact = get_object_or_404(Contact, pk=pk)
    response = JsonResponse(data_of(contact), json_dumps_params={"ensure_ascii": False, "indent": 2})
    response["Content-Disposition"] = f'attachment; filename="contact-{contact.pk}.json"'
    response["Cache-Control"] = "no-store"
    return response


@require_http_methods(["GET", "HEAD", "POST"])
@requires("contacts.delete_contact")
def delete_contact(request: Request, pk: int) -> HttpResponse:
    contact = get_object_or_404(Contact, pk=pk)
    if request.method == "POST":
        delete_contacts(Contact.objects.filter(pk=contact.pk), now=timezone.now())
        messages.success(request, _("“%(contact)s” was deleted.") % {"contact": contact})
        return HttpResponseRedirect(reverse("contacts:list"), status=303)
    return render(request, "contacts/delete.html", {"nav": "contacts", "contact": contact})


@require_http_methods(["GET", "HEAD", "POST"])
@requires("contacts.change_contact", "contacts.delete_contact")
def anonymise_contact(request: Request, pk: int) -> HttpResponse:
    contact = get_object_or_404(Contact, pk=pk)
    if request.method == "POST":
        anonymise(contact, now=timezone.now())
        messages.success(request, _("The contact was made anonymous."))
        return HttpResponseRedirect(reverse("contacts:profile", args=[contact.pk]), status=303)
    return render(request, "contacts/anonymise.html", {"nav": "contacts", "contact": contact})
