"""The gallery of segment templates, the page of one, and the segment that it gives the editor to begin with."""

from typing import Any

from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from crm.requests import Request
from crm.roles import requires
from segments.copying import free_name
from segments.gallery import TEMPLATES, ParametersForm, Template, of_goals
from segments.models import Segment
from segments.views.previewing import figures_of


@require_safe
@requires("segments.add_segment")
def gallery(request: Request) -> HttpResponse:
    return render(request, "segments/gallery.html", {"nav": "segments", "goals": of_goals()})


@require_safe
@requires("segments.add_segment")
def template(request: Request, key: str) -> HttpResponse:
    """The template with the values in the address; without any, with those that it begins with."""
    chosen = _template(key)
    form = ParametersForm(request.GET or None, template=chosen, now=timezone.now())
    context = {
        "nav": "segments",
        "template": chosen,
        "form": form,
        **_figures(form, exact="exact" in request.GET),
    }
    return render(request, "segments/template.html", context, status=422 if form.errors else 200)


@require_safe
@requires("segments.add_segment")
def preview_of_template(request: Request, key: str) -> HttpResponse:
    chosen = _template(key)
    form = ParametersForm(request.GET, template=chosen, now=timezone.now())
    context = {"template": chosen, "form": form, **_figures(form, exact="exact" in request.GET)}
    return render(request, "segments/_template_preview.html", context)


def segment_of(kind: str, values: QueryDict) -> Segment | None:
    """A new segment with the conditions of the template in ``values``; None when its values are not right.

    Raises Http404 when there is no such template for this type.
    """
    chosen = _template(values.get("template", ""))
    if chosen.kind != kind:
        raise Http404
    form = ParametersForm(values, template=chosen, now=timezone.now())
    if not form.is_valid():
        return None
    name, description = free_name(str(chosen.name)), str(chosen.does)
    return Segment(kind=kind, name=name, description=description, definition=form.definition())


def _template(key: str) -> Template:
    if key not in TEMPLATES:
        raise Http404
    return TEMPLATES[key]


def _figures(form: ParametersForm, *, exact: bool) -> dict[str, Any]:
    """The preview of the segment that the values make; none before there are any."""
    if not form.is_bound:
        return {"preview": None, "is_previewed": False}
    definition = form.definition() if form.is_valid() else None
    return figures_of(definition, segment=None, now=timezone.now(), exact=exact)
