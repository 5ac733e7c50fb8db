"""Step 1: giving the rows, and seeing how they are read."""

from __future__ import annotations

from typing import Any, BinaryIO, cast

from django.contrib import messages
from django.core.exceptions import RequestDataTooBig
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods

from contacts.import_forms.reading import ReadingForm
from contacts.import_forms.source import WAYS, SourceForm
from contacts.import_forms.uploads import LimitedUpload, largest_file
from contacts.imports import drafting
from contacts.imports.sources import FORMATS, Source, UnreadableFile, mismatch, sheets
from contacts.models import Import
from contacts.views.imports.steps import go_to, of_a_draft, steps
from crm.requests import Request
from crm.roles import requires

ROWS_SHOWN = 8


# How a file is received is settled before anything of it is read, and the token against forgery is read with it.
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
@requires("contacts.add_import")
def new(request: Request) -> HttpResponse:
    upload = LimitedUpload(request, limit=largest_file())
    request.upload_handlers = [upload]
    try:
        request.POST  # noqa: B018
    except RequestDataTooBig:
        # Nothing of what was sent has been read, so nothing is done but to say so.
        return _page(request, WAYS["paste"]({}, is_too_large=True), status=413)
    return _new(request, upload)


@csrf_protect
def _new(request: Request, upload: LimitedUpload) -> HttpResponse:
    way = request.GET.get("from", "upload")
    if way not in WAYS:
        raise Http404
    if request.method != "POST":
        return _page(request, WAYS[way](initial={"kind": request.GET.get("kind", Import.Kind.CONTACTS)}))
    form = WAYS[way](request.POST, request.FILES, is_too_large=upload.is_too_large)
    if form.is_valid() and (import_run := _begun(request, form)):
        if text := mismatch(form.file().name or "", Source.from_json(import_run.source)):
            messages.warning(request, text)
        return go_to("import_source", import_run)
    return _page(request, form, status=422)


def _begun(request: Request, form: SourceForm) -> Import | None:
    """The new import; None when its rows cannot be read, which the form then says."""
    now = timezone.now()
    try:
        return drafting.begin(
            form.file(),
            name=form.name_of_import(now=now),
            kind=form.cleaned_data["kind"],
            user=request.user,
            now=now,
        )
    except UnreadableFile as error:
        form.add_error(form.rows, str(error))
        return None


def _page(request: Request, form: SourceForm, *, status: int = 200) -> HttpResponse:
    context = {"nav": "imports", "steps": steps("import_source"), "form": form}
    return render(request, "contacts/imports/new.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@requires("contacts.add_import")
@of_a_draft
def source(request: Request, import_run: Import) -> HttpResponse:
    """What was found out about the file, with its first rows; a POST reads it otherwise."""
    found, rows = Source.from_json(import_run.source), drafting.samples(import_run, count=ROWS_SHOWN)
    form = ReadingForm(
        request.POST if request.method == "POST" else None, source=found, sheets=_sheets(import_run, found)
    )
    if form.is_valid():
        try:
            drafting.read_again(import_run, form.source())
        except UnreadableFile as error:
            form.add_error(None, str(error))
        else:
            return go_to("import_source", import_run)
    context: dict[str, Any] = {
        "nav": "imports",
        "steps": steps("import_source", import_run),
        "import_run": import_run,
        "form": form,
        "format": FORMATS[found.format],
        "rows": rows,
    }
    return render(request, "contacts/imports/source.html", context, status=422 if form.errors else 200)


def _sheets(import_run: Import, source: Source) -> list[str]:
    with import_run.file.open("rb") as file:
        return sheets(cast(BinaryIO, file.file), source)
