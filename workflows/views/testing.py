"""Trying a draft: on a test segment, step by step as it happens; or dry, with any contact and without any effect."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Q
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from contacts.models import Contact
from crm.models import Job
from crm.requests import Request
from crm.roles import requires
from segments.models import Segment
from workflows.activation import CannotActivate
from workflows.cards import board_of, cards_of, name_of
from workflows.dry_run import DryRun, dry_run
from workflows.graph import Graph, parse
from workflows.models import Run, Version, Workflow
from workflows.nodes.base import NODES, NodeContext, Trigger
from workflows.paths import paths_of
from workflows.testing import CannotTest, start_test, subject_of

MOST_PATHS = 20


class TestForm(forms.Form):
    segment = forms.ModelChoiceField(
        Segment.objects.none(),
        label=gettext_lazy("Test segment"),
        empty_label=gettext_lazy("Choose a test segment"),
        help_text=gettext_lazy("Emails go to its contacts and to nobody else. Waits take a few seconds."),
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **({"use_required_attribute": False} | options))
        tests = Segment.objects.live().filter(is_test=True, kind=Segment.Kind.STATIC).order_by("name", "pk")
        self.fields["segment"].queryset = tests  # type: ignore[attr-defined]


@require_http_methods(["GET", "HEAD", "POST"])
@requires("workflows.change_workflow")
def test(request: Request, pk: int) -> HttpResponse:
    """Choose a test segment, and begin."""
    workflow = get_object_or_404(Workflow.objects.live(), pk=pk)
    form = TestForm(request.POST if request.method == "POST" else None, initial={"segment": workflow.test_segment_id})
    if form.is_bound and form.is_valid():
        try:
            version, _job = start_test(workflow, form.cleaned_data["segment"], now=timezone.now(), user=request.user)
        except CannotTest as error:
            form.add_error("segment", str(error))
        except CannotActivate:
            form.add_error(None, _("The test can begin once the draft is complete."))
        else:
            return HttpResponseRedirect(reverse("workflows:test_of", args=[pk, version.number]), status=303)
    graph = parse(workflow.draft)
    tests = Version.objects.filter(workflow=workflow, is_test=True).defer("graph").order_by("-pk")[:5]
    context = {
        "nav": "workflows",
        "workflow": workflow,
        "form": form,
        "faults": _faults(graph, workflow),
        "tests": list(tests),
    }
    return render(request, "workflows/test.html", context, status=422 if form.is_bound else 200)


@require_safe
@requires("workflows.view_workflow", "workflows.view_run", "contacts.view_contact")
def test_of(request: Request, pk: int, number: int) -> HttpResponse:
    """A test as it happens: the paths of its contacts, which ask for themselves again until all are through."""
    workflow = get_object_or_404(Workflow.objects.live().defer("draft"), pk=pk)
    versions = Version.objects.filter(workflow=workflow)
    version = versions.filter(number=number, is_test=True).first()
    if version is None:
        if versions.filter(number=number).exists() or not versions.filter(number__gt=number).exists():
            raise Http404
        messages.info(request, _("This test is no longer kept."))
        return HttpResponseRedirect(reverse("workflows:test", args=[pk]), status=303)
    runs = list(
        Run.objects.filter(version=version).select_related("contact", "version").order_by("pk")[: MOST_PATHS + 1]
    )
    job = Job.objects.filter(subject=subject_of(version)).order_by("-pk").first()
    context = {
        "nav": "workflows",
        "workflow": workflow,
        "version": version,
        "job": job,
        "paths": paths_of(runs[:MOST_PATHS]),
        "has_more": len(runs) > MOST_PATHS,
    }
    return render(request, "workflows/_test_paths.html" if request.htmx else "workflows/test_of.html", context)


class DryRunForm(forms.Form):
    contact = forms.CharField(
        label=gettext_lazy("Contact"),
        max_length=254,
        help_text=gettext_lazy("The email address, the external id or the number of a contact."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    entry = forms.ChoiceField(label=gettext_lazy("Enters by"), required=False)

    def __init__(self, *args: Any, entries: list[tuple[str, str]], **options: Any) -> None:
        super().__init__(*args, **({"use_required_attribute": False} | options))
        if len(entries) > 1:
            self.fields["entry"].choices = entries  # type: ignore[attr-defined]
        else:
            del self.fields["entry"]

    def clean_contact(self) -> Contact:
        text: str = self.cleaned_data["contact"].strip()
        found = Q(email__iexact=text) | Q(external_id=text)
        if text.isascii() and text.isdecimal() and len(text) < 18:
            found |= Q(pk=int(text))
        contact = Contact.objects.filter(found).order_by("pk").first()
        if contact is None:
            raise forms.ValidationError(_("There is no such contact."))
        return contact


@require_safe
@requires("workflows.view_workflow", "contacts.view_contact")
def dry(request: Request, pk: int) -> HttpResponse:
    """The path that a contact would take. It changes nothing, so its address can be shared."""
    workflow = get_object_or_404(Workflow.objects.live(), pk=pk)
    graph = parse(workflow.draft)
    form = DryRunForm(request.GET if "contact" in request.GET else None, entries=_entries(graph, workflow))
    faults = _faults(graph, workflow)
    result: DryRun | None = None
    if form.is_bound and form.is_valid() and not faults:
        contact, entry = form.cleaned_data["contact"], form.cleaned_data.get("entry", "")
        result = dry_run(workflow, contact, now=timezone.now(), entry=entry)
    context = {"nav": "workflows", "workflow": workflow, "form": form, "faults": faults, "result": result}
    return render(request, "workflows/dry_run.html", context, status=422 if form.errors else 200)


def _entries(graph: Graph, workflow: Workflow) -> list[tuple[str, str]]:
    cards = cards_of(graph, NodeContext(graph, workflow_id=workflow.pk), [])
    behind = graph.all_after(graph.start.id, "next") if graph.start else ()
    nodes = [graph.nodes[node_id] for node_id in behind]
    triggers = [node for node in nodes if node.type in NODES and isinstance(NODES[node.type], Trigger)]
    return [(node.id, name_of(node, cards[node.id])) for node in triggers]


def _faults(graph: Graph, workflow: Workflow) -> list[dict[str, str]]:
    """What is wrong with the draft, each with its node."""
    found: list[dict[str, str]] = board_of(graph, NodeContext(graph, workflow_id=workflow.pk))["faults"]
    return found
