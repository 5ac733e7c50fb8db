"""The gallery of workflow templates, the page of one, and the workflow that is made of it."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from crm.requests import Request
from crm.roles import requires
from workflows import gallery_templates as gallery_templates  # registers every template
from workflows.cards import cards_of
from workflows.gallery import TEMPLATES, Template, of_goals, use
from workflows.nodes.base import NodeContext
from workflows.picture import Picture, picture_of


@require_safe
@requires("workflows.add_workflow")
def gallery(request: Request) -> HttpResponse:
    goals = [(goal, [(one, _picture(one)) for one in templates]) for goal, templates in of_goals()]
    return render(request, "workflows/gallery.html", {"nav": "workflows", "goals": goals})


@require_http_methods(["GET", "HEAD", "POST"])
@requires("workflows.add_workflow", "segments.add_segment")
def template(request: Request, key: str) -> HttpResponse:
    """What the template does and which segments it makes; and making them."""
    if key not in TEMPLATES:
        raise Http404
    chosen = TEMPLATES[key]
    if request.method == "POST":
        workflow = use(chosen, now=timezone.now(), user=request.user)
        messages.success(request, _("“%(workflow)s” is a draft of yours now.") % {"workflow": workflow.name})
        return HttpResponseRedirect(reverse("workflows:canvas", args=[workflow.pk]), status=303)
    context = {
        "nav": "workflows",
        "template": chosen,
        "picture": _picture(chosen),
        "segments": [(needed, needed.existing()) for needed in chosen.segments],
    }
    return render(request, "workflows/template.html", context)


def _picture(template: Template) -> Picture:
    """The graph before it has its segments, whose cards then say nothing of them."""
    graph = template.graph({})
    return picture_of(graph, cards_of(graph, NodeContext(graph), []))
