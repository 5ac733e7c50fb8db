"""Adding and editing a contact."""

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from contacts.editing import Taken, create_contact, update_contact
from contacts.fields import catalogue
from contacts.forms import ContactForm
from contacts.models import Contact
from crm.requests import Request
from crm.roles import requires


@require_http_methods(["GET", "HEAD", "POST"])
@requires("contacts.add_contact")
def create(request: Request) -> HttpResponse:
    form = ContactForm(request.POST if request.method == "POST" else None, catalogue=catalogue())
    if form.is_valid():
        try:
            contact = create_contact(form.values, now=timezone.now())
        except Taken as taken:
            form.add_taken(taken)
        else:
            messages.success(request, _("“%(contact)s” was added.") % {"contact": contact})
            return HttpResponseRedirect(reverse("contacts:profile", args=[contact.pk]), status=303)
    context = {"nav": "contacts", "form": form, "back": reverse("contacts:list")}
    return render(request, "contacts/form.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@requires("contacts.change_contact")
def edit(request: Request, pk: int) -> HttpResponse:
    contact = get_object_or_404(Contact, pk=pk)
    back = reverse("contacts:profile", args=[contact.pk])
    form = ContactForm(request.POST if request.method == "POST" else None, catalogue=catalogue(), contact=contact)
    if form.is_valid():
        try:
            contact = update_contact(contact, form.values, now=timezone.now())
        except Taken as taken:
            form.add_taken(taken)
        else:
            messages.success(request, _("The changes were saved."))
            return HttpResponseRedirect(back, status=303)
    context = {"nav": "contacts", "form": form, "contact": contact, "back": back}
    return render(request, "contacts/form.html", context, status=422 if form.errors else 200)
