"""Contacts > Lists. The contacts on a list are shown by the contact list, filtered by it."""

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from contacts.forms import ListForm
from contacts.lists import delete_list, with_sizes
from contacts.models import ContactList, ListMembership
from contacts.uses import uses_of_list
from crm.requests import Request
from crm.roles import requires


@require_safe
@requires("contacts.view_contactlist")
def lists(request: Request) -> HttpResponse:
    return render(request, "contacts/lists.html", {"nav": "lists", "lists": with_sizes(ContactList.objects.all())})


@require_http_methods(["GET", "HEAD", "POST"])
@requires("contacts.add_contactlist")
def create_list(request: Request) -> HttpResponse:
    return _edit(request, ContactList(created_at=timezone.now()))


@require_http_methods(["GET", "HEAD", "POST"])
@requires("contacts.change_contactlist")
def edit_list(request: Request, pk: int) -> HttpResponse:
    return _edit(request, get_object_or_404(ContactList, pk=pk))


def _edit(request: Request, contact_list: ContactList) -> HttpResponse:
    form = ListForm(request.POST if request.method == "POST" else None, instance=contact_list)
    is_new = contact_list.pk is None
    if form.is_valid():
        saved = form.save()
        text = _("The list “%(list)s” was created.") if is_new else _("The list “%(list)s” was saved.")
        messages.success(request, text % {"list": saved})
        return HttpResponseRedirect(reverse("contacts:lists"), status=303)
    context = {"nav": "lists", "form": form, "is_new": is_new, "name": form.initial.get("name", "")}
    return render(request, "contacts/list_form.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@requires("contacts.delete_contactlist")
def delete_list_page(request: Request, pk: int) -> HttpResponse:
    """Say where the list is used, and delete it once that is confirmed."""
    contact_list = get_object_or_404(ContactList, pk=pk)
    if request.method == "POST":
        name = contact_list.name
        delete_list(contact_list, now=timezone.now())
        messages.success(request, _("The list “%(list)s” was deleted. Its contacts are still there.") % {"list": name})
        return HttpResponseRedirect(reverse("contacts:lists"), status=303)
    context = {
        "nav": "lists",
        "list": contact_list,
        "size": ListMembership.objects.current().filter(list=contact_list).count(),
        "uses": uses_of_list(contact_list.pk),
    }
    return render(request, "contacts/list_delete.html", context)
