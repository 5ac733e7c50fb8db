"""Creating and editing segments: the choice of the type, the editor and its preview."""

from collections.abc import Iterator
from typing import Any

from django.contrib import messages
from django.db import IntegrityError, transaction
from django.http import Http404, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import trigger_client_event

from crm.requests import Request
from crm.roles import requires
from segments.context import Context
from segments.editing import create_segment, fill, save_segment
from segments.editor import Tree, read_tree, tree_of
from segments.faults import DefinitionError
from segments.forms import SegmentForm
from segments.kinds import OFFERED
from segments.models import Segment
from segments.preview import PartCount
from segments.tree import Group, Node
from segments.uses import starting_uses
from segments.versions import ChangedMeanwhile, token_of
from segments.views.conflict import conflict_with
from segments.views.filling import filled
from segments.views.gallery import segment_of
from segments.views.previewing import figures_of


@require_safe
@requires("segments.add_segment")
def choose_kind(request: Request) -> HttpResponse:
    """Choose the type of a new segment, then go to its editor."""
    if request.GET.get("type") in OFFERED:
        return redirect("segments:new", request.GET["type"])
    return render(request, "segments/choose_kind.html", {"nav": "segments", "kinds": OFFERED.values()})


@require_http_methods(["GET", "HEAD", "POST"])
@requires("segments.add_segment")
def new(request: Request, kind: str) -> HttpResponse:
    """The editor of a new segment, which may begin with the conditions of a template."""
    segment = _new_segment(kind)
    if request.method != "POST" and "template" in request.GET:
        begun = segment_of(kind, request.GET)
        if begun is None:
            return redirect(reverse("segments:template", args=[request.GET["template"]], query=request.GET))
        segment = begun
    return _editor(request, segment)


@require_http_methods(["GET", "HEAD", "POST"])
@requires("segments.change_segment")
def edit(request: Request, pk: int) -> HttpResponse:
    return _editor(request, _segment(pk))


@require_POST
@requires("segments.add_segment")
def preview_of_new(request: Request, kind: str) -> HttpResponse:
    return _preview(request, _new_segment(kind))


@require_POST
@requires("segments.change_segment")
def preview_of_edited(request: Request, pk: int) -> HttpResponse:
    return _preview(request, _segment(pk))


def _new_segment(kind: str) -> Segment:
    if kind not in OFFERED:
        raise Http404
    return Segment(kind=kind)


def _segment(pk: int) -> Segment:
    return get_object_or_404(Segment.objects.live().filter(kind__in=OFFERED), pk=pk)


def _editor(request: Request, segment: Segment) -> HttpResponse:
    """One form: it is saved, or a condition of it is added, removed or changed.

    htmx asks for the tree alone then; without it the page comes back as a whole, with the preview.
    """
    if request.method != "POST":
        return _page(request, segment, SegmentForm(segment=segment), _stored_tree(segment))
    tree = None if segment.is_static else read_tree(request.POST, kind=segment.kind, context=Context())
    if "save" in request.POST or "over" in request.POST or tree is None:
        return _save(request, segment, tree)
    tree.change(request.POST)
    if request.htmx:
        response = render(request, "segments/_tree.html", _of_tree(tree))
        return trigger_client_event(response, "tree-changed", after="settle")
    typed = SegmentForm(initial=_typed(request.POST), segment=segment)
    return _page(request, segment, typed, tree, **_figures(tree, segment, exact="exact" in request.POST))


def _stored_tree(segment: Segment) -> Tree | None:
    if segment.is_static:
        return None
    if segment.definition is None:
        return Tree.new(kind=segment.kind, context=Context())
    return tree_of(segment.definition, kind=segment.kind, context=Context())


