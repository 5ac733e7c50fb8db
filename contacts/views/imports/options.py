"""Step 3: what is to be done with the rows."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from contacts.import_forms.options import KEYS, ContactOptionsForm, EventOptionsForm
from contacts.imports import checking, drafting
from contacts.imports.options import NotReady
from contacts.models import Import
from contacts.views.imports.steps import go_to, of_a_draft, steps
from crm.requests import Request
from crm.roles import requires


@require_http_methods(["GET", "HEAD", "POST"])
@requires("contacts.add_import")
@of_a_draft
def options(request: Request, import_run: Import) -> HttpResponse:
    """A POST keeps the options and begins the check."""
    is_of_events = import_run.kind == Import.Kind.EVENTS
    targets = {entry["target"] for entry in import_run.mapping}
    if not is_of_events and not targets & KEYS.keys():
        return go_to("import_fields", import_run)
    form = _form(request, import_run)
    if form.is_valid():
        import_run.options = import_run.options | form.as_json()
        drafting.save_draft(import_run)
        try:
            checking.start(import_run, user=request.user, now=timezone.now())
        except NotReady as not_ready:
            for problem in not_ready.problems:
                form.add_error(problem.place if problem.place in form.fields else None, problem.text)
        else:
            return go_to("import_check", import_run)
    context = {
        "nav": "imports",
        "steps": steps("import_options", import_run),
        "import_run": import_run,
        "form": form,
        "has_key": "key" in targets,
    }
    template = "contacts/imports/event_options.html" if is_of_events else "contacts/imports/options.html"
    return render(request, template, context, status=422 if form.errors else 200)


def _form(request: Request, import_run: Import) -> ContactOptionsForm | EventOptionsForm:
    data = request.POST if request.method == "POST" else None
    if import_run.kind == Import.Kind.EVENTS:
        return EventOptionsForm(data, import_run=import_run)
    today = timezone.localdate(timezone=timezone.get_default_timezone())
    return ContactOptionsForm(data, import_run=import_run, today=today)
