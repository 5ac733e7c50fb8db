"""Contacts > See all: search, filters, columns, order, pages."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from contacts import columns
from contacts.bulk_actions import BULK_ACTIONS, BulkAction
from contacts.fields import Catalogue, Field, catalogue
from contacts.list_filters import Filters
from contacts.models import Contact
from crm.paging import Order, page
from crm.requests import Request
from crm.roles import requires

PAGE_SIZE = 50


@dataclass(frozen=True)
class Row:
    contact: Contact
    cells: list[columns.Cell]


@require_safe
@requires("contacts.view_contact")
def contact_list(request: Request) -> HttpResponse:
    fields = catalogue()
    chosen = columns.chosen_columns(request.COOKIES.get(columns.COOKIE), fields)
    order = columns.order_of(request.GET.get("sort"))
    sort = columns.sort_of(order)
    asked = {} if sort == columns.DEFAULT_SORT else {"sort": sort}
    filters = Filters(request.GET, request.user)
    matches = filters.matches
    shown = page(matches.contacts.defer("search"), order, size=PAGE_SIZE, query=request.GET, few=matches.few)
    context: dict[str, Any] = {
        "nav": "contacts",
        "filters": filters,
        "chips": filters.chips(**asked),
        "sort": sort,
        "matches": matches,
        "page": shown,
        "headings": _headings(chosen, order),
        "rows": [Row(contact, [columns.cell(field, contact) for field in chosen]) for contact in shown.rows],
        "actions": _actions(request),
    }
    if request.htmx.target == "results":
        response = render(request, "contacts/_results.html", context)
        response["HX-Push-Url"] = f"{request.path}?{filters.query(**asked)}"
        return response
    context |= {"column_groups": _column_groups(fields, chosen), "sorts": columns.sorts(fields)}
    return render(request, "contacts/list.html", context)


def _actions(request: Request) -> list[BulkAction]:
    """The bulk actions that the user may do, the one that comes first at the front, the dangerous ones last."""
    allowed = [action for action in BULK_ACTIONS if request.user.has_perm(action.permission)]
    return sorted(allowed, key=lambda action: (action.is_dangerous, not action.comes_first))


def _headings(chosen: list[Field], order: Order) -> list[columns.Heading]:
    own = [
        columns.heading(field.key, str(field.label), order, is_number=field.type.family == "number") for field in chosen
    ]
    return [columns.heading("name", _("Contact"), order), *own]


def _column_groups(fields: Catalogue, chosen: list[Field]) -> list[tuple[str, list[tuple[Field, bool]]]]:
    """The fields to choose columns from, and which are chosen; the name is always there."""
    keys = {field.key for field in chosen}
    return [
        (group, [(field, field.key in keys) for field in of_group if field.key not in {"first_name", "last_name"}])
        for group, of_group in fields.grouped()
    ]


@require_POST
@requires("contacts.view_contact")
def choose_columns(request: Request) -> HttpResponse:
    """Keep the chosen columns in a cookie; none at all stands for the usual ones."""
    fields = catalogue()
    keys = [key for key in request.POST.getlist("column") if key in fields]
    target = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure()):
        target = reverse("contacts:list")
    response = HttpResponseRedirect(target, status=303)
    path = reverse("contacts:list")
    if keys and "reset" not in request.POST:
        cookie = columns.cookie_of(keys)
        response.set_cookie(columns.COOKIE, cookie, max_age=columns.ONE_YEAR, path=path, samesite="Lax", httponly=True)
    else:
        response.delete_cookie(columns.COOKIE, path=path)
    return response