def _save(request: Request, segment: Segment, tree: Tree | None) -> HttpResponse:
    form = SegmentForm(request.POST, segment=segment)
    definition = tree.checked_definition() if tree else None
    if not form.is_valid() or (tree and definition is None):
        return _failed(request, segment, form, tree)
    values = {**form.cleaned_data, "definition": definition, "now": timezone.now(), "user": request.user}
    announce = "announce" in request.POST
    try:
        with transaction.atomic():
            if segment._state.adding:
                saved, changed = create_segment(kind=segment.kind, **values), definition is not None
            else:
                expected = _expected(request.POST)
                saved, changed = segment, save_segment(segment, **values, expected=expected, announce=announce)
    except DefinitionError as error:
        assert tree
        tree.show(error.faults)
        return _failed(request, segment, form, tree)
    except ChangedMeanwhile as meanwhile:
        conflict = conflict_with(meanwhile.saved, form.cleaned_data, definition)
        return _page(request, segment, form, tree, status=409, conflict=conflict)
    except IntegrityError:
        looking_again = SegmentForm(request.POST, segment=segment)
        if looking_again.is_valid():
            raise
        # Somebody else took the name since the form looked first.
        return _failed(request, segment, looking_again, tree)
    messages.success(request, _("“%(segment)s” was saved.") % {"segment": saved.name})
    if changed:
        filled(request, lambda: fill(saved, now=timezone.now(), user=request.user))
    return HttpResponseRedirect(reverse("segments:detail", args=[saved.pk]), status=303)


def _expected(posted: QueryDict) -> str:
    """The token of what was being edited; or of what somebody saved meanwhile, and it was decided to save over."""
    return posted.get("over") or posted.get("saved", "")


def _failed(request: Request, segment: Segment, form: SegmentForm, tree: Tree | None) -> HttpResponse:
    return _page(request, segment, form, tree, status=422, has_failed=True)


def _typed(posted: QueryDict) -> dict[str, Any]:
    return {"name": posted.get("name"), "description": posted.get("description"), "is_test": "is_test" in posted}


def _page(
    request: Request, segment: Segment, form: SegmentForm, tree: Tree | None, *, status: int = 200, **context: Any
) -> HttpResponse:
    context |= {"nav": "segments", "segment": segment, "form": form}
    if segment.pk:
        context["token"] = request.POST.get("saved", "") if request.method == "POST" else token_of(segment)
        context["starting"] = [] if segment.is_static else starting_uses(segment)
        context["announce"] = "announce" in request.POST
    if tree:
        context |= _of_tree(tree)
    return render(request, "segments/editor.html", context, status=status)


def _of_tree(tree: Tree) -> dict[str, Any]:
    return {"tree": tree, "subjects": tree.subjects(), "time_zone": timezone.get_default_timezone_name()}


def _preview(request: Request, segment: Segment) -> HttpResponse:
    if segment.is_static:
        raise Http404
    tree = read_tree(request.POST, kind=segment.kind, context=Context())
    figures = _figures(tree, segment, exact="exact" in request.POST)
    nodes = list(_nodes(tree.root))
    parts: list[PartCount | None] = figures["preview"].parts if figures["preview"] else [None] * len(nodes)
    context = {"segment": segment, "preview_address": request.path, "counts": list(zip(nodes, parts, strict=True))}
    return render(request, "segments/_preview_and_counts.html", context | figures)


def _nodes(node: Node) -> Iterator[Node]:
    """The groups and conditions of the tree, in the order of the definition's."""
    yield node
    for inner in node.nodes if isinstance(node, Group) else ():
        yield from _nodes(inner)


def _figures(tree: Tree, segment: Segment, *, exact: bool = False) -> dict[str, Any]:
    """The preview of what is in the tree; None while it is not complete, which is never shown as if it were all.

    Then there is a word about the conditions whose faults were shown, such as a list that was deleted.
    """
    saved = None if segment._state.adding else segment
    figures = figures_of(tree.complete_definition(), segment=saved, now=timezone.now(), exact=exact)
    return figures | {"may_count_exactly": True, "faulty": [row for row in tree.root.rows() if row.is_faulty]}
