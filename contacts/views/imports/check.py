"""Step 4: what will become of every row, before anything is written."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from contacts.fields import catalogue
from contacts.imports import checking, drafting, running
from contacts.imports.cells import readers_of
from contacts.imports.new_places import Taken, make_new_places
from contacts.imports.options import NotReady
from contacts.models import Import
from contacts.views.imports.figures import figures, reasons_of_check, to_be_written
from contacts.views.imports.steps import before_it_runs, go_to, of_a_draft, steps
from crm.registry import UnknownKey
from crm.requests import Request
from crm.roles import requires


@require_http_methods(["GET", "HEAD", "POST"])
@requires("contacts.add_import")
@before_it_runs
def check(request: Request, import_run: Import) -> HttpResponse:
    """The first rows as they will be stored, and what the check of all of them found; a POST checks again."""
    if request.method == "POST":
        try:
            checking.start(import_run, user=request.user, now=timezone.now())
        except NotReady as problems:
            messages.error(request, str(problems))
            return go_to("import_options", import_run)
        return go_to("import_check", import_run)
    try:
        readers, rows = readers_of(import_run, catalogue()), drafting.first_rows(import_run)
    except UnknownKey:
        messages.error(request, _("A field that a column goes to has been deleted. Choose where the column goes."))
        return go_to("import_fields", import_run)
    counts = import_run.check_result["counts"] if import_run.check_result else {}
    context: dict[str, Any] = {
        "nav": "imports",
        "steps": steps("import_check", import_run),
        "import_run": import_run,
        "is_of_events": import_run.kind == Import.Kind.EVENTS,
        "figures": figures(counts, import_run, is_over=False),
        "reasons": reasons_of_check(import_run),
        "number": to_be_written(counts) if counts else 0,
        "readers": readers,
        "rows": rows,
    }
    return render(request, "contacts/imports/check.html", context)


@require_POST
@requires("contacts.add_import")
@of_a_draft
def run(request: Request, import_run: Import) -> HttpResponse:
    """Begin to write, which needs a check of the import as it is now."""
    if import_run.state != Import.State.CHECKED:
        return go_to("import_check", import_run)
    now = timezone.now()
    try:
        with transaction.atomic():
            make_new_places(import_run, user=request.user, now=now)
            running.start(import_run, user=request.user, now=now)
    except (NotReady, Taken) as problem:
        messages.error(request, str(problem))
        return go_to("import_options", import_run)
    return go_to("import", import_run)
