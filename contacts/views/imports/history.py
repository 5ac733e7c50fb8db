"""Contacts > Imports: what was imported and what waits to be, the newest first."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from contacts.folding import Fold, fold
from contacts.imports.deleting import delete_draft
from contacts.models import Import
from contacts.views.imports.steps import of_a_draft
from crm.paging import Order, page
from crm.requests import Request
from crm.roles import requires

PAGE_SIZE = 25
NEWEST_FIRST = Order("created", ("created_at",), descending=True)


@require_safe
@requires("contacts.view_import")
def history(request: Request) -> HttpResponse:
    query, kind, state = (request.GET.get(name, "").strip() for name in ("q", "kind", "state"))
    kind = kind if kind in Import.Kind else ""
    state = state if state in Import.State else ""
    imports = page(_found(query, kind, state), NEWEST_FIRST, size=PAGE_SIZE, query=request.GET)
    context: dict[str, Any] = {
        "nav": "imports",
        "query": query,
        "kind": kind,
        "state": state,
        "kinds": [("", _("All")), *Import.Kind.choices],
        "states": Import.State.choices,
        "is_filtered": bool(query or kind or state),
        "page": imports,
    }
    return render(request, "contacts/imports/history.html", context)


def _found(query: str, kind: str, state: str) -> QuerySet[Import]:
    """The imports, without what the list does not show."""
    imports: QuerySet[Import] = Import.objects.select_related("user", "job").defer(
        "source", "columns", "mapping", "options", "check_result", "undo_result"
    )
    if query:
        imports = imports.alias(folded=Fold("name")).filter(folded__contains=fold(query))
    if kind:
        imports = imports.filter(kind=kind)
    return imports.filter(state=state) if state else imports


@require_http_methods(["GET", "HEAD", "POST"])
@requires("contacts.add_import")
@of_a_draft
def delete(request: Request, import_run: Import) -> HttpResponse:
    """Ask, and delete a draft with its file."""
    if request.method == "POST":
        name = import_run.name
        delete_draft(import_run)
        messages.success(request, _("The draft “%(import)s” was deleted.") % {"import": name})
        return HttpResponseRedirect(reverse("contacts:imports"), status=303)
    return render(request, "contacts/imports/delete.html", {"nav": "imports", "import_run": import_run})
