"""Step 5: how far an import is, what came of it, the rows that it refused, and undoing it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.text import slugify
from django.views.decorators.http import require_http_methods, require_safe

from contacts.imports import refused, undoing
from contacts.models import Import
from contacts.views.imports.chosen import chosen
from contacts.views.imports.figures import figures, reasons_of_run
from contacts.views.imports.steps import go_to, import_of, steps, unfinished_step
from crm.requests import Request
from crm.roles import requires

State = Import.State
COUNTED_AT_ONCE = 20_000  # contacts; of more the page says only what is kept, not how many
SHOWS_ITS_JOB = {State.RUNNING, State.UNDOING, State.FAILED, State.CANCELLED}


@require_safe
@requires("contacts.view_import")
def report(request: Request, pk: int) -> HttpResponse:
    """An import that has begun. A draft goes on where it was left."""
    import_run = import_of(pk)
    if import_run.is_draft:
        return go_to(unfinished_step(import_run), import_run)
    if import_run.state == State.CHECKING:
        return go_to("import_check", import_run)
    now = timezone.now()
    context: dict[str, Any] = {
        "nav": "imports",
        "steps": steps("import", import_run),
        "import_run": import_run,
        "shows_job": import_run.state in SHOWS_ITS_JOB and import_run.job is not None,
        "is_of_events": import_run.kind == Import.Kind.EVENTS,
        "came": import_run.rows > import_run.refused + import_run.left,
        "figures": figures(import_run.counts, import_run, is_over=True),
        "reasons": reasons_of_run(import_run),
        "chosen": chosen(import_run),
        "kept": _kept(import_run),
        "can_be_undone": request.user.has_perm("contacts.add_import") and undoing.is_possible(import_run, now=now),
    }
    return render(request, "contacts/imports/report.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@requires("contacts.add_import")
def undo(request: Request, pk: int) -> HttpResponse:
    """Say what would go and what would stay, and undo the import."""
    import_run, now = import_of(pk), timezone.now()
    if not undoing.is_possible(import_run, now=now):
        return go_to("import", import_run)
    if request.method == "POST":
        try:
            undoing.start(import_run, user=request.user, now=now)
        except undoing.NotPossible as reason:
            messages.warning(request, str(reason))
        return go_to("import", import_run)
    context: dict[str, Any] = {"nav": "imports", "import_run": import_run, "reasons": list(undoing.REASONS.values())}
    if import_run.created <= COUNTED_AT_ONCE:
        kept = undoing.kept(import_run)
        context["deleted"] = undoing.created_by(import_run).count() - sum(kept.values())
        context["kept"] = _in_words(kept)
    return render(request, "contacts/imports/undo.html", context)


@require_safe
@requires("contacts.view_import", "contacts.view_refusedrow")
def refused_rows(request: Request, pk: int) -> HttpResponseBase:
    """The refused rows as a CSV file that can be put right and imported again."""
    import_run = import_of(pk)
    if not import_run.refused_rows.exists():
        raise Http404
    name = slugify(import_run.name)[:80] or "import"
    response = StreamingHttpResponse(refused.as_csv(import_run), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}-refused.csv"'
    response["Cache-Control"] = "no-store"
    return response


def _kept(import_run: Import) -> list[tuple[str, int]]:
    """Why undoing kept contacts, and how many."""
    return _in_words((import_run.undo_result or {}).get("kept", {}))


def _in_words(kept: dict[str, int]) -> list[tuple[str, int]]:
    return [(str(undoing.REASONS[key]), number) for key, number in kept.items()]
