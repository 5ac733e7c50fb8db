"""Settings > Contact fields: declaring custom fields, for administrators."""

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from contacts.field_form import FieldForm
from contacts.fields import SYSTEM_FIELDS
from contacts.models import ContactField
from crm.requests import Request
from crm.roles import requires


@require_safe
@requires("contacts.change_contactfield")
def field_list(request: Request) -> HttpResponse:
    declared = list(ContactField.objects.order_by("label", "pk"))
    context = {
        "nav": "settings",
        "fields": [field for field in declared if not field.archived],
        "archived": [field for field in declared if field.archived],
        "system_fields": SYSTEM_FIELDS,
    }
    return render(request, "contacts/fields.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@requires("contacts.add_contactfield", "contacts.change_contactfield")
def create_field(request: Request) -> HttpResponse:
    return _edit(request, ContactField())


@require_http_methods(["GET", "HEAD", "POST"])
@requires("contacts.change_contactfield")
def edit_field(request: Request, pk: int) -> HttpResponse:
    return _edit(request, get_object_or_404(ContactField, pk=pk))


def _edit(request: Request, field: ContactField) -> HttpResponse:
    form = FieldForm(request.POST if request.method == "POST" else None, instance=field)
    is_new = field.pk is None
    if form.is_valid():
        saved = form.save()
        text = _("The field “%(field)s” was created.") if is_new else _("The field “%(field)s” was saved.")
        messages.success(request, text % {"field": saved})
        return HttpResponseRedirect(reverse("contacts:fields"), status=303)
    context = {"nav": "settings", "form": form, "field": None if is_new else ContactField.objects.get(pk=field.pk)}
    return render(request, "contacts/field_form.html", context, status=422 if form.errors else 200)


@require_POST
@requires("contacts.change_contactfield")
def archive_field(request: Request, pk: int) -> HttpResponse:
    """Archive the field, or restore it; the values stay either way."""
    field = get_object_or_404(ContactField, pk=pk)
    field.archived = "restore" not in request.POST
    field.save(update_fields=["archived"])
    text = _("The field “%(field)s” was archived.") if field.archived else _("The field “%(field)s” is in use again.")
    messages.success(request, text % {"field": field})
    return HttpResponseRedirect(reverse("contacts:fields"), status=303)
