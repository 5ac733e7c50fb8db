"""A bulk action: the page that says what is about to happen and asks for its parameters."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from contacts.bulk import NotSelected, Selection, filters_of, run
from contacts.bulk_actions import BULK_ACTIONS
from crm.requests import Request
from crm.roles import requires


@require_http_methods(["GET", "HEAD", "POST"])
@requires("contacts.view_contact")
def bulk_action(request: Request, key: str) -> HttpResponse:
    """The address carries the selection; a POST carries the parameters and does it."""
    if key not in BULK_ACTIONS:
        raise Http404
    action = BULK_ACTIONS[key]
    if not request.user.has_perm(action.permission):
        raise PermissionDenied
    selection = Selection(request.GET, request.user)
    back = _list_of(request)
    try:
        count = selection.count
    except NotSelected as error:
        messages.warning(request, str(error))
        return HttpResponseRedirect(back, status=303)
    form = action.parameters(request.POST if request.method == "POST" else None, count=count)
    if count and form.is_valid():
        outcome, job = run(action, selection, form, user=request.user, now=timezone.now())
        if job is not None:
            return HttpResponseRedirect(reverse("job", args=[job.pk]), status=303)
        messages.success(request, outcome)
        return HttpResponseRedirect(back, status=303)
    context = {
        "nav": "contacts",
        "action": action,
        "heading": action.heading(count),
        "count": count,
        "form": form,
        "back": back,
        "examples": selection.examples,
    }
    return render(request, "contacts/bulk.html", context, status=422 if form.is_bound else 200)


def _list_of(request: Request) -> str:
    """The contact list with the filters of the selection."""
    filters = filters_of(request.GET)
    return f"{reverse('contacts:list')}?{filters}" if filters else reverse("contacts:list")
