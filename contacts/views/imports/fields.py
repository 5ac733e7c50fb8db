"""Step 2: saying what every column goes to, and declaring the fields that are missing."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from django.db import transaction
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from contacts.fields import catalogue
from contacts.import_forms.mapping import DATES, DECIMALS, Column, MappingForm
from contacts.import_forms.targets import targets_of
from contacts.imports import drafting
from contacts.imports.guessing import guess
from contacts.models import Import
from contacts.views.imports.steps import go_to, of_a_draft, steps
from crm.requests import Request
from crm.roles import requires

ROWS_READ = 200
VALUES_SHOWN = 3
MANY = 60  # columns, from which on a select gets its options only when somebody goes to it


@require_http_methods(["GET", "HEAD", "POST"])
@requires("contacts.add_import")
@of_a_draft
def fields(request: Request, import_run: Import) -> HttpResponse:
    """A POST keeps the mapping, or proposes one anew."""
    if "anew" in request.POST:
        rows = drafting.samples(import_run, drafting.GUESSED_FROM)
        import_run.mapping = drafting.proposed_mapping(import_run, rows, catalogue())
        drafting.save_draft(import_run)
        return go_to("import_fields", import_run)
    form = _form(request, import_run, request.POST if request.method == "POST" else None)
    if form.is_valid():
        with transaction.atomic():
            form.declare_new_fields()
            import_run.mapping = form.as_json()
            drafting.save_draft(import_run)
        return go_to("import_options", import_run)
    context: dict[str, Any] = {
        "nav": "imports",
        "steps": steps("import_fields", import_run),
        "import_run": import_run,
        "form": form,
        "has_many": len(form.rows) > MANY and "choices" not in request.GET,
        "saved": drafting.saved_mapping_for(import_run.columns, kind=import_run.kind),
        "may_declare": _may_declare(request) and import_run.kind == Import.Kind.CONTACTS,
        "is_of_events": import_run.kind == Import.Kind.EVENTS,
        "date_forms": [("", _("Choose…")), *DATES],
        "decimal_signs": DECIMALS,
    }
    return render(request, "contacts/imports/fields.html", context, status=422 if form.is_bound else 200)


@require_safe
@requires("contacts.add_import", "contacts.add_contactfield")
@of_a_draft
def new_field(request: Request, import_run: Import, place: int) -> HttpResponse:
    """The inputs that declare a field for a column, once that is chosen for it."""
    if place >= len(import_run.columns):
        raise Http404
    row = _form(request, import_run, request.GET).rows[place]
    return render(request, "contacts/imports/_new_field.html", {"row": row})


def _may_declare(request: Request) -> bool:
    return request.user.has_perm("contacts.add_contactfield")


def _form(request: Request, import_run: Import, data: QueryDict | None) -> MappingForm:
    known = catalogue()
    rows = [row.cells for row in drafting.samples(import_run, ROWS_READ) if not row.problem]

    def guess_of(place: int) -> tuple[str, Sequence[str]]:
        cells = [[row[place]] for row in rows]
        [found] = guess([import_run.columns[place]], cells, kind=import_run.kind, fields=known)
        return found.type, found.options

    columns = [
        Column(name, _first_values(rows, place), entry, partial(guess_of, place))
        for place, (name, entry) in enumerate(zip(import_run.columns, import_run.mapping, strict=True))
    ]
    targets = targets_of(import_run.kind, known, may_declare=_may_declare(request))
    return MappingForm(columns, kind=import_run.kind, targets=targets, data=data)


def _first_values(rows: Sequence[Sequence[str]], place: int) -> list[str]:
    """The first different values of a column."""
    values = dict.fromkeys(row[place].strip() for row in rows)
    return [value for value in values if value][:VALUES_SHOWN]
