"""``/segments``: segments and their definitions."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from typing import Any

from django.db import DatabaseError
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from crm.api.bodies import Body, read, read_query
from crm.api.endpoint import Endpoint
from crm.api.errors import refused
from crm.api.pages import PageQuery, page_of, page_shape
from crm.models import ApiKey
from segments.api.shapes import (
    ChangedSegmentBody,
    NewSegmentBody,
    SegmentShape,
    definition_faults,
    name_conflicts,
    told,
)
from segments.editing import InUse, create_segment, delete_segment, fill, save_segment
from segments.faults import DefinitionError
from segments.models import Segment
from segments.uses import uses_of
from segments.versions import ChangedMeanwhile, token_of

READ, WRITE = ApiKey.Scope.SEGMENTS_READ, ApiKey.Scope.SEGMENTS_WRITE
TAGS = ["Segments"]
ATTEMPTS = 5


class SegmentQuery(PageQuery):
    q = serializers.CharField(required=False, max_length=200, help_text=gettext_lazy("Occurs in the name."))
    kind = serializers.ChoiceField(required=False, choices=Segment.Kind.choices)


class DeleteQuery(Body):
    even_if_used = serializers.BooleanField(
        default=False, help_text=gettext_lazy("Delete it although other segments or other things use it.")
    )


class Segments(Endpoint):
    scopes = {"GET": READ, "POST": WRITE}

    @extend_schema(
        operation_id="segments_list",
        tags=TAGS,
        parameters=[SegmentQuery],
        responses=page_shape("Segments", SegmentShape(many=True)),
    )
    def get(self, request: Request) -> Response:
        """Segments, page by page in the order of their ids."""
        query = read_query(request, SegmentQuery)
        segments = Segment.objects.live()
        if "q" in query:
            segments = segments.named(query["q"])
        if "kind" in query:
            segments = segments.filter(kind=query["kind"])
        rows, following = page_of(segments, query)
        return Response({"results": SegmentShape(rows, many=True).data, "next": following})

    @extend_schema(operation_id="segments_create", tags=TAGS, request=NewSegmentBody, responses={201: SegmentShape})
    def post(self, request: Request) -> Response:
        """Create a segment. One with a definition is filled at once; among many contacts, in the background."""
        now = timezone.now()
        given = read(request, NewSegmentBody)
        _refuse_static_definition(given["kind"], given)
        with name_conflicts(), definition_faults("definition"):
            segment = create_segment(**given, now=now)
        if not segment.is_static:
            _fill(segment, now=now)
        return Response(told(segment), status=201)


class OneSegment(Endpoint):
    scopes = {"GET": READ, "PATCH": WRITE, "DELETE": WRITE}

    @extend_schema(operation_id="segments_retrieve", tags=TAGS, responses=SegmentShape)
    def get(self, request: Request, pk: int) -> Response:
        """One segment."""
        return Response(told(segment_of(pk)))

    @extend_schema(operation_id="segments_update", tags=TAGS, request=ChangedSegmentBody, responses=SegmentShape)
    def patch(self, request: Request, pk: int) -> Response:
        """Change what is given of a segment. With another definition, contacts enter and leave at once."""
        now = timezone.now()
        given = read(request, ChangedSegmentBody, partial=True)
        segment = segment_of(pk)
        _refuse_static_definition(segment.kind, given)
        with name_conflicts(), definition_faults("definition"):
            changed = _save(segment, given, now=now)
        if changed:
            _fill(segment, now=now)
        return Response(told(segment))

    @extend_schema(
        operation_id="segments_delete",
        tags=TAGS,
        parameters=[DeleteQuery],
        responses={
            204: OpenApiResponse(description="Deleted; it can be restored for 90 days."),
        },
    )
    def delete(self, request: Request, pk: int) -> Response:
        """Delete a segment. Its contacts stay. One that is used elsewhere is refused with 409 and the uses.

        One that a workflow needs that is active or has contacts inside is refused even so.
        """
        even_if_used = read_query(request, DeleteQuery)["even_if_used"]
        segment = segment_of(pk)
        uses = [use.name for _source, places in uses_of([segment])[pk] for use in places]
        if uses and not even_if_used:
            message = _("The segment is used by: %(uses)s.") % {"uses": ", ".join(uses)}
            raise refused("", message, status=409)
        try:
            delete_segment(segment, now=timezone.now())
        except InUse as error:
            raise refused("", str(error), status=409) from error
        return Response(status=204)


class Refresh(Endpoint):
    scopes = {"POST": WRITE}

    @extend_schema(operation_id="segments_refresh", tags=TAGS, request=None, responses=SegmentShape)
    def post(self, request: Request, pk: int) -> Response:
        """Evaluate the whole definition again: at once, or in the background among many contacts (see `state`)."""
        segment = segment_of(pk)
        if segment.is_static:
            raise refused("", _("A static segment has no definition to refresh it by."))
        _fill(segment, now=timezone.now())
        return Response(told(segment))


def segment_of(pk: int) -> Segment:
    """The segment of this id. Raises Http404 for one that there is not, or that is deleted."""
    return get_object_or_404(Segment.objects.live(), pk=pk)


def _refuse_static_definition(kind: str, given: dict[str, Any]) -> None:
    if kind == Segment.Kind.STATIC and given.get("definition") is not None:
        raise refused("definition", _("A static segment has no definition."))


def _save(segment: Segment, given: dict[str, Any], *, now: datetime) -> bool:
    """Save what is given and leave the rest as it is; returns whether the definition changed."""
    revision = given.pop("revision", None)
    attempts = ATTEMPTS
    while True:
        attempts -= 1
        kept = {name: getattr(segment, name) for name in ("name", "description", "is_test", "definition")}
        try:
            return save_segment(segment, **(kept | given), now=now, expected=revision or token_of(segment))
        except ChangedMeanwhile as changed:
            if revision or not attempts:
                message = _("Somebody saved the segment since you read it.")
                raise refused("revision", message, status=409) from changed
            segment.refresh_from_db()


def _fill(segment: Segment, *, now: datetime) -> None:
    # A failure stays on the segment, where the answer shows it, and Muster tries again.
    with suppress(DatabaseError, DefinitionError):
        fill(segment, now=now)
    segment.refresh_from_db()
