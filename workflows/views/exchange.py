"""Workflows as files: download one, and make one from a file."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from crm.requests import Request
from crm.roles import requires
from workflows.exchange import LARGEST_FILE, CannotImport, as_text, import_workflow
from workflows.forms import folders
from workflows.models import Workflow


class ImportForm(forms.Form):
    file = forms.FileField(
        label=gettext_lazy("File"),
        help_text=gettext_lazy("A workflow that was exported as JSON."),
        widget=forms.FileInput(attrs={"accept": ".json,application/json"}),
    )
    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=200,
        required=False,
        help_text=gettext_lazy("Empty: the name in the file."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    folder = forms.CharField(
        label=gettext_lazy("Folder"),
        max_length=100,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "list": "folders"}),
    )


@require_safe
@requires("workflows.view_workflow")
def export(request: Request, pk: int) -> HttpResponse:
    workflow = get_object_or_404(Workflow.objects.live(), pk=pk)
    response = HttpResponse(as_text(workflow), content_type="application/json")
    name = slugify(workflow.name) or f"workflow-{workflow.pk}"
    response["Content-Disposition"] = f'attachment; filename="{name}.json"'
    return response


@require_http_methods(["GET", "HEAD", "POST"])
@requires("workflows.add_workflow")
def import_file(request: Request) -> HttpResponse:
    """Create a workflow from a file; what it refers to that there is not here is said, and marked on its nodes."""
    data, files = (request.POST, request.FILES) if request.method == "POST" else (None, None)
    form = ImportForm(data, files, use_required_attribute=False)
    if form.is_bound and form.is_valid():
        content = form.cleaned_data["file"].read(LARGEST_FILE + 1)
        try:
            imported = import_workflow(
                content,
                now=timezone.now(),
                user=request.user,
                name=form.cleaned_data["name"],
                folder=form.cleaned_data["folder"],
            )
        except CannotImport as error:
            form.add_error("file", str(error))
        else:
            messages.success(request, _("“%(workflow)s” was imported.") % {"workflow": imported.workflow.name})
            if imported.missing:
                text = _("Choose something else for what there is not here: %(missing)s.")
                messages.warning(request, text % {"missing": ", ".join(imported.missing)})
            return HttpResponseRedirect(reverse("workflows:canvas", args=[imported.workflow.pk]), status=303)
    context = {"nav": "workflows", "form": form, "folders": folders()}
    return render(request, "workflows/import.html", context, status=422 if form.is_bound else 200)
